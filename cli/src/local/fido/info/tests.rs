use super::*;
use crate::output::Format;

/// `{1: ["FIDO_2_3"], 3: aaguid, 4: {"uv": true}, 0x0a: [{"alg": -7, "type": "public-key"}],
/// 0x0e: "text", 0x12: 0x2802, 0x13: {"FIDO": 2}, 0x15: [2^64 - 1], 0x1f: [2, 9], 0x30: [1, 2],
/// 0x40: h'', -1: true, "x": 7}`
const TOLD: &str = "ad 01 81 68 4649444f5f325f33 03 50 07070707070707070707070707070707 \
    04 a1 62 7576 f5 0a 81 a2 63 616c67 26 64 74797065 6a 7075626c69632d6b6579 \
    0e 64 74657874 12 192802 13 a1 64 4649444f 02 15 81 1bffffffffffffffff \
    181f 82 02 09 1830 82 01 02 1840 40 20 f5 61 78 07";

fn seen() -> wire::Inspected {
    wire::Inspected {
        pin_set: true,
        pin_retries: 8,
        uv_retries: Some(3),
        get_info: hex::decode(TOLD.replace(' ', "")).unwrap(),
        ..wire::Inspected::default()
    }
}

#[test]
fn programs_are_given_every_member_under_its_name_and_the_unknown_ones_by_their_keys() {
    let info = Info::read("1-aa".to_owned(), seen()).unwrap();
    let shown = serde_json::to_value(info).unwrap();
    for (member, due) in [
        ("versions", serde_json::json!(["FIDO_2_3"])),
        ("options", serde_json::json!({ "uv": true })),
        ("algorithms", serde_json::json!([-7])),
        ("algorithm_names", serde_json::json!(["ES256"])),
        ("uv_retries", serde_json::json!(3)),
        (
            "uv_modality",
            serde_json::json!(["fingerprint", "passcode external", "0x2000"]),
        ),
        ("certifications", serde_json::json!({ "FIDO": 2 })),
        (
            "vendor_prototype_config_commands",
            serde_json::json!(["0xffffffffffffffff"]),
        ),
        (
            "authenticator_config_commands",
            serde_json::json!(["toggleAlwaysUv", "0x09"]),
        ),
        ("min_pin_length", serde_json::json!(4)),
        ("firmware_version", serde_json::Value::Null),
        (
            "unknown",
            serde_json::json!({
                "0x0e": "6474657874", "0x30": "820102", "0x40": "40", "-1": "f5", "\"x\"": "07",
            }),
        ),
    ] {
        assert_eq!(shown[member], due, "{member}");
    }
    for field in Info::COLUMNS.iter().chain(Info::FIELDS) {
        assert!(shown.get(*field).is_some(), "{field}");
    }
}

#[test]
fn people_see_every_member_in_a_line_of_its_own() {
    let mut out = Vec::new();
    let info = Info::read("1-aa".to_owned(), seen()).unwrap();
    Output::new(Format::Table, &mut out).show(&info).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn what_cannot_be_read_is_refused_and_not_shown_in_part() {
    for bytes in ["", "a0", "a10181684649444f5f325f33"] {
        let seen = wire::Inspected {
            get_info: hex::decode(bytes).unwrap(),
            ..wire::Inspected::default()
        };
        assert!(Info::read(String::new(), seen).is_err(), "{bytes}");
    }
}
