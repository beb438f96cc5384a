//! What each command answers with. CTAP 2.3 §6.

use super::names;
use super::{DESCRIPTOR, PARAMETERS, RP, Shape, USER, at};
use keysteward_core::ctap2::Command;

/// What follows the status byte; `None`: nothing does, or nobody here knows what.
pub(crate) fn response(command: Command) -> Option<Shape> {
    Some(match command {
        Command::GetInfo => GET_INFO,
        Command::MakeCredential => MAKE_CREDENTIAL,
        Command::GetAssertion | Command::GetNextAssertion => GET_ASSERTION,
        Command::ClientPin => CLIENT_PIN,
        Command::BioEnrollment | Command::BioEnrollmentPreview => BIO_ENROLLMENT,
        Command::CredentialManagement | Command::CredentialManagementPreview => {
            CREDENTIAL_MANAGEMENT
        }
        Command::LargeBlobs => LARGE_BLOBS,
        _ => return None,
    })
}

/// §6.4
const GET_INFO: Shape = Shape::Map(&[
    at(0x01, "versions", Shape::List(&Shape::Text)),
    at(0x02, "extensions", Shape::List(&Shape::Text)),
    at(0x03, "aaguid", Shape::Sized(16)),
    at(0x04, "options", Shape::Entries(&Shape::Bool)),
    at(0x05, "maxMsgSize", Shape::Integer),
    at(0x06, "pinUvAuthProtocols", Shape::List(&Shape::Integer)),
    at(0x07, "maxCredentialCountInList", Shape::Integer),
    at(0x08, "maxCredentialIdLength", Shape::Integer),
    at(0x09, "transports", Shape::List(&Shape::Text)),
    at(0x0A, "algorithms", Shape::List(&PARAMETERS)),
    at(0x0B, "maxSerializedLargeBlobArray", Shape::Integer),
    at(0x0C, "forcePINChange", Shape::Bool),
    at(0x0D, "minPINLength", Shape::Integer),
    at(0x0E, "firmwareVersion", Shape::Integer),
    at(0x0F, "maxCredBlobLength", Shape::Integer),
    at(0x10, "maxRPIDsForSetMinPINLength", Shape::Integer),
    at(0x11, "preferredPlatformUvAttempts", Shape::Integer),
    at(0x12, "uvModality", Shape::Bits(names::UV_MODALITY)),
    at(0x13, "certifications", Shape::Entries(&Shape::Integer)),
    at(0x14, "remainingDiscoverableCredentials", Shape::Integer),
    at(
        0x15,
        "vendorPrototypeConfigCommands",
        Shape::List(&Shape::Integer),
    ),
    at(0x16, "attestationFormats", Shape::List(&Shape::Text)),
    at(0x17, "uvCountSinceLastPinEntry", Shape::Integer),
    at(0x18, "longTouchForReset", Shape::Bool),
    at(0x19, "encIdentifier", Shape::Bytes),
    at(0x1A, "transportsForReset", Shape::List(&Shape::Text)),
    at(0x1B, "pinComplexityPolicy", Shape::Bool),
    at(0x1C, "pinComplexityPolicyURL", Shape::Utf8),
    at(0x1D, "maxPINLength", Shape::Integer),
    at(0x1E, "encCredStoreState", Shape::Bytes),
    at(
        0x1F,
        "authenticatorConfigCommands",
        Shape::List(&Shape::Named(names::authenticator_config)),
    ),
]);

/// §6.1; the statement's shape depends on the format.
const MAKE_CREDENTIAL: Shape = Shape::Map(&[
    at(0x01, "fmt", Shape::Text),
    at(0x02, "authData", Shape::AuthenticatorData),
    at(0x03, "attStmt", Shape::Statement),
    at(0x04, "epAtt", Shape::Bool),
    at(0x05, "largeBlobKey", Shape::Sized(32)),
    at(
        0x06,
        "unsignedExtensionOutputs",
        Shape::Entries(&Shape::Any),
    ),
]);

/// §6.2, §6.3
const GET_ASSERTION: Shape = Shape::Map(&[
    at(0x01, "credential", DESCRIPTOR),
    at(0x02, "authData", Shape::AuthenticatorData),
    at(0x03, "signature", Shape::Bytes),
    at(0x04, "user", USER),
    at(0x05, "numberOfCredentials", Shape::Integer),
    at(0x06, "userSelected", Shape::Bool),
    at(0x07, "largeBlobKey", Shape::Sized(32)),
    at(
        0x08,
        "unsignedExtensionOutputs",
        Shape::Entries(&Shape::Any),
    ),
]);

/// §6.5.5
const CLIENT_PIN: Shape = Shape::Map(&[
    at(0x01, "keyAgreement", Shape::CoseKey),
    at(0x02, "pinUvAuthToken", Shape::Bytes),
    at(0x03, "pinRetries", Shape::Integer),
    at(0x04, "powerCycleState", Shape::Bool),
    at(0x05, "uvRetries", Shape::Integer),
]);

/// §6.7
const BIO_ENROLLMENT: Shape = Shape::Map(&[
    at(0x01, "modality", Shape::Named(names::modality)),
    at(
        0x02,
        "fingerprintKind",
        Shape::Named(names::fingerprint_kind),
    ),
    at(0x03, "maxCaptureSamplesRequiredForEnroll", Shape::Integer),
    at(0x04, "templateId", Shape::Bytes),
    at(
        0x05,
        "lastEnrollSampleStatus",
        Shape::Named(names::sample_status),
    ),
    at(0x06, "remainingSamples", Shape::Integer),
    at(
        0x07,
        "templateInfos",
        Shape::List(&Shape::Map(&[
            at(0x01, "templateId", Shape::Bytes),
            at(0x02, "templateFriendlyName", Shape::Text),
        ])),
    ),
    at(0x08, "maxTemplateFriendlyName", Shape::Integer),
]);

/// §6.8
const CREDENTIAL_MANAGEMENT: Shape = Shape::Map(&[
    at(0x01, "existingResidentCredentialsCount", Shape::Integer),
    at(
        0x02,
        "maxPossibleRemainingResidentCredentialsCount",
        Shape::Integer,
    ),
    at(0x03, "rp", RP),
    at(0x04, "rpIDHash", Shape::Sized(32)),
    at(0x05, "totalRPs", Shape::Integer),
    at(0x06, "user", USER),
    at(0x07, "credentialID", DESCRIPTOR),
    at(0x08, "publicKey", Shape::CoseKey),
    at(0x09, "totalCredentials", Shape::Integer),
    at(0x0A, "credProtect", Shape::Named(names::cred_protect)),
    at(0x0B, "largeBlobKey", Shape::Sized(32)),
    at(0x0C, "thirdPartyPayment", Shape::Bool),
]);

/// §6.10
const LARGE_BLOBS: Shape = Shape::Map(&[at(0x01, "config", Shape::LargeBlobArray)]);
