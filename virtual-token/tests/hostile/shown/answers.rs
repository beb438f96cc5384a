//! Of answers that are no good CBOR, and of lies at getInfo.

use super::Shown::{self, Always, At, Harmless};

pub(super) const ALL: &[(&str, Shown)] = &[
    ("answer-empty", Always("EmptyAnswer")),
    (
        "status-alone",
        At(&[("info", "Malformed { command: GetInfo, error: EndOfInput")]),
    ),
    ("status-with-map", Always("Refused")),
    ("status-unknown", Always("Refused")),
    (
        "map-counts-more",
        At(&[("info", "Malformed { command: GetInfo, error: EndOfInput")]),
    ),
    (
        "map-counts-fewer",
        At(&[("info", "Malformed { command: GetInfo, error: TrailingBytes")]),
    ),
    (
        "map-endless",
        At(&[("info", "Malformed { command: GetInfo, error: EndOfInput")]),
    ),
    (
        "array-endless",
        At(&[("info", "Malformed { command: GetInfo, error: EndOfInput")]),
    ),
    (
        "bytes-endless",
        At(&[("info", "Malformed { command: GetInfo, error: EndOfInput")]),
    ),
    (
        "text-endless",
        At(&[("info", "Malformed { command: GetInfo, error: EndOfInput")]),
    ),
    (
        "nested-arrays",
        At(&[("info", "Malformed { command: GetInfo, error: TooDeep")]),
    ),
    (
        "nested-maps",
        At(&[("info", "Malformed { command: GetInfo, error: TooDeep")]),
    ),
    (
        "nested-tags",
        At(&[("info", "Malformed { command: GetInfo, error: TooDeep")]),
    ),
    (
        "map-indefinite",
        At(&[("info", "Malformed { command: GetInfo, error: Malformed")]),
    ),
    (
        "text-indefinite",
        At(&[("info", "Malformed { command: GetInfo, error: Malformed")]),
    ),
    (
        "duplicate-keys",
        At(&[("info", "Malformed { command: GetInfo, error: DuplicateKey")]),
    ),
    (
        "duplicate-flood",
        At(&[("info", "Malformed { command: GetInfo, error: DuplicateKey")]),
    ),
    (
        "keys-descending",
        At(&[(
            "info",
            "Malformed { command: GetInfo, error: TooManyEntries",
        )]),
    ),
    (
        "text-not-utf8",
        At(&[("info", "Malformed { command: GetInfo, error: Missing")]),
    ),
    (
        "types-wrong",
        At(&[("info", "Malformed { command: GetInfo, error: Unexpected")]),
    ),
    (
        "numbers-huge",
        At(&[("info", "Malformed { command: GetInfo, error: Unexpected")]),
    ),
    (
        "trailing-bytes",
        At(&[("info", "Malformed { command: GetInfo, error: TrailingBytes")]),
    ),
    (
        "no-map",
        At(&[("info", "Malformed { command: GetInfo, error: Unexpected")]),
    ),
    (
        "head-reserved",
        At(&[("info", "Malformed { command: GetInfo, error: Malformed")]),
    ),
    (
        "cut-short",
        At(&[
            ("info", "Malformed { command: GetInfo, error: EndOfInput"),
            ("reset", "EmptyAnswer"),
        ]),
    ),
    ("garbage", At(&[("info", "Malformed { command: GetInfo")])),
    ("full-length", Harmless),
    ("names-unknown", Harmless),
    (
        "info-changes-mind",
        At(&[("list", "PinNotSet"), ("set_pin", "PinAlreadySet")]),
    ),
    (
        "info-pin-flickers",
        At(&[("list", "ok: 2 relying parties, 3 of 3 credentials")]),
    ),
    ("info-max-msg-size-0", Harmless),
    ("info-max-msg-size-huge", Harmless),
    ("info-max-msg-size-beyond", Harmless),
    (
        "info-no-pin-protocol",
        At(&[("list", "Unsupported(PinProtocol)")]),
    ),
    (
        "info-future-pin-protocol",
        At(&[("list", "Unsupported(PinProtocol)")]),
    ),
    ("info-pin-protocols-many", Harmless),
    (
        "info-pin-length-huge",
        At(&[
            (
                "change_pin",
                "PinPolicy(TooShort { min: 4294967295, code_points: 6 })",
            ),
            (
                "configure",
                "PinPolicy(MinLengthMayOnlyGrow { current: 4294967295 })",
            ),
        ]),
    ),
    (
        "info-pin-lengths-crossed",
        At(&[(
            "change_pin",
            "PinPolicy(TooShort { min: 50, code_points: 6 })",
        )]),
    ),
    ("info-limits-zero", Harmless),
    ("info-limits-huge", Harmless),
    (
        "info-offers-everything",
        At(&[("make", "Unsupported(PinForCredentials)")]),
    ),
    ("info-offers-nothing", At(&[("list", "PinNotSet")])),
    (
        "info-options-no-flags",
        At(&[("list", "Unsupported(ClientPin)")]),
    ),
    (
        "info-versions-none",
        At(&[("info", "ok: 0 versions"), ("select", "ok: done")]),
    ),
    ("info-versions-many", At(&[("info", "ok: 600 versions")])),
    (
        "info-without-aaguid",
        At(&[(
            "info",
            "Malformed { command: GetInfo, error: Missing { member: \"aaguid",
        )]),
    ),
    (
        "info-aaguid-short",
        At(&[("info", "Malformed { command: GetInfo, error: Length")]),
    ),
];
