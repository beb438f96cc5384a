//! Which edition of the standard, and which kind of key: one table of what each has. What a key
//! does not have is absent, from getInfo and from what it does.
//!
//! The profile is burned in. Editions: CTAP 2.0 (2019), the preview of 2.1, 2.1 (2021) and 2.3.

use core::fmt;
use keysteward_core::ctap2::extension::identifier::{
    CRED_BLOB, CRED_PROTECT, HMAC_SECRET, HMAC_SECRET_MC, LARGE_BLOB, LARGE_BLOB_KEY,
    MIN_PIN_LENGTH, PIN_COMPLEXITY_POLICY, THIRD_PARTY_PAYMENT,
};
use keysteward_core::ctap2::get_info::{FIDO_2_0, FIDO_2_1, FIDO_2_1_PRE, FIDO_2_3, U2F_V2};

/// A kind of key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Profile {
    /// CTAP 2.3 on USB, without a fingerprint sensor.
    #[default]
    Ctap23,
    /// CTAP 2.1.
    Ctap21,
    /// Between 2.0 and 2.1: the preview commands, and tokens without permissions.
    Ctap21Pre,
    /// CTAP 2.0.
    Ctap20,
    /// U2F and nothing else.
    U2fOnly,
    /// CTAP 2.3 on a card.
    NfcOnly,
    /// CTAP 2.3 with a fingerprint sensor.
    Biometric,
    /// CTAP 2.3, set up by its maker for an organisation: strict about PINs, and no U2F.
    Enterprise,
    /// CTAP 2.3 that keeps each large blob with its credential, instead of an array of them all.
    LargeBlob,
}

/// What a profile has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Features {
    pub name: &'static str,
    /// Of getInfo; empty: the key does not speak CTAP2.
    pub versions: &'static [&'static str],
    /// The last member of getInfo that the edition has. CTAP 2.3 §6.4.
    pub last_info_member: u8,
    pub transports: &'static [&'static str],
    pub extensions: &'static [&'static str],
    pub pin_uv_auth_protocols: &'static [u8],
    /// CTAP1 is spoken.
    pub ctap1: bool,
    /// Command 0x0B.
    pub selection: bool,
    /// Tokens have permissions, end by time, and are used up by a touch. CTAP 2.1 §6.5.2.
    pub permissions: bool,
    /// Milliseconds in which a token is first used. CTAP 2.1 §6.5.2.1.
    pub initial_usage_limit: u64,
    /// The persistent token. CTAP 2.2 §6.5.5.7.
    pub persistent_token: bool,
    /// Command 0x0A.
    pub credential_management: bool,
    /// Command 0x41.
    pub credential_management_preview: bool,
    /// Subcommands of 0x0D; 0x01 is there only for keys that have a serial number.
    pub configuration: &'static [u8],
    /// Command 0x0C.
    pub large_blobs: bool,
    /// There is a fingerprint sensor, enrolled by this edition of command 0x09.
    pub fingerprints: Option<Edition>,
    /// makeCredential's attestationFormatsPreference. CTAP 2.2 §6.1.
    pub attestation_preference: bool,
    /// Non-discoverable credentials need no user verification. CTAP 2.1 §6.4.
    pub make_cred_uv_not_required: bool,
    /// A reset is taken within ten seconds of power-up only. CTAP 2.1 §6.6.
    pub reset_window: bool,
    /// As the factory sets it, and a reset again.
    pub min_pin_length: u8,
    /// As the factory sets it, and a reset again.
    pub always_uv: bool,
    /// As the factory sets it, and a reset again.
    pub pin_complexity_policy: bool,
}

/// Which of two command bytes, or of two token kinds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edition {
    Final,
    Preview,
}

const CTAP_2_3: Features = Features {
    name: "2.3",
    versions: &[U2F_V2, FIDO_2_0, FIDO_2_1_PRE, FIDO_2_1, FIDO_2_3],
    last_info_member: 0x1F,
    transports: &["usb"],
    extensions: &[
        CRED_BLOB,
        CRED_PROTECT,
        HMAC_SECRET,
        LARGE_BLOB_KEY,
        MIN_PIN_LENGTH,
        HMAC_SECRET_MC,
        THIRD_PARTY_PAYMENT,
        PIN_COMPLEXITY_POLICY,
    ],
    pin_uv_auth_protocols: &[2, 1],
    ctap1: true,
    selection: true,
    permissions: true,
    initial_usage_limit: 30_000,
    persistent_token: true,
    credential_management: true,
    credential_management_preview: true,
    configuration: &[0x01, 0x02, 0x03, 0x04],
    large_blobs: true,
    fingerprints: None,
    attestation_preference: true,
    make_cred_uv_not_required: true,
    reset_window: true,
    min_pin_length: 4,
    always_uv: false,
    pin_complexity_policy: false,
};

const CTAP_2_1: Features = Features {
    name: "2.1",
    versions: &[U2F_V2, FIDO_2_0, FIDO_2_1_PRE, FIDO_2_1],
    last_info_member: 0x15,
    extensions: &[
        CRED_BLOB,
        CRED_PROTECT,
        HMAC_SECRET,
        LARGE_BLOB_KEY,
        MIN_PIN_LENGTH,
    ],
    persistent_token: false,
    configuration: &[0x01, 0x02, 0x03],
    attestation_preference: false,
    ..CTAP_2_3
};

const CTAP_2_1_PRE: Features = Features {
    name: "2.1-pre",
    versions: &[U2F_V2, FIDO_2_0, FIDO_2_1_PRE],
    last_info_member: 0x0A,
    extensions: &[CRED_PROTECT, HMAC_SECRET],
    pin_uv_auth_protocols: &[1],
    selection: false,
    permissions: false,
    credential_management: false,
    configuration: &[],
    large_blobs: false,
    fingerprints: Some(Edition::Preview),
    make_cred_uv_not_required: false,
    ..CTAP_2_1
};

const CTAP_2_0: Features = Features {
    name: "2.0",
    versions: &[U2F_V2, FIDO_2_0],
    last_info_member: 0x06,
    extensions: &[HMAC_SECRET],
    credential_management_preview: false,
    fingerprints: None,
    reset_window: false,
    ..CTAP_2_1_PRE
};

const U2F_ONLY: Features = Features {
    name: "u2f-only",
    versions: &[],
    ..CTAP_2_0
};

const NFC_ONLY: Features = Features {
    name: "nfc-only",
    transports: &["nfc"],
    initial_usage_limit: 19_800,
    ..CTAP_2_3
};

const BIOMETRIC: Features = Features {
    name: "biometric",
    fingerprints: Some(Edition::Final),
    ..CTAP_2_3
};

const ENTERPRISE: Features = Features {
    name: "enterprise",
    versions: &[FIDO_2_0, FIDO_2_1, FIDO_2_3],
    ctap1: false,
    credential_management_preview: false,
    min_pin_length: 6,
    always_uv: true,
    pin_complexity_policy: true,
    ..CTAP_2_3
};

const LARGE_BLOB_OF_EACH: Features = Features {
    name: "large-blob",
    extensions: &[
        CRED_BLOB,
        LARGE_BLOB,
        CRED_PROTECT,
        HMAC_SECRET,
        MIN_PIN_LENGTH,
        HMAC_SECRET_MC,
        THIRD_PARTY_PAYMENT,
        PIN_COMPLEXITY_POLICY,
    ],
    large_blobs: false,
    ..CTAP_2_3
};

impl Profile {
    pub const ALL: [Self; 9] = [
        Self::Ctap23,
        Self::Ctap21,
        Self::Ctap21Pre,
        Self::Ctap20,
        Self::U2fOnly,
        Self::NfcOnly,
        Self::Biometric,
        Self::Enterprise,
        Self::LargeBlob,
    ];

    /// What it has.
    pub const fn features(self) -> &'static Features {
        match self {
            Self::Ctap23 => &CTAP_2_3,
            Self::Ctap21 => &CTAP_2_1,
            Self::Ctap21Pre => &CTAP_2_1_PRE,
            Self::Ctap20 => &CTAP_2_0,
            Self::U2fOnly => &U2F_ONLY,
            Self::NfcOnly => &NFC_ONLY,
            Self::Biometric => &BIOMETRIC,
            Self::Enterprise => &ENTERPRISE,
            Self::LargeBlob => &LARGE_BLOB_OF_EACH,
        }
    }

    /// The profile of this name; `None`: there is none.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.features().name == name)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.features().name)
    }
}

impl Features {
    /// Whether the key speaks CTAP2.
    pub const fn ctap2(&self) -> bool {
        !self.versions.is_empty()
    }

    pub fn has_extension(&self, identifier: &str) -> bool {
        self.extensions.contains(&identifier)
    }

    /// Whether getInfo of the edition has a member.
    pub const fn has_info_member(&self, member: u8) -> bool {
        member <= self.last_info_member
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
