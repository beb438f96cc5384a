//! Of lies inside good CBOR.

use super::Shown::{self, At};

pub(super) const ALL: &[(&str, Shown)] = &[
    ("key-not-on-curve", At(KEY_UNUSABLE)),
    ("key-infinity", At(KEY_UNUSABLE)),
    ("key-beyond-field", At(KEY_UNUSABLE)),
    (
        "key-short",
        At(&[(
            "list",
            "Malformed { command: ClientPin, error: Missing { member: \"x (-2)",
        )]),
    ),
    (
        "key-without-y",
        At(&[(
            "list",
            "Malformed { command: ClientPin, error: Missing { member: \"y (-3)",
        )]),
    ),
    (
        "key-other-curve",
        At(&[("list", "Malformed { command: ClientPin, error: OutOfRange")]),
    ),
    ("token-empty", At(TOKEN_UNUSABLE)),
    ("token-short", At(TOKEN_UNUSABLE)),
    ("token-of-one-block", At(TOKEN_UNUSABLE)),
    ("token-long", At(TOKEN_UNUSABLE)),
    (
        "token-of-noise",
        At(&[
            ("list", "TokenRejected { command: CredentialManagement }"),
            ("make", "TokenRejected { command: MakeCredential }"),
            ("assert", "TokenRejected { command: GetAssertion }"),
        ]),
    ),
    (
        "token-missing",
        At(&[("list", "Malformed { command: ClientPin")]),
    ),
    // The key counts, and may count as it likes: nothing here goes on trying until the last one.
    (
        "retries-grow",
        At(&[("wrong_pin", "PinInvalid { retries: Some(8) }")]),
    ),
    (
        "retries-beyond-byte",
        At(&[
            (
                "retries",
                "Malformed { command: ClientPin, error: OutOfRange",
            ),
            ("wrong_pin", "PinInvalid { retries: None }"),
        ]),
    ),
    (
        "retries-none",
        At(&[("wrong_pin", "PinBlocked"), ("list", LISTED)]),
    ),
    (
        "retries-negative",
        At(&[
            ("retries", "Malformed { command: ClientPin"),
            ("wrong_pin", "PinInvalid { retries: None }"),
        ]),
    ),
    (
        "replug-for-ever",
        At(&[("list", "PinAuthBlocked { retries: Some(8) }")]),
    ),
    // The token that it gives is good for nothing, which the next request shows.
    (
        "pin-any",
        At(&[("wrong_pin", "ok: done"), ("list", LISTED)]),
    ),
    (
        "pin-never",
        At(&[("list", "PinInvalid { retries: Some(8) }")]),
    ),
    (
        "pin-change-pretended",
        At(&[("change_wrong_pin", "ok: done")]),
    ),
    (
        "rps-endless",
        At(&[(
            "list",
            "ListTooLong { command: CredentialManagement, announced: 4294967295 }",
        )]),
    ),
    ("rps-many", At(&[("list", "ok: 1000 relying parties")])),
    ("credentials-many", At(&[("list", "Transport(Deadline)")])),
    (
        "credentials-endless",
        At(&[(
            "list",
            "ListTooLong { command: CredentialManagement, announced: 4294967295 }",
        )]),
    ),
    ("rps-repeat", At(&[("list", "ListRepeats")])),
    ("credentials-repeat", At(&[("list", "ListRepeats")])),
    (
        "rps-shrink",
        At(&[("list", "EnumerationInterrupted { got: 1, total: 5 }")]),
    ),
    (
        "credentials-shrink",
        At(&[("list", "EnumerationInterrupted { got: 1, total: 5 }")]),
    ),
    (
        "rps-nameless",
        At(&[(
            "list",
            "Malformed { command: CredentialManagement, error: Missing { member: \"rp",
        )]),
    ),
    (
        "credentials-nameless",
        At(&[(
            "list",
            "Malformed { command: CredentialManagement, error: Missing { member: \"user",
        )]),
    ),
    (
        "rps-none-after-all",
        At(&[("list", "ok: 0 relying parties, 0 of 3 credentials")]),
    ),
    (
        "rp-hash-other",
        At(&[("list", "ok: 2 relying parties, 0 of 3 credentials")]),
    ),
    (
        "rp-hash-short",
        At(&[(
            "list",
            "Malformed { command: CredentialManagement, error: Length",
        )]),
    ),
    (
        "credential-count-huge",
        At(&[("list", "ok: 2 relying parties, 3 of 4294967295 credentials")]),
    ),
    (
        "credential-id-huge",
        At(&[(
            "list",
            "Malformed { command: CredentialManagement, error: OutOfRange",
        )]),
    ),
    (
        "credential-ids-empty",
        At(&[
            (
                "list",
                "Malformed { command: CredentialManagement, error: OutOfRange",
            ),
            (
                "assert",
                "Malformed { command: GetAssertion, error: OutOfRange",
            ),
        ]),
    ),
    ("deletes-nothing", At(&[("delete", "ok: done")])),
    (
        "assertions-endless",
        At(&[("assert", "ok: 3 of 4294967295")]),
    ),
    (
        "auth-data-empty",
        At(&[("make", "ok: 0 bytes, which cannot be read")]),
    ),
    (
        "auth-data-short",
        At(&[("make", "ok: 36 bytes, which cannot be read")]),
    ),
    (
        "auth-data-long",
        At(&[("make", "ok: 4000 bytes, which cannot be read: bytes follow")]),
    ),
    (
        "credential-id-beyond-end",
        At(&[(
            "make",
            "ok: 164 bytes, which cannot be read: a credential id of 65535 bytes",
        )]),
    ),
    (
        "credential-id-empty",
        At(&[(
            "make",
            "ok: 132 bytes, which cannot be read: a credential id of 0 bytes",
        )]),
    ),
    (
        "credential-key-of-zeros",
        At(&[("make", "ok: 164 bytes, which cannot be read")]),
    ),
    // Whoever relies on the credential has to look: the agent, and the server once more.
    ("rp-other", At(&[("make", MADE)])),
    ("nobody-present", At(&[("make", MADE)])),
    (
        "credential-missing",
        At(&[("make", "ok: 164 bytes, which cannot be read: bytes follow")]),
    ),
    (
        "extensions-missing",
        At(&[("make", "ok: 164 bytes, which cannot be read")]),
    ),
    (
        "backed-up-not-eligible",
        At(&[("make", "ok: 164 bytes, which cannot be read")]),
    ),
    ("attestation-garbage", At(&[("make", MADE)])),
    ("attestation-missing", At(&[("make", MADE)])),
    ("attestation-no-map", At(&[("make", MADE)])),
    ("attestation-unknown", At(&[("make", MADE)])),
    ("attestation-format-huge", At(&[("make", MADE)])),
    ("attestation-signature-short", At(&[("make", MADE)])),
    ("assertion-signature-short", At(&[("assert", "ok: 2 of 2")])),
    (
        "assertion-signature-missing",
        At(&[(
            "assert",
            "Malformed { command: GetAssertion, error: Missing",
        )]),
    ),
    (
        "assertion-other-credential",
        At(&[("assert", "ok: 2 of 2"), ("find", "OtherCredential")]),
    ),
    ("assertion-user-huge", At(&[("assert", "ok: 2 of 2")])),
    (
        "blob-endless",
        At(&[("read_blobs", "LargeBlobBufferTooSmall")]),
    ),
    ("blob-longer-than-asked", At(&[("read_blobs", "")])),
    ("blob-wrong-hash", At(&[("read_blobs", "ok: 0 blobs")])),
    ("blob-too-short", At(&[("read_blobs", "ok: 0 blobs")])),
    ("blob-empty", At(&[("read_blobs", "ok: 0 blobs")])),
    ("blob-missing", At(&[("read_blobs", "ok: 0 blobs")])),
    (
        "blob-swallowed",
        At(&[("write_blobs", "ok: done"), ("read_blobs", "ok: 0 blobs")]),
    ),
    ("samples-endless", At(&[("enroll", "EnrolmentEndless")])),
    ("samples-grow", At(&[("enroll", "EnrolmentEndless")])),
    ("samples-huge", At(&[("enroll", "EnrolmentEndless")])),
    ("sample-status-unknown", At(&[("enroll", "ok: ")])),
    ("template-missing", At(&[("enroll", "Malformed")])),
    ("templates-many", At(&[("fingers", "ok: 300 fingers")])),
    ("template-name-huge", At(&[("fingers", "ok: 1 fingers")])),
];

const LISTED: &str = "ok: 2 relying parties, 3 of 3 credentials";
const MADE: &str = "ok: 164 bytes, which name a credential";
const KEY_UNUSABLE: &[(&str, &str)] = &[
    ("list", "Crypto"),
    ("change_pin", "Crypto"),
    ("make", "Crypto"),
];
const TOKEN_UNUSABLE: &[(&str, &str)] =
    &[("list", "Crypto"), ("make", "Crypto"), ("assert", "Crypto")];
