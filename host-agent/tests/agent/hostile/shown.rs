//! How single steps end with single tokens that lie. Those that are not named end somehow, in time
//! and with a typed error or a success.

use keysteward_proto::agent::v1::step_error::Code;

/// A token with a step, and how it ends: a code, or success.
pub(super) type Shown = (&'static str, &'static str, Option<Code>);

pub(super) const SHOWN: &[Shown] = &[
    ("silent", "inspect", Some(Code::TokenSilent)),
    ("silent-after-touch", "select", Some(Code::TokenSilent)),
    ("init-silent", "inspect", Some(Code::TokenSilent)),
    ("keepalive-flood", "list", Some(Code::TokenSilent)),
    ("keepalive-alternates", "list", Some(Code::TokenSilent)),
    ("foreign-channels", "list", Some(Code::TokenSilent)),
    ("error-06", "inspect", Some(Code::TokenSilent)),
    ("error-0b", "inspect", Some(Code::TokenMalformed)),
    ("bcnt-ffff", "inspect", Some(Code::TokenMalformed)),
    ("seq-skips", "inspect", Some(Code::TokenMalformed)),
    ("nested-arrays", "inspect", Some(Code::TokenMalformed)),
    ("duplicate-keys", "inspect", Some(Code::TokenMalformed)),
    ("full-length", "inspect", None),
    ("init-long", "inspect", None),
    ("info-no-pin-protocol", "list", Some(Code::NotSupported)),
    ("key-not-on-curve", "list", Some(Code::TokenMalformed)),
    ("token-short", "list", Some(Code::TokenMalformed)),
    ("pin-never", "list", Some(Code::PinInvalid)),
    ("replug-for-ever", "list", Some(Code::PinAuthBlocked)),
    ("rps-endless", "list", Some(Code::TokenMalformed)),
    ("credentials-repeat", "list", Some(Code::TokenMalformed)),
    ("rps-shrink", "list", Some(Code::TokenBusy)),
    ("silent", "wink", None),
    ("init-silent", "wink", Some(Code::TokenSilent)),
    ("blob-endless", "blobs", Some(Code::TokenMalformed)),
    (
        "blob-longer-than-asked",
        "blobs",
        Some(Code::TokenMalformed),
    ),
    ("blob-wrong-hash", "blobs", None),
    ("auth-data-short", "make", Some(Code::TokenMalformed)),
    (
        "credential-id-beyond-end",
        "make",
        Some(Code::TokenMalformed),
    ),
    ("rp-other", "make", Some(Code::TokenMalformed)),
    ("nobody-present", "make", Some(Code::TokenMalformed)),
    ("full-length", "look", None),
    (
        "assertion-other-credential",
        "look",
        Some(Code::TokenMalformed),
    ),
    (
        "assertion-signature-missing",
        "look",
        Some(Code::TokenMalformed),
    ),
    (
        "assertion-other-credential",
        "delete",
        Some(Code::TokenMalformed),
    ),
    ("full-length", "prove", None),
    (
        "assertion-signature-missing",
        "prove",
        Some(Code::TokenMalformed),
    ),
    (
        "assertion-other-credential",
        "prove",
        Some(Code::TokenMalformed),
    ),
    // It made no credential that this agent would have proved.
    ("auth-data-short", "prove", Some(Code::ForbiddenByHost)),
    ("full-length", "persist", None),
    ("token-short", "persist", Some(Code::TokenMalformed)),
    ("pin-never", "persist", Some(Code::PinInvalid)),
    ("info-no-pin-protocol", "persist", Some(Code::NotSupported)),
    ("full-length", "rename", None),
    ("rps-endless", "rename", Some(Code::TokenMalformed)),
    ("rps-shrink", "rename", Some(Code::TokenBusy)),
    (
        "rps-none-after-all",
        "rename",
        Some(Code::CredentialNotFound),
    ),
    ("full-length", "write_blob", None),
    ("full-length", "read_blob", None),
    ("full-length", "delete_blob", None),
    ("blob-swallowed", "write_blob", None),
    (
        "blob-swallowed",
        "read_blob",
        Some(Code::CredentialNotFound),
    ),
    ("blob-endless", "write_blob", Some(Code::TokenMalformed)),
    ("blob-endless", "delete_blob", Some(Code::TokenMalformed)),
    (
        "blob-longer-than-asked",
        "read_blob",
        Some(Code::TokenMalformed),
    ),
    ("rps-shrink", "read_blob", Some(Code::TokenBusy)),
    (
        "blob-wrong-hash",
        "delete_blob",
        Some(Code::CredentialNotFound),
    ),
    ("silent", "raw", Some(Code::TokenSilent)),
    ("bcnt-ffff", "raw", Some(Code::TokenMalformed)),
    // Bytes go through as they are.
    ("garbage", "raw", None),
];

pub(super) const SHOWN_WITHOUT_A_PIN: &[Shown] = &[
    ("full-length", "register", None),
    ("full-length", "prove", None),
    ("full-length", "set_pin", None),
    ("rp-other", "register", Some(Code::TokenMalformed)),
    ("nobody-present", "register", Some(Code::TokenMalformed)),
    (
        "credential-id-beyond-end",
        "register",
        Some(Code::TokenMalformed),
    ),
    ("keepalive-flood", "register", Some(Code::TokenSilent)),
    (
        "assertion-other-credential",
        "prove",
        Some(Code::TokenMalformed),
    ),
    ("silent", "set_pin", Some(Code::TokenSilent)),
    ("nested-arrays", "set_pin", Some(Code::TokenMalformed)),
    ("status-unknown", "set_pin", Some(Code::Refused)),
    ("key-not-on-curve", "set_pin", Some(Code::TokenMalformed)),
    ("info-no-pin-protocol", "set_pin", Some(Code::NotSupported)),
    ("info-options-no-flags", "set_pin", Some(Code::NotSupported)),
    (
        "info-offers-everything",
        "set_pin",
        Some(Code::PinAlreadySet),
    ),
    (
        "info-pin-length-huge",
        "set_pin",
        Some(Code::PinPolicyViolation),
    ),
];

/// With other tokens coming and going, which one was plugged in again is anybody's guess; the resets
/// of one token alone are a test of their own.
pub(super) const SHOWN_WITH_A_SENSOR: &[Shown] = &[
    ("full-length", "enroll", None),
    ("full-length", "remove", Some(Code::CredentialNotFound)),
    ("samples-endless", "enroll", Some(Code::TokenMalformed)),
    ("samples-grow", "enroll", Some(Code::TokenMalformed)),
    ("samples-huge", "enroll", Some(Code::TokenMalformed)),
    ("template-missing", "enroll", Some(Code::TokenMalformed)),
    // It enrolled a finger that nobody knows by that name.
    (
        "sample-status-unknown",
        "enroll",
        Some(Code::CredentialNotFound),
    ),
    ("templates-many", "fingers", None),
    ("template-name-huge", "fingers", None),
    ("pin-never", "enroll", Some(Code::PinInvalid)),
    ("token-short", "rename", Some(Code::TokenMalformed)),
    ("silent", "enroll", Some(Code::TokenSilent)),
    ("keepalive-flood", "enroll", Some(Code::TokenSilent)),
    ("nested-arrays", "sensor", Some(Code::TokenMalformed)),
    ("info-no-pin-protocol", "enroll", Some(Code::NotSupported)),
];
