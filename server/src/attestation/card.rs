//! What a PIV card proves about a key that was made on it: Yubico's attestation. The
//! card signs a certificate for the key with its key F9, and the maker signed that of F9.
//!
//! ```text
//!  certificate of the key ──> certificate of F9 ──> a root of the token type
//!   its public key, the card's serial number, when the card asks for PIN and touch
//! ```

use super::{
    Refusal, Root,
    certificate::{Certificate, Chain},
    path,
};
use jiff::Timestamp;
use std::fmt;
use thiserror::Error;
use x509_parser::asn1_rs::{FromDer as _, Integer, Oid, oid};

/// What a card said of a key that it made, and what it should have said.
#[derive(Clone, Copy, Debug)]
pub struct CardKey<'a> {
    /// SubjectPublicKeyInfo, DER.
    pub public_key: &'a [u8],
    /// X.509, DER; empty: the card attests nothing.
    pub statement: &'a [u8],
    /// The certificate of F9; empty: it showed none.
    pub issuer: &'a [u8],
    /// What the card tells as its serial number, where it does.
    pub serial: Option<u32>,
    /// In Yubico's numbers, where one was asked for.
    pub pin_policy: Option<u8>,
    /// As above.
    pub touch_policy: Option<u8>,
}

/// A key that was made on a card of a maker that is believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CardProof {
    root: String,
    serial: Option<u32>,
}

/// As an administrator reads it.
impl fmt::Display for CardProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "made on the card, proven to {}", self.root)?;
        match self.serial {
            Some(serial) => write!(f, "; serial number {serial}"),
            None => Ok(()),
        }
    }
}

/// Why the card's word for its key is not believed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CardRefusal {
    #[error(
        "the card does not attest keys: use a model that does, or let the token type record only"
    )]
    Nothing,
    #[error("the attestation of the card is for another key than the one it made")]
    OtherKey,
    #[error("the attestation is of the card {certificate}, and this one says it is {card}")]
    OtherCard { certificate: u32, card: u32 },
    #[error("the attestation says nothing readable of {what}")]
    Silent { what: &'static str },
    #[error("the card made the key with another {what} policy than was asked for")]
    OtherPolicy { what: &'static str },
    #[error(transparent)]
    Path(#[from] Refusal),
}

/// Checks the word of a card for one of its keys.
///
/// # Errors
/// The first check that failed.
pub fn verify(key: &CardKey<'_>, roots: &[Root], now: Timestamp) -> Result<CardProof, CardRefusal> {
    if key.statement.is_empty() {
        return Err(CardRefusal::Nothing);
    }
    let chain = match key.issuer {
        [] => Chain::parse(&[key.statement])?,
        issuer => Chain::parse(&[key.statement, issuer])?,
    };
    if chain.leaf.x509.public_key().raw != key.public_key {
        return Err(CardRefusal::OtherKey);
    }
    let root = path::check(&chain, roots.iter(), now)?;
    let serial = serial(&chain.leaf)?;
    if let (Some(certificate), Some(card)) = (serial, key.serial)
        && certificate != card
    {
        return Err(CardRefusal::OtherCard { certificate, card });
    }
    check_policies(&chain.leaf, key)?;
    Ok(CardProof {
        root: root.subject().to_owned(),
        serial,
    })
}

fn serial(leaf: &Certificate<'_>) -> Result<Option<u32>, CardRefusal> {
    let Some(extension) = leaf.extension(&SERIAL)? else {
        return Ok(None);
    };
    let what = "its serial number";
    match Integer::from_der(extension.value) {
        Ok(([], number)) => match number.as_u32() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(CardRefusal::Silent { what }),
        },
        _ => Err(CardRefusal::Silent { what }),
    }
}

fn check_policies(leaf: &Certificate<'_>, key: &CardKey<'_>) -> Result<(), CardRefusal> {
    if key.pin_policy.is_none() && key.touch_policy.is_none() {
        return Ok(());
    }
    let what = "when it asks for PIN and touch";
    let said = leaf.extension(&POLICIES)?.map(|extension| extension.value);
    let Some([pin, touch]) = said else {
        return Err(CardRefusal::Silent { what });
    };
    let differs = |asked: Option<u8>, said: u8| asked.is_some_and(|asked| asked != said);
    if differs(key.pin_policy, *pin) {
        return Err(CardRefusal::OtherPolicy { what: "PIN" });
    }
    if differs(key.touch_policy, *touch) {
        return Err(CardRefusal::OtherPolicy { what: "touch" });
    }
    Ok(())
}

/// Yubico's arc for PIV: serial number, an INTEGER.
const SERIAL: Oid<'static> = oid!(1.3.6.1.4.1.41482.3.7);
/// PIN policy and touch policy, a byte each.
const POLICIES: Oid<'static> = oid!(1.3.6.1.4.1.41482.3.8);

#[cfg(test)]
mod tests;
