//! Parameters of each command. CTAP 2.3 §6.

use super::names;
use super::{DESCRIPTOR, EXTENSIONS, HMAC_SECRET, PARAMETERS, RP, Shape, USER, at, under};
use keysteward_core::ctap2::Command;

/// What follows the command byte; `None`: nothing does, or nobody here knows what.
pub(crate) fn request(command: Command) -> Option<Shape> {
    Some(match command {
        Command::MakeCredential => MAKE_CREDENTIAL,
        Command::GetAssertion => GET_ASSERTION,
        Command::ClientPin => CLIENT_PIN,
        Command::BioEnrollment | Command::BioEnrollmentPreview => BIO_ENROLLMENT,
        Command::CredentialManagement | Command::CredentialManagementPreview => {
            CREDENTIAL_MANAGEMENT
        }
        Command::LargeBlobs => LARGE_BLOBS,
        Command::AuthenticatorConfig => AUTHENTICATOR_CONFIG,
        _ => return None,
    })
}

/// §6.1
const MAKE_CREDENTIAL: Shape = Shape::Map(&[
    at(0x01, "clientDataHash", Shape::Sized(32)),
    at(0x02, "rp", RP),
    at(0x03, "user", USER),
    at(0x04, "pubKeyCredParams", Shape::List(&PARAMETERS)),
    at(0x05, "excludeList", Shape::List(&DESCRIPTOR)),
    at(0x06, "extensions", EXTENSIONS),
    at(0x07, "options", Shape::Entries(&Shape::Bool)),
    at(0x08, "pinUvAuthParam", Shape::Bytes),
    at(0x09, "pinUvAuthProtocol", Shape::Integer),
    at(
        0x0A,
        "enterpriseAttestation",
        Shape::Named(names::enterprise),
    ),
    at(
        0x0B,
        "attestationFormatsPreference",
        Shape::List(&Shape::Text),
    ),
]);

/// §6.2
const GET_ASSERTION: Shape = Shape::Map(&[
    at(0x01, "rpId", Shape::Text),
    at(0x02, "clientDataHash", Shape::Sized(32)),
    at(0x03, "allowList", Shape::List(&DESCRIPTOR)),
    at(0x04, "extensions", ASSERTION_EXTENSIONS),
    at(0x05, "options", Shape::Entries(&Shape::Bool)),
    at(0x06, "pinUvAuthParam", Shape::Bytes),
    at(0x07, "pinUvAuthProtocol", Shape::Integer),
]);

/// §12
const ASSERTION_EXTENSIONS: Shape = Shape::Map(&[
    under("credBlob", Shape::Bool),
    under("hmac-secret", HMAC_SECRET),
    under("largeBlob", Shape::Any),
    under("largeBlobKey", Shape::Bool),
    under("thirdPartyPayment", Shape::Bool),
]);

/// §6.5.5
const CLIENT_PIN: Shape = Shape::Map(&[
    at(0x01, "pinUvAuthProtocol", Shape::Integer),
    at(0x02, "subCommand", Shape::Named(names::client_pin)),
    at(0x03, "keyAgreement", Shape::CoseKey),
    at(0x04, "pinUvAuthParam", Shape::Bytes),
    at(0x05, "newPinEnc", Shape::Bytes),
    at(0x06, "pinHashEnc", Shape::Bytes),
    at(0x09, "permissions", Shape::Bits(names::PERMISSIONS)),
    at(0x0A, "rpId", Shape::Text),
]);

/// §6.7
const BIO_ENROLLMENT: Shape = Shape::Map(&[
    at(0x01, "modality", Shape::Named(names::modality)),
    at(0x02, "subCommand", Shape::Named(names::bio_enrollment)),
    at(
        0x03,
        "subCommandParams",
        Shape::Map(&[
            at(0x01, "templateId", Shape::Bytes),
            at(0x02, "templateFriendlyName", Shape::Text),
            at(0x03, "timeoutMilliseconds", Shape::Integer),
        ]),
    ),
    at(0x04, "pinUvAuthProtocol", Shape::Integer),
    at(0x05, "pinUvAuthParam", Shape::Bytes),
    at(0x06, "getModality", Shape::Bool),
]);

/// §6.8
const CREDENTIAL_MANAGEMENT: Shape = Shape::Map(&[
    at(
        0x01,
        "subCommand",
        Shape::Named(names::credential_management),
    ),
    at(
        0x02,
        "subCommandParams",
        Shape::Map(&[
            at(0x01, "rpIDHash", Shape::Sized(32)),
            at(0x02, "credentialID", DESCRIPTOR),
            at(0x03, "user", USER),
        ]),
    ),
    at(0x03, "pinUvAuthProtocol", Shape::Integer),
    at(0x04, "pinUvAuthParam", Shape::Bytes),
]);

/// §6.10
const LARGE_BLOBS: Shape = Shape::Map(&[
    at(0x01, "get", Shape::Integer),
    at(0x02, "set", Shape::LargeBlobArray),
    at(0x03, "offset", Shape::Integer),
    at(0x04, "length", Shape::Integer),
    at(0x05, "pinUvAuthParam", Shape::Bytes),
    at(0x06, "pinUvAuthProtocol", Shape::Integer),
]);

/// §6.11
const AUTHENTICATOR_CONFIG: Shape = Shape::Map(&[
    at(
        0x01,
        "subCommand",
        Shape::Named(names::authenticator_config),
    ),
    at(
        0x02,
        "subCommandParams",
        Shape::Map(&[
            at(0x01, "newMinPINLength", Shape::Integer),
            at(0x02, "minPinLengthRPIDs", Shape::List(&Shape::Text)),
            at(0x03, "forceChangePin", Shape::Bool),
            at(0x04, "pinComplexityPolicy", Shape::Bool),
        ]),
    ),
    at(0x03, "pinUvAuthProtocol", Shape::Integer),
    at(0x04, "pinUvAuthParam", Shape::Bytes),
]);
