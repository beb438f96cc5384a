//! Numbers that stand for something.

use keysteward_core::ctap2::Status;
use keysteward_core::webauthn::cose::Algorithm;

macro_rules! names {
    ($($(#[$doc:meta])* $vis:vis $function:ident { $($number:literal $name:literal)* })*) => {$(
        $(#[$doc])*
        $vis fn $function(number: i64) -> Option<&'static str> {
            Some(match number {
                $($number => $name,)*
                _ => return None,
            })
        }
    )*};
}

names! {
    /// CTAP 2.3 §6.5.5
    pub(super) client_pin {
        0x01 "getPINRetries" 0x02 "getKeyAgreement" 0x03 "setPIN" 0x04 "changePIN"
        0x05 "getPinToken" 0x06 "getPinUvAuthTokenUsingUvWithPermissions" 0x07 "getUVRetries"
        0x09 "getPinUvAuthTokenUsingPinWithPermissions"
    }
    /// CTAP 2.3 §6.8
    pub(super) credential_management {
        0x01 "getCredsMetadata" 0x02 "enumerateRPsBegin" 0x03 "enumerateRPsGetNextRP"
        0x04 "enumerateCredentialsBegin" 0x05 "enumerateCredentialsGetNextCredential"
        0x06 "deleteCredential" 0x07 "updateUserInformation"
    }
    /// CTAP 2.3 §6.7
    pub(super) bio_enrollment {
        0x01 "enrollBegin" 0x02 "enrollCaptureNextSample" 0x03 "cancelCurrentEnrollment"
        0x04 "enumerateEnrollments" 0x05 "setFriendlyName" 0x06 "removeEnrollment"
        0x07 "getFingerprintSensorInfo"
    }
    /// CTAP 2.3 §6.11
    pub(crate) authenticator_config {
        0x01 "enableEnterpriseAttestation" 0x02 "toggleAlwaysUv" 0x03 "setMinPINLength"
        0x04 "enableLongTouchForReset" 0xFF "vendorPrototype"
    }
    pub(super) modality { 0x01 "fingerprint" }
    pub(super) fingerprint_kind { 0x01 "touch" 0x02 "swipe" }
    /// lastEnrollSampleStatus. CTAP 2.3 §6.7.
    pub(super) sample_status {
        0x00 "good" 0x01 "too high" 0x02 "too low" 0x03 "too far left" 0x04 "too far right"
        0x05 "too fast" 0x06 "too slow" 0x07 "poor quality" 0x08 "too skewed" 0x09 "too short"
        0x0A "merge failure" 0x0B "exists already" 0x0D "no user activity"
        0x0E "finger not lifted"
    }
    /// CTAP 2.3 §12.1
    pub(super) cred_protect {
        1 "userVerificationOptional" 2 "userVerificationOptionalWithCredentialIDList"
        3 "userVerificationRequired"
    }
    /// CTAP 2.3 §6.1
    pub(super) enterprise { 1 "vendor-facilitated" 2 "platform-managed" }
    /// RFC 9053 §7.1
    pub(super) curve {
        1 "P-256" 2 "P-384" 3 "P-521" 4 "X25519" 5 "X448" 6 "Ed25519" 7 "Ed448"
    }
    /// RFC 9053 §7
    pub(super) key_type { 1 "OKP" 2 "EC2" 3 "RSA" 4 "symmetric" 7 "AKP" }
}

pub(crate) fn algorithm(number: i64) -> Option<&'static str> {
    Some(match Algorithm::from(number) {
        Algorithm::Es256 => "ES256",
        Algorithm::EdDsa => "EdDSA",
        Algorithm::Esp256 => "ESP256",
        Algorithm::Ed25519 => "Ed25519",
        Algorithm::EcdhEsHkdf256 => "ECDH-ES+HKDF-256",
        Algorithm::Es384 => "ES384",
        Algorithm::Es512 => "ES512",
        Algorithm::MlDsa44 => "ML-DSA-44",
        Algorithm::MlDsa65 => "ML-DSA-65",
        Algorithm::MlDsa87 => "ML-DSA-87",
        Algorithm::Esp384 => "ESP384",
        Algorithm::Esp512 => "ESP512",
        Algorithm::Ed448 => "Ed448",
        Algorithm::Rs256 => "RS256",
        Algorithm::Rs1 => "RS1",
        Algorithm::Other(_) => return None,
    })
}

/// A status byte in the specification's words.
pub(crate) fn status(byte: u8) -> String {
    Status::from(byte).to_string()
}

/// CTAP 2.3 §6.5.5.7
pub(super) const PERMISSIONS: &[(u64, &str)] = &[
    (0x01, "mc"),
    (0x02, "ga"),
    (0x04, "cm"),
    (0x08, "be"),
    (0x10, "lbw"),
    (0x20, "acfg"),
    (0x40, "pcmr"),
];

/// FIDO Registry of Predefined Values §3.1.
pub(crate) const UV_MODALITY: &[(u64, &str)] = &[
    (0x01, "presence"),
    (0x02, "fingerprint"),
    (0x04, "passcode"),
    (0x08, "voiceprint"),
    (0x10, "faceprint"),
    (0x20, "location"),
    (0x40, "eyeprint"),
    (0x80, "pattern"),
    (0x100, "handprint"),
    (0x200, "none"),
    (0x400, "all"),
    (0x800, "passcode external"),
    (0x1000, "pattern external"),
];
