//! Why an attestation was not accepted.

use super::format::{AndroidKeyFault, AppleFault, TpmFault};
use jiff::{Timestamp, civil::Date};
use keysteward_core::{cbor, webauthn::authenticator_data};
use thiserror::Error;
use uuid::Uuid;

/// The first check that failed: what was found, what is allowed, and what can be
/// done where something can.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    #[error("the attestation object is not readable: {0}")]
    Object(cbor::Error),
    #[error("the authenticator data are not usable: {0}")]
    AuthenticatorData(authenticator_data::Error),

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
    #[error(
        "the token is of model {aaguid}, which is not among those that the token type and the \
         template allow: name it there, or use another key"
    )]
    OtherModel { aaguid: Uuid },
    #[error("the token is of model {aaguid}, which the template blocks: use another key")]
    BlockedModel { aaguid: Uuid },
    #[error("the credential is of COSE algorithm {found}; asked for was one of {asked:?}")]
    AlgorithmNotAsked { found: i64, asked: Vec<i64> },
    #[error("the credential's public key is no key of COSE algorithm {algorithm}")]
    UnusablePublicKey { algorithm: i64 },

    // What the statement says.
    #[error("the attestation statement is not readable: {0}")]
    Statement(cbor::Error),
    #[error(
        "attestation format {0:?} is not supported; packed, fido-u2f, tpm, android-key, apple, \
         compound and none are"
    )]
    UnsupportedFormat(String),
    #[error(
        "{what} was withdrawn from the standard and is not believed any more: use a key that \
         attests with format packed"
    )]
    Withdrawn { what: &'static str },
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
    #[error(
        "the attestation ({format}) names no device, and the template demands enterprise attestation"
    )]
    NoDevice { format: String },
    #[error("the signature of the attestation does not fit its key and what it should be over")]
    WrongSignature,
    #[error(
        "the attestation is signed with COSE algorithm {algorithm} by a key of type {key}; \
         allowed are ES256, ES384, ES512, EdDSA and RS256, each with a key of its kind"
    )]
    SignatureAlgorithm { algorithm: i64, key: String },
    #[error(
        "the self attestation names COSE algorithm {statement}, the credential is of {credential}"
    )]
    SelfAlgorithm { statement: i64, credential: i64 },
    #[error("a fido-u2f attestation has exactly one certificate, this one has {found}")]
    NotOneCertificate { found: usize },
    #[error("a fido-u2f attestation names no model, this one names {aaguid}")]
    AaguidNotZero { aaguid: Uuid },
    #[error("a fido-u2f attestation is for P-256 keys, this one has a key of type {found}")]
    NotAU2fKey { found: String },
    #[error("the tpm attestation {0}")]
    Tpm(TpmFault),
    #[error("the android-key attestation {0}")]
    AndroidKey(AndroidKeyFault),
    #[error("the apple attestation {0}")]
    Apple(AppleFault),
    #[error(
        "a compound attestation holds two statements or more and no compound one, this one holds \
         {found}"
    )]
    Compound { found: String },
    #[error("statement {number} of the compound attestation is not accepted: {refusal}")]
    InCompound { number: usize, refusal: Box<Self> },

    // Who signed it.
    #[error("the attestation has no certificate")]
    NoCertificate,
    #[error("the attestation has more than {longest} certificates")]
    ChainTooLong { longest: usize },
    #[error("a certificate of the attestation is not readable: {0}")]
    Certificate(String),
    #[error(
        "a certificate of the attestation holds a key of type {0}; P-256, P-384, P-521, Ed25519 \
         and RSA are supported"
    )]
    UnsupportedCertificateKey(String),
    #[error("the attestation certificate {0}")]
    Profile(CertificateFault),
    #[error(
        "the attestation certificate is for serial number {certificate}, the token says it is \
         {token}: the two are not the same device"
    )]
    OtherSerial { certificate: String, token: String },

    // The path to a root.
    #[error("the attestation path ends at none of the roots that the token type trusts")]
    UnknownRoot,
    #[error(
        "the certificate {subject:?} of the attestation path expired at {not_after}: the key is \
         too old for its token type"
    )]
    Expired {
        subject: String,
        not_after: Timestamp,
    },
    #[error(
        "the certificate {subject:?} of the attestation path is not valid before {not_before}: \
         check the server's clock"
    )]
    NotValidYet {
        subject: String,
        not_before: Timestamp,
    },
    #[error("the root {subject:?} was valid until {not_after}: replace it")]
    RootExpired {
        subject: String,
        not_after: Timestamp,
    },
    #[error(
        "the certificate {subject:?} was issued by {issuer:?}, and {found:?} follows it; each \
         certificate of an attestation is certified by the next"
    )]
    ChainOrder {
        subject: String,
        issuer: String,
        found: String,
    },
    #[error("the certificate {subject:?} is not signed by the key of its issuer")]
    PathSignature { subject: String },
    #[error(
        "the certificate {subject:?} is signed with {algorithm}; allowed are ECDSA, Ed25519 and \
         RSA (PKCS #1 v1.5) with SHA-256, SHA-384 or SHA-512"
    )]
    PathAlgorithm { subject: String, algorithm: String },
    #[error("the certificate {subject:?} issued another one, and is no CA's")]
    IssuerIsNoCa { subject: String },
    #[error("the certificate {subject:?} issued another one, and its key usage does not allow it")]
    IssuerKeyUsage { subject: String },
    #[error("the certificate {subject:?} allows {allowed} CAs below it, there are {found}")]
    PathTooLong {
        subject: String,
        allowed: u32,
        found: usize,
    },
    #[error(
        "the certificate {subject:?} has the critical extension {oid}, which is not understood"
    )]
    CriticalExtension { subject: String, oid: String },

    // What the metadata say of the model.
    #[error(
        "the FIDO metadata do not list {model}: use a newer file, or name its root in the token \
         type"
    )]
    NotInMetadata { model: String },
    #[error(
        "the FIDO metadata say of {description:?}: {status}{}; keys of this model are not accepted",
        in_effect_since(*.since)
    )]
    Compromised {
        description: String,
        status: String,
        since: Option<Date>,
    },
    #[error(
        "the FIDO metadata say that {description:?} attests with {allowed:?}, this attestation is \
         {found}"
    )]
    AttestationType {
        description: String,
        found: &'static str,
        allowed: Vec<String>,
    },
    #[error(
        "the FIDO metadata are stale: their next update was due on {next_update}; put a newer file \
         in place and restart the server, or set attestation.stale_metadata to \"warn\""
    )]
    StaleMetadata { next_update: Date },
    #[error(
        "the token type trusts the {0}, and the server's settings name none: set attestation.{1}, \
         or change the token type"
    )]
    NotConfigured(&'static str, &'static str),
}

/// What the standard demands of an attestation certificate, and this one lacks.
/// WebAuthn Level 3 §8.2.1, §8.2.2 and §8.3.1.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CertificateFault {
    #[error("is not of X.509 version 3")]
    NotVersion3,
    /// Two capital letters, ISO 3166.
    #[error("has no country of two letters in its subject")]
    NoCountry,
    #[error("has no organization in its subject")]
    NoOrganization,
    #[error("has the organizational unit {found:?}, not \"Authenticator Attestation\"")]
    OrganizationalUnit { found: String },
    #[error("has no common name in its subject")]
    NoCommonName,
    #[error("is that of a CA")]
    IsCa,
    #[error("does not say that it is no CA's")]
    NoBasicConstraints,
    #[error("has its AAGUID extension marked critical")]
    AaguidCritical,
    #[error("has an AAGUID extension that holds no AAGUID")]
    AaguidUnreadable,
    #[error("is for model {certificate}, the credential for {credential}")]
    OtherAaguid { certificate: Uuid, credential: Uuid },
    #[error("has its serial number extension marked critical")]
    SerialCritical,
    #[error("has a serial number extension that holds no serial number")]
    SerialUnreadable,
    #[error("has the subject {found:?}, and that of a TPM is empty")]
    SubjectNotEmpty { found: String },
    #[error("does not name the {0} of its TPM in a subject alternative name")]
    NoTpmName(&'static str),
    #[error("has no extended key usage 2.23.133.8.3 (attestation by a TPM)")]
    NoTpmUsage,
}

fn in_effect_since(date: Option<Date>) -> String {
    date.map(|date| format!(", since {date}"))
        .unwrap_or_default()
}
