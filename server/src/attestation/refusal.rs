//! Why an attestation was not accepted.

use jiff::Timestamp;
use keysteward_core::{cbor, webauthn::attestation::VerifyError, webauthn::authenticator_data};
use std::fmt;
use thiserror::Error;
use uuid::Uuid;

/// The first check that failed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    #[error("the attestation object is not readable: {0}")]
    Object(#[source] cbor::Error),
    #[error("the authenticator data are not usable")]
    AuthenticatorData(#[source] authenticator_data::Error),

    // What was asked for.
    #[error("the credential is not for the relying party {expected}")]
    OtherRelyingParty { expected: String },
    #[error("the token did not see its user: nobody touched it")]
    UserNotPresent,
    #[error("the token did not verify its user, as it was asked to")]
    UserNotVerified,
    #[error("the token's answer holds no credential")]
    NoCredential,
    #[error("the credential has an empty id")]
    EmptyCredentialId,
    #[error("the token is of model {aaguid}, which its token type does not name")]
    OtherModel { aaguid: Uuid },
    #[error("the credential is of COSE algorithm {found}; asked for was one of {asked:?}")]
    AlgorithmNotAsked { found: i64, asked: Vec<i64> },
    #[error("the credential's public key is no key of COSE algorithm {algorithm}")]
    UnusablePublicKey { algorithm: i64 },

    // What the statement says.
    #[error("the attestation statement is not readable: {0}")]
    Statement(#[source] cbor::Error),
    #[error("attestation format {0:?} is not supported; packed, fido-u2f and none are")]
    UnsupportedFormat(String),
    #[error("an attestation of format none carries a statement")]
    NoneWithStatement,
    #[error(
        "the attestation ({format}) proves {found}, and the token type wants a path to one of its \
         roots: name the maker's root there, or allow this kind of attestation"
    )]
    NotRooted {
        format: &'static str,
        found: &'static str,
    },
    #[error("the attestation is not proven by its signature")]
    Signature(#[source] VerifyError),

    // Who signed it.
    #[error("the attestation has no certificate")]
    NoCertificate,
    #[error("the attestation has more than {longest} certificates")]
    ChainTooLong { longest: usize },
    #[error("the attestation certificate is not readable: {0}")]
    Certificate(String),
    #[error("the attestation certificate holds a key of type {0}; P-256 and Ed25519 are supported")]
    UnsupportedCertificateKey(String),
    #[error("the attestation certificate {0}")]
    Profile(ProfileFault),
    #[error("the attestation certificate expired at {not_after}")]
    Expired { not_after: Timestamp },
    #[error("a certificate of the attestation path is not valid before {not_before}")]
    NotValidYet { not_before: Timestamp },
    #[error("the root {subject} of the token type was valid until {not_after}: replace it")]
    RootExpired {
        subject: String,
        not_after: Timestamp,
    },
    #[error("the attestation path ends at none of the roots that the token type names")]
    UnknownRoot,
    #[error("the attestation path has a certificate that may not issue others")]
    IssuerIsNoCa,
    #[error("the attestation path is not valid: {0}")]
    Path(String),
}

/// What WebAuthn Level 3 §8.2.1 demands of a certificate, and this one lacks.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProfileFault {
    NotVersion3,
    /// Two capital letters, ISO 3166.
    NoCountry,
    NoOrganization,
    OrganizationalUnit {
        found: String,
    },
    NoCommonName,
    IsCa,
    NoBasicConstraints,
    AaguidCritical,
    AaguidUnreadable,
    OtherAaguid {
        certificate: Uuid,
        credential: Uuid,
    },
}

impl fmt::Display for ProfileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotVersion3 => f.write_str("is not of X.509 version 3"),
            Self::NoCountry => f.write_str("has no country of two letters in its subject"),
            Self::NoOrganization => f.write_str("has no organization in its subject"),
            Self::OrganizationalUnit { found } => write!(
                f,
                "has the organizational unit {found:?}, not \"Authenticator Attestation\""
            ),
            Self::NoCommonName => f.write_str("has no common name in its subject"),
            Self::IsCa => f.write_str("is that of a CA"),
            Self::NoBasicConstraints => f.write_str("does not say that it is no CA's"),
            Self::AaguidCritical => f.write_str("has its AAGUID extension marked critical"),
            Self::AaguidUnreadable => f.write_str("has an AAGUID extension that holds no AAGUID"),
            Self::OtherAaguid {
                certificate,
                credential,
            } => write!(
                f,
                "is for model {certificate}, the credential for {credential}"
            ),
        }
    }
}
