//! Options of a key. CTAP 2.3 §6.4, member 0x04.

use crate::cbor::Entries;

/// The options that a key states. Of the three-valued ones `Some(true)` is supported and set up,
/// `Some(false)` supported and not set up, `None` not supported; of the others `Some(false)`
/// means the same as `None`. Options without a method here are in the map.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Options<'a>(pub Entries<'a, bool>);

macro_rules! options {
    ($($(#[$doc:meta])* $method:ident $name:literal,)*) => {
        impl Options<'_> {
            $(
                #[doc = concat!("`", $name, "`: ")]
                $(#[$doc])*
                pub fn $method(&self) -> Option<bool> {
                    self.0.get($name)
                }
            )*
        }
    };
}

options! {
    /// part of the platform, not to be carried away.
    plat "plat",
    /// discoverable credentials.
    rk "rk",
    /// user presence; absent means true.
    up "up",
    /// built-in user verification; three-valued.
    uv "uv",
    /// PIN; three-valued: true, a PIN is set.
    client_pin "clientPin",
    /// tokens with permissions.
    pin_uv_auth_token "pinUvAuthToken",
    /// a PIN gives no token for makeCredential and getAssertion.
    no_mc_ga_permissions_with_client_pin "noMcGaPermissionsWithClientPin",
    /// large blobs.
    large_blobs "largeBlobs",
    /// enterprise attestation; three-valued.
    ep "ep",
    /// fingerprints; three-valued.
    bio_enroll "bioEnroll",
    /// fingerprints, preview; three-valued.
    user_verification_mgmt_preview "userVerificationMgmtPreview",
    /// built-in user verification gives a token for bioEnrollment.
    uv_bio_enroll "uvBioEnroll",
    /// authenticatorConfig.
    authnr_cfg "authnrCfg",
    /// built-in user verification gives a token for authenticatorConfig.
    uv_acfg "uvAcfg",
    /// credentialManagement (0x0A).
    cred_mgmt "credMgmt",
    /// persistent read-only tokens; since 2.2.
    per_cred_mgmt_ro "perCredMgmtRO",
    /// credentialManagement, preview (0x41).
    credential_mgmt_preview "credentialMgmtPreview",
    /// setMinPINLength.
    set_min_pin_length "setMinPINLength",
    /// non-discoverable credentials without user verification.
    make_cred_uv_not_rqd "makeCredUvNotRqd",
    /// user verification always; three-valued.
    always_uv "alwaysUv",
}
