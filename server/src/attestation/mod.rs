//! What a token proves about itself when it makes a credential: formats, paths,
//! trust. WebAuthn Level 3 §7.1 (steps on the attestation object) and §8.
//!
//! ```text
//!  object ─> authenticator data ─> statement ─> signature ─┬─> certificate profile ─> path to a root
//!            for this RP, key,      packed,                ├─> itself      (where the type allows it)
//!            algorithm, model       fido-u2f, none         └─> nothing     (where the type allows it)
//! ```
//!
//! Pure: bytes, what was asked, what is trusted and the time go in; a
//! [`VerifiedAttestation`] comes out, or the [`Refusal`]. Signatures are checked
//! by the core, paths by webpki.
//!
//! ```
//! use keysteward_server::attestation::{Expected, Refusal, Trust, Unrooted, verify};
//!
//! let trust = Trust::new::<&str>(&[], Unrooted { none: true, itself: false })?;
//! let expected = Expected {
//!     rp_id: "login.example.com",
//!     user_verified: true,
//!     algorithms: &[-7],
//!     aaguids: &[],
//! };
//! let now = "2026-11-21T12:00:00Z".parse().expect("a time");
//! let refusal = verify(b"no CBOR", &[0; 32], &expected, &trust, now).unwrap_err();
//! assert!(matches!(refusal, Refusal::Object(_)));
//! # Ok::<(), keysteward_server::attestation::RootError>(())
//! ```

mod certificate;
pub mod client_data;
mod refusal;
#[cfg(test)]
mod tests;
mod trust;

pub use refusal::{ProfileFault, Refusal};
pub use trust::{RootError, Trust, Unrooted};

use jiff::Timestamp;
use keysteward_core::crypto::{Crypto, PrivateKey, PublicPoint, RustCrypto};
use keysteward_core::webauthn::{
    attestation::{AttestationObject, Statement},
    authenticator_data::{AttestedCredential, AuthenticatorData, Flags},
    cose::PublicKey,
};
use rand::rngs::OsRng;
use std::fmt;

/// What was asked of the token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub rp_id: &'a str,
    /// A PIN or another verification was part of the request.
    pub user_verified: bool,
    /// COSE numbers.
    pub algorithms: &'a [i64],
    /// Models allowed; empty: every one.
    pub aaguids: &'a [[u8; 16]],
}

/// A credential whose attestation passed every check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedAttestation {
    credential_id: Vec<u8>,
    public_key_cose: Vec<u8>,
    aaguid: [u8; 16],
    sign_count: u32,
    format: String,
    proof: Proof,
}

/// What stands behind an attestation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    /// The token's maker, down from this root.
    Root {
        subject: String,
    },
    /// The credential's own key: it is held, by whatever device.
    Itself,
    Nothing,
}

impl VerifiedAttestation {
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// COSE_Key, as it stands in the authenticator data.
    #[must_use]
    pub fn public_key_cose(&self) -> &[u8] {
        &self.public_key_cose
    }

    #[must_use]
    pub const fn aaguid(&self) -> [u8; 16] {
        self.aaguid
    }

    #[must_use]
    pub const fn sign_count(&self) -> u32 {
        self.sign_count
    }

    /// `packed`, `fido-u2f` or `none`.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    #[must_use]
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }
}

/// As an administrator reads it: "packed, proven to CN=Example Root".
impl fmt::Display for VerifiedAttestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proof {
            Proof::Root { subject } => write!(f, "{}, proven to {subject}", self.format),
            Proof::Itself => write!(f, "{}, by itself", self.format),
            Proof::Nothing => f.write_str(&self.format),
        }
    }
}

/// Checks an attestation object against what was asked and what is trusted.
///
/// # Errors
/// The first check that failed. The credential then stays on the token; to
/// remove it is the caller's.
pub fn verify(
    object: &[u8],
    client_data_hash: &[u8; 32],
    expected: &Expected<'_>,
    trust: &Trust,
    now: Timestamp,
) -> Result<VerifiedAttestation, Refusal> {
    // Checking signatures draws no randomness.
    let crypto = RustCrypto(OsRng);
    let object = AttestationObject::parse(object).map_err(Refusal::Object)?;
    let data = AuthenticatorData::parse(object.auth_data).map_err(Refusal::AuthenticatorData)?;
    let credential = check_data(&data, expected, crypto)?;
    let statement = object.statement().map_err(Refusal::Statement)?;
    let signed = Signed {
        auth_data: object.auth_data,
        client_data_hash,
        aaguid: *credential.aaguid,
    };
    let proof = match &statement {
        Statement::None if object.att_stmt.bytes() != EMPTY_MAP => Err(Refusal::NoneWithStatement),
        Statement::None => trust.accept_nothing(),
        Statement::Packed { x5c: None, .. } => by_itself(&statement, &signed, trust, crypto),
        Statement::Packed { .. } | Statement::FidoU2f { .. } => {
            by_its_maker(&statement, &signed, trust, now, crypto)
        }
        other => Err(Refusal::UnsupportedFormat(other.fmt().to_owned())),
    }?;
    Ok(VerifiedAttestation {
        credential_id: credential.credential_id.to_vec(),
        public_key_cose: cose_bytes(&credential.public_key)?,
        aaguid: *credential.aaguid,
        sign_count: data.sign_count,
        format: object.fmt.to_owned(),
        proof,
    })
}

/// What an attestation signature is over.
struct Signed<'a> {
    auth_data: &'a [u8],
    client_data_hash: &'a [u8; 32],
    aaguid: [u8; 16],
}

/// WebAuthn Level 3 §7.1, steps 14 to 20.
fn check_data<'d, 'a>(
    data: &'d AuthenticatorData<'a>,
    expected: &Expected<'_>,
    mut crypto: RustCrypto<OsRng>,
) -> Result<&'d AttestedCredential<'a>, Refusal> {
    if *data.rp_id_hash != crypto.sha256(&[expected.rp_id.as_bytes()]) {
        return Err(Refusal::OtherRelyingParty {
            expected: expected.rp_id.to_owned(),
        });
    }
    if !data.flags.contains(Flags::USER_PRESENT) {
        return Err(Refusal::UserNotPresent);
    }
    if expected.user_verified && !data.flags.contains(Flags::USER_VERIFIED) {
        return Err(Refusal::UserNotVerified);
    }
    let credential = data
        .attested_credential
        .as_ref()
        .ok_or(Refusal::NoCredential)?;
    if credential.credential_id.is_empty() {
        return Err(Refusal::EmptyCredentialId);
    }
    if !expected.aaguids.is_empty() && !expected.aaguids.contains(credential.aaguid) {
        return Err(Refusal::OtherModel {
            aaguid: uuid::Uuid::from_bytes(*credential.aaguid),
        });
    }
    let algorithm = i64::from(credential.public_key.algorithm());
    if !expected.algorithms.contains(&algorithm) {
        return Err(Refusal::AlgorithmNotAsked {
            found: algorithm,
            asked: expected.algorithms.to_vec(),
        });
    }
    match credential.public_key {
        PublicKey::Es256 { x, y } => {
            // A key agreement is what tells a point on the curve from another.
            let point = PublicPoint { x: *x, y: *y };
            crypto
                .p256_agree(&PrivateKey::from_bytes(ONE), &point)
                .map_err(|_| Refusal::UnusablePublicKey { algorithm })?;
        }
        PublicKey::Ed25519 { .. } => {}
        // Named as one of ours, without the members of one.
        PublicKey::Other { .. } if matches!(algorithm, ES256 | EDDSA) => {
            return Err(Refusal::UnusablePublicKey { algorithm });
        }
        _ => {}
    }
    Ok(credential)
}

fn by_itself(
    statement: &Statement<'_>,
    signed: &Signed<'_>,
    trust: &Trust,
    crypto: RustCrypto<OsRng>,
) -> Result<Proof, Refusal> {
    let signature = statement
        .verify_self(&crypto, signed.auth_data, signed.client_data_hash)
        .map_err(Refusal::Signature)?;
    trust.accept_itself(signature)
}

fn by_its_maker(
    statement: &Statement<'_>,
    signed: &Signed<'_>,
    trust: &Trust,
    now: Timestamp,
    crypto: RustCrypto<OsRng>,
) -> Result<Proof, Refusal> {
    let chain: Vec<&[u8]> = statement
        .certificates()
        .iter()
        .take(LONGEST_CHAIN + 1)
        .collect();
    let Some((leaf, intermediates)) = chain.split_first() else {
        return Err(Refusal::NoCertificate);
    };
    if chain.len() > LONGEST_CHAIN {
        return Err(Refusal::ChainTooLong {
            longest: LONGEST_CHAIN,
        });
    }
    let certificate = certificate::parse(leaf)?;
    let key = certificate::key(&certificate)?;
    let signature = statement
        .verify(
            &crypto,
            &key.as_cose(),
            signed.auth_data,
            signed.client_data_hash,
        )
        .map_err(Refusal::Signature)?;
    match statement {
        Statement::Packed { .. } => certificate::check_packed(&certificate, &signed.aaguid)?,
        _ => {
            certificate::check_end_entity(&certificate)?;
        }
    }
    trust.check_path(signature, leaf, intermediates, now)
}

fn cose_bytes(key: &PublicKey<'_>) -> Result<Vec<u8>, Refusal> {
    let mut buffer = [0; LONGEST_COSE_KEY];
    keysteward_core::cbor::encode(key, &mut buffer)
        .map(<[u8]>::to_vec)
        .map_err(|_| Refusal::UnusablePublicKey {
            algorithm: key.algorithm().into(),
        })
}

const ES256: i64 = -7;
const EDDSA: i64 = -8;
/// The scalar 1, big-endian.
const ONE: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};
const EMPTY_MAP: &[u8] = &[0xA0];
/// Leaf, two intermediates, a root that came along, and one to spare.
const LONGEST_CHAIN: usize = 5;
/// ML-DSA-87 has 2,592 bytes.
const LONGEST_COSE_KEY: usize = 4096;
