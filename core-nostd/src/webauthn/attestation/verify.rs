//! Signatures of attestation statements. WebAuthn Level 3 §8.2, §8.3, §8.4 and §8.6.
//!
//! Proves who signed. Whether that key is to be believed (certificate path, profile, trust) is
//! for the host.

use core::fmt;

use super::Statement;
use super::tpm::{self, CertInfo, Digest, HashAlgorithm, PublicArea, TpmError};
use crate::crypto::{Crypto, SignatureVerified};
use crate::webauthn::authenticator_data::{self, AttestedCredential, AuthenticatorData};
use crate::webauthn::cose::{self, Algorithm, PublicKey};

impl Statement<'_> {
    /// Checks the signature of a statement with certificates. `attestation_key` is the key in the
    /// first of them. Of a `tpm` statement, what the TPM signed is checked with it; where that
    /// needs more than SHA-256, or another signature than this crate verifies, [`tpm::check`] is
    /// for the host, which has them.
    pub fn verify<C: Crypto>(
        &self,
        crypto: &C,
        attestation_key: &PublicKey<'_>,
        auth_data: &[u8],
        client_data_hash: &[u8; 32],
    ) -> Result<SignatureVerified, VerifyError> {
        match *self {
            Self::Packed { x5c: None, .. } => Err(VerifyError::NoCertificate),
            Self::Packed { alg, sig, .. } => {
                same_algorithm(alg, attestation_key)?;
                let parts = [auth_data, client_data_hash];
                Ok(attestation_key.verify(crypto, &parts, sig)?)
            }
            Self::FidoU2f { sig, x5c } => {
                if x5c.len() != 1 {
                    return Err(VerifyError::NotOneCertificate);
                }
                same_algorithm(Algorithm::Es256, attestation_key)?;
                let data = AuthenticatorData::parse(auth_data)?;
                let credential = attested(&data)?;
                if *credential.aaguid != [0; 16] {
                    return Err(VerifyError::AaguidNotZero);
                }
                let PublicKey::Es256 { x, y } = credential.public_key else {
                    return Err(VerifyError::NotAU2fCredential);
                };
                let parts = [
                    &[0x00],
                    data.rp_id_hash.as_slice(),
                    client_data_hash,
                    credential.credential_id,
                    &[0x04],
                    x,
                    y,
                ];
                Ok(attestation_key.verify(crypto, &parts, sig)?)
            }
            Self::Tpm {
                ver,
                alg,
                sig,
                cert_info,
                pub_area,
                ..
            } => {
                if ver != tpm::VERSION {
                    return Err(VerifyError::TpmVersion);
                }
                same_algorithm(alg, attestation_key)?;
                let data = AuthenticatorData::parse(auth_data)?;
                let _ = tpm::check(
                    &CertInfo::parse(cert_info)?,
                    &PublicArea::parse(pub_area)?,
                    alg,
                    &attested(&data)?.public_key,
                    [auth_data, client_data_hash],
                    &mut |algorithm, parts| match algorithm {
                        HashAlgorithm::Sha256 => Digest::from_slice(&crypto.sha256(parts)).ok(),
                        _ => None,
                    },
                )?;
                Ok(attestation_key.verify(crypto, &[cert_info], sig)?)
            }
            Self::AndroidKey { alg, sig, .. } => {
                same_algorithm(alg, attestation_key)?;
                let data = AuthenticatorData::parse(auth_data)?;
                if !attested(&data)?.public_key.is_same_key(attestation_key) {
                    return Err(VerifyError::NotTheCredentialsCertificate);
                }
                let parts = [auth_data, client_data_hash];
                Ok(attestation_key.verify(crypto, &parts, sig)?)
            }
            Self::None | Self::Apple { .. } | Self::Other { .. } => Err(VerifyError::NoSignature),
        }
    }

    /// Checks the signature of a `packed` statement without certificates, made by the new
    /// credential itself. It proves possession of that key, and nothing about the maker.
    pub fn verify_self<C: Crypto>(
        &self,
        crypto: &C,
        auth_data: &[u8],
        client_data_hash: &[u8; 32],
    ) -> Result<SignatureVerified, VerifyError> {
        match *self {
            Self::Packed { x5c: Some(_), .. }
            | Self::FidoU2f { .. }
            | Self::Tpm { .. }
            | Self::AndroidKey { .. }
            | Self::Apple { .. } => Err(VerifyError::HasCertificates),
            Self::Packed { alg, sig, .. } => {
                let data = AuthenticatorData::parse(auth_data)?;
                let credential = attested(&data)?;
                let key = credential.public_key.algorithm();
                if alg != key {
                    return Err(VerifyError::AlgorithmMismatch {
                        statement: alg,
                        key,
                    });
                }
                let parts = [auth_data, client_data_hash];
                Ok(credential.public_key.verify(crypto, &parts, sig)?)
            }
            Self::None | Self::Other { .. } => Err(VerifyError::NoSignature),
        }
    }
}

/// A certificate names no COSE algorithm, so the short and the full identifier are one.
fn same_algorithm(statement: Algorithm, key: &PublicKey<'_>) -> Result<(), VerifyError> {
    let key = key.algorithm();
    if statement.fully_specified() == key.fully_specified() {
        Ok(())
    } else {
        Err(VerifyError::AlgorithmMismatch { statement, key })
    }
}

fn attested<'d, 'a>(
    data: &'d AuthenticatorData<'a>,
) -> Result<&'d AttestedCredential<'a>, VerifyError> {
    data.attested_credential
        .as_ref()
        .ok_or(VerifyError::NoCredential)
}

/// Why an attestation statement proves nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The format has no signature, or none that is read here.
    NoSignature,
    /// Self attestation where a certificate is wanted.
    NoCertificate,
    /// Certificates where self attestation is wanted.
    HasCertificates,
    /// `fido-u2f` has one certificate, neither none nor a chain.
    NotOneCertificate,
    /// The statement names another algorithm than the key's.
    AlgorithmMismatch {
        /// In the statement.
        statement: Algorithm,
        /// Of the key.
        key: Algorithm,
    },
    /// The authenticator data hold no new credential.
    NoCredential,
    /// `fido-u2f` from a key that names its model.
    AaguidNotZero,
    /// `fido-u2f` for a credential that is not ES256.
    NotAU2fCredential,
    /// `android-key` with a certificate for another key.
    NotTheCredentialsCertificate,
    /// `tpm` of another version than 2.0.
    TpmVersion,
    /// What the TPM signed is not about this credential and ceremony.
    Tpm(TpmError),
    /// The authenticator data cannot be read.
    AuthenticatorData(authenticator_data::Error),
    /// The signature.
    Signature(cose::VerifyError),
}

impl From<authenticator_data::Error> for VerifyError {
    fn from(source: authenticator_data::Error) -> Self {
        Self::AuthenticatorData(source)
    }
}

impl From<TpmError> for VerifyError {
    fn from(source: TpmError) -> Self {
        Self::Tpm(source)
    }
}

impl From<cose::VerifyError> for VerifyError {
    fn from(source: cose::VerifyError) -> Self {
        Self::Signature(source)
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature => f.write_str("the attestation carries no signature"),
            Self::NoCertificate => {
                f.write_str("the key attests itself, without a certificate of its maker")
            }
            Self::HasCertificates => {
                f.write_str("the attestation has certificates, so it is no self attestation")
            }
            Self::NotOneCertificate => {
                f.write_str("a fido-u2f attestation has exactly one certificate")
            }
            Self::AlgorithmMismatch { statement, key } => write!(
                f,
                "the attestation names COSE algorithm {}, its key is of {}",
                i64::from(*statement),
                i64::from(*key)
            ),
            Self::NoCredential => f.write_str("the authenticator data hold no credential"),
            Self::AaguidNotZero => f.write_str("a fido-u2f attestation cannot come with an AAGUID"),
            Self::NotAU2fCredential => {
                f.write_str("a fido-u2f attestation is for ES256 credentials only")
            }
            Self::NotTheCredentialsCertificate => {
                f.write_str("the certificate of an android-key attestation is for another key")
            }
            Self::TpmVersion => f.write_str("a tpm attestation is of version 2.0 only"),
            Self::Tpm(_) => f.write_str("the TPM does not vouch for this credential"),
            Self::AuthenticatorData(_) => f.write_str("the authenticator data are not readable"),
            Self::Signature(_) => f.write_str("the attestation is not proven by its signature"),
        }
    }
}

impl core::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Tpm(source) => Some(source),
            Self::AuthenticatorData(source) => Some(source),
            Self::Signature(source) => Some(source),
            _ => None,
        }
    }
}
