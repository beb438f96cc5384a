//! What a token proves about itself when it makes a credential: formats, paths,
//! trust. WebAuthn Level 3 §7.1 (steps on the attestation object) and §8.
//!
//! ```text
//!  object ─> authenticator data ─> format ─> evidence ─┬─> certificates ─> path to a root ─> metadata
//!            for this RP, key,     a file             ├─> itself    (where the type allows it)
//!            algorithm, model      each               └─> nothing   (where the type allows it)
//! ```
//!
//! Pure but for [`Anchors`], which reads files when the server starts: bytes, what
//! was asked, what is trusted and the time go in; a [`VerifiedAttestation`] comes
//! out, or the [`Refusal`].
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
//!     template_aaguids: &[],
//!     blocked_aaguids: &[],
//!     serial: None,
//!     one_device: false,
//! };
//! let now = "2026-11-21T12:00:00Z".parse().expect("a time");
//! let refusal = verify(b"no CBOR", &[0; 32], &expected, &trust, now).unwrap_err();
//! assert!(matches!(refusal, Refusal::Object(_)));
//! # Ok::<(), keysteward_server::attestation::RootError>(())
//! ```

mod anchors;
mod card;
mod certificate;
pub mod client_data;
mod format;
mod key;
mod metadata;
mod path;
mod refusal;
mod serial;
#[cfg(test)]
mod tests;
mod trust;

pub use anchors::{AnchorError, Anchors, Files, MetadataFacts, MetadataFiles, Source, TrustError};
pub use card::{CardKey, CardProof, CardRefusal, verify as verify_card_key};
pub use format::{AndroidKeyFault, AppleFault, TpmFault};
pub use metadata::{Listed, Metadata, MetadataFault, Signer, Stale};
pub use refusal::{CertificateFault, Refusal};
pub use trust::{Root, RootError, Trust, Unrooted};

use format::Signed;
use jiff::Timestamp;
use key::Key;
use keysteward_core::webauthn::{
    attestation::AttestationObject,
    authenticator_data::{AttestedCredential, AuthenticatorData, Flags},
    cose::PublicKey,
};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// What was asked of the token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub rp_id: &'a str,
    /// A PIN or another verification was part of the request.
    pub user_verified: bool,
    /// COSE numbers.
    pub algorithms: &'a [i64],
    /// Models that the token type is for; empty: every one.
    pub aaguids: &'a [[u8; 16]],
    /// Models that the template allows; empty: every one.
    pub template_aaguids: &'a [[u8; 16]],
    /// Models that the template refuses.
    pub blocked_aaguids: &'a [[u8; 16]],
    /// What the token told of itself when it was plugged in.
    pub serial: Option<&'a str>,
    /// The certificate has to say for which one device it is (enterprise attestation).
    pub one_device: bool,
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
    listed: Option<Listed>,
    serial: Option<String>,
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

    /// As it stands in the attestation object.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    #[must_use]
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// What the FIDO metadata say of the model, where they were asked.
    #[must_use]
    pub const fn listed(&self) -> Option<&Listed> {
        self.listed.as_ref()
    }

    /// The one device that the maker's certificate is for (enterprise attestation).
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }
}

/// As an administrator reads it: "packed, proven to CN=Example Root".
impl fmt::Display for VerifiedAttestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proof {
            Proof::Root { subject } => write!(f, "{}, proven to {subject}", self.format)?,
            Proof::Itself => write!(f, "{}, by itself", self.format)?,
            Proof::Nothing => f.write_str(&self.format)?,
        }
        if let Some(serial) = &self.serial {
            write!(f, "; serial number {serial}")?;
        }
        if let Some(listed) = &self.listed {
            write!(f, "; FIDO metadata: {listed}")?;
        }
        Ok(())
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
    let object = AttestationObject::parse(object).map_err(Refusal::Object)?;
    let data = AuthenticatorData::parse(object.auth_data).map_err(Refusal::AuthenticatorData)?;
    let (credential, credential_key) = check_data(&data, expected)?;
    let signed = Signed {
        auth_data: object.auth_data,
        client_data_hash,
        data: &data,
        credential,
        credential_key: credential_key.as_ref(),
    };
    let (mut proof, mut listed, mut serial) = (Proof::Nothing, None, None);
    for evidence in format::evidence(object.fmt, object.att_stmt, &signed)? {
        if let Some(found) = evidence.serial() {
            serial = Some(serial::check(found, expected.serial)?);
        }
        let (next, of_model) = trust.accept(&evidence, credential.aaguid, now)?;
        proof = proof.stronger(next);
        listed = listed.or(of_model);
    }
    if expected.one_device && serial.is_none() {
        return Err(Refusal::NoDevice {
            format: object.fmt.to_owned(),
        });
    }
    Ok(VerifiedAttestation {
        credential_id: credential.credential_id.to_vec(),
        public_key_cose: cose_bytes(&credential.public_key)?,
        aaguid: *credential.aaguid,
        sign_count: data.sign_count,
        format: object.fmt.to_owned(),
        proof,
        listed,
        serial,
    })
}

impl Proof {
    fn stronger(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Root { .. }, _) | (Self::Itself, Self::Nothing) => self,
            _ => other,
        }
    }
}

/// WebAuthn Level 3 §7.1, steps 14 to 20. The key is absent where its algorithm is
/// not read here; nothing signed by it is accepted then.
fn check_data<'d, 'a>(
    data: &'d AuthenticatorData<'a>,
    expected: &Expected<'_>,
) -> Result<(&'d AttestedCredential<'a>, Option<Key>), Refusal> {
    if *data.rp_id_hash != <[u8; 32]>::from(Sha256::digest(expected.rp_id)) {
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
    check_model(credential.aaguid, expected)?;
    let algorithm = i64::from(credential.public_key.algorithm());
    if !expected.algorithms.contains(&algorithm) {
        return Err(Refusal::AlgorithmNotAsked {
            found: algorithm,
            asked: expected.algorithms.to_vec(),
        });
    }
    let key = Key::of_credential(&credential.public_key);
    // Named as one that is read here, without being one.
    if key.is_none() && key::Scheme::of_cose(credential.public_key.algorithm()).is_some() {
        return Err(Refusal::UnusablePublicKey { algorithm });
    }
    Ok((credential, key))
}

fn check_model(aaguid: &[u8; 16], expected: &Expected<'_>) -> Result<(), Refusal> {
    let named = Uuid::from_bytes(*aaguid);
    if expected.blocked_aaguids.contains(aaguid) {
        return Err(Refusal::BlockedModel { aaguid: named });
    }
    for allowed in [expected.aaguids, expected.template_aaguids] {
        if !allowed.is_empty() && !allowed.contains(aaguid) {
            return Err(Refusal::OtherModel { aaguid: named });
        }
    }
    Ok(())
}

fn cose_bytes(key: &PublicKey<'_>) -> Result<Vec<u8>, Refusal> {
    let mut buffer = [0; LONGEST_COSE_KEY];
    keysteward_core::cbor::encode(key, &mut buffer)
        .map(<[u8]>::to_vec)
        .map_err(|_| Refusal::UnusablePublicKey {
            algorithm: key.algorithm().into(),
        })
}

/// ML-DSA-87 has 2,592 bytes.
const LONGEST_COSE_KEY: usize = 4096;
