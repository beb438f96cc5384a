//! Format `apple`: an anonymous certificate for the credential's own key.
//! WebAuthn Level 3 §8.8.

use super::{Evidence, Signed};
use crate::attestation::{
    Refusal,
    certificate::{Certificate, Chain, Stated},
};
use keysteward_core::{
    cbor::Raw,
    webauthn::attestation::{APPLE, Statement},
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_parser::asn1_rs::{Any, Class, FromDer as _, OctetString, Oid, Tag, oid};

/// Why an `apple` attestation proves nothing.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AppleFault {
    #[error("has no nonce (1.2.840.113635.100.8.2) in its certificate")]
    NoNonce,
    #[error("has a nonce that is not readable")]
    NonceUnreadable,
    #[error("was made for other authenticator data or another challenge: its nonce is another")]
    OtherNonce,
    #[error("certifies another key than the credential's")]
    OtherKey,
}

pub(super) fn evidence<'a>(
    att_stmt: Raw<'a>,
    signed: &Signed<'_>,
) -> Result<Evidence<'a>, Refusal> {
    let statement = Statement::parse(APPLE, att_stmt).map_err(Refusal::Statement)?;
    let chain = Chain::read(statement.certificates())?;
    let refuse = |fault| Err(Refusal::Apple(fault));
    let nonce = match nonce(&chain.leaf)? {
        Ok(nonce) => nonce,
        Err(fault) => return refuse(fault),
    };
    if nonce != Sha256::digest(signed.message()).as_slice() {
        return refuse(AppleFault::OtherNonce);
    }
    if !signed.is_of_credential(&chain.leaf.key()?) {
        return refuse(AppleFault::OtherKey);
    }
    chain.leaf.check_no_ca(Stated::Assumed)?;
    Ok(Evidence::Certified {
        chain,
        types: &["anonca"],
        serial: None,
    })
}

/// SEQUENCE { [1] { OCTET STRING } }
fn nonce<'c>(certificate: &'c Certificate<'_>) -> Result<Result<Vec<u8>, AppleFault>, Refusal> {
    let Some(extension) = certificate.extension(&NONCE)? else {
        return Ok(Err(AppleFault::NoNonce));
    };
    let read = |value: &'c [u8]| {
        let (rest, sequence) = Any::from_der(value).ok()?;
        let (after, tagged) = Any::from_der(sequence.data).ok()?;
        let (beyond, nonce) = OctetString::from_der(tagged.data).ok()?;
        let whole = rest.is_empty() && after.is_empty() && beyond.is_empty();
        let right = sequence.tag() == Tag::Sequence
            && tagged.class() == Class::ContextSpecific
            && tagged.tag() == Tag(1);
        (whole && right).then(|| nonce.as_ref().to_vec())
    };
    Ok(read(extension.value).ok_or(AppleFault::NonceUnreadable))
}

const NONCE: Oid<'_> = oid!(1.2.840.113635.100.8.2);
