use super::node::Node;
use super::{Command, Decoded, Kind, decode};

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../core-nostd/tests/vectors/",
            $name
        ))
        .as_slice()
    };
}

mod answers;
mod objects;
mod packets;

/// What two keys said and heard.
const EXCHANGES: [(&str, Kind, Option<Command>, &[u8]); 10] = [
    (
        "opensk_info",
        Kind::CtapResponse,
        Some(Command::GetInfo),
        recorded!("opensk_info_rsp.bin"),
    ),
    (
        "trussed_info",
        Kind::CtapResponse,
        Some(Command::GetInfo),
        recorded!("trussed_info_rsp.bin"),
    ),
    (
        "opensk_mc_req",
        Kind::CtapRequest,
        None,
        recorded!("opensk_mc_req.bin"),
    ),
    (
        "trussed_mc_req",
        Kind::CtapRequest,
        None,
        recorded!("trussed_mc_req.bin"),
    ),
    (
        "opensk_mc",
        Kind::CtapResponse,
        Some(Command::MakeCredential),
        recorded!("opensk_mc_rsp.bin"),
    ),
    (
        "trussed_mc",
        Kind::CtapResponse,
        Some(Command::MakeCredential),
        recorded!("trussed_mc_rsp.bin"),
    ),
    (
        "opensk_ga_req",
        Kind::CtapRequest,
        None,
        recorded!("opensk_ga_req.bin"),
    ),
    (
        "trussed_ga_req",
        Kind::CtapRequest,
        None,
        recorded!("trussed_ga_req.bin"),
    ),
    (
        "opensk_ga",
        Kind::CtapResponse,
        Some(Command::GetAssertion),
        recorded!("opensk_ga_rsp.bin"),
    ),
    (
        "trussed_ga",
        Kind::CtapResponse,
        Some(Command::GetAssertion),
        recorded!("trussed_ga_rsp.bin"),
    ),
];

fn shown(decoded: &Decoded) -> String {
    decoded.lines().join("\n")
}

fn all(nodes: &[Node]) -> Vec<&Node> {
    nodes
        .iter()
        .flat_map(|node| std::iter::once(node).chain(all(&node.fields)))
        .collect()
}

fn value<'d>(decoded: &'d Decoded, name: &str) -> &'d str {
    let fields = all(&decoded.fields);
    let found = fields.into_iter().find(|field| field.name == name);
    &found
        .unwrap_or_else(|| panic!("no {name}:\n{}", shown(decoded)))
        .value
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

#[test]
fn recorded_exchanges_are_explained_to_the_last_byte() {
    for (name, kind, command, bytes) in EXCHANGES {
        let decoded = decode(kind, command, bytes);
        assert!(decoded.valid, "{name}: {:?}", decoded.errors);
        assert_eq!(decoded.unknown(), 0, "{name}:\n{}", shown(&decoded));
        let end = decoded.fields.last().map(|node| node.offset + node.length);
        assert_eq!(end, Some(bytes.len()), "{name}");
    }
}

#[test]
fn a_whole_response_looks_like_this() {
    let bytes = recorded!("trussed_mc_rsp.bin");
    let decoded = decode(Kind::CtapResponse, Some(Command::MakeCredential), bytes);
    insta::assert_snapshot!(shown(&decoded));
}

#[test]
fn every_cut_of_a_message_is_found_and_named() {
    for (name, kind, command, bytes) in EXCHANGES {
        for length in 2..bytes.len() {
            let decoded = decode(kind, command, &bytes[..length]);
            assert!(!decoded.valid, "{name} cut to {length} bytes");
            for error in &decoded.errors {
                assert!(
                    error.offset.is_none_or(|at| at <= length),
                    "{name}: {error:?}"
                );
            }
        }
    }
}

#[test]
fn no_field_lies_outside_the_bytes() {
    for (name, kind, command, bytes) in EXCHANGES {
        for (index, bit) in (0..bytes.len()).flat_map(|at| [(at, 0x01), (at, 0x80)]) {
            let mut changed = bytes.to_vec();
            changed[index] ^= bit;
            for other in [kind, Kind::Apdu, Kind::Tlv, Kind::Attestation] {
                let decoded = decode(other, command, &changed);
                for node in all(&decoded.fields) {
                    assert!(
                        node.offset + node.length <= changed.len(),
                        "{name}, byte {index}: {node:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn an_unknown_member_is_kept_and_shown() {
    let decoded = decode(Kind::CtapRequest, None, &hex("06 a3 0101 0201 1863 4102"));
    assert!(decoded.valid, "{:?}", decoded.errors);
    insta::assert_snapshot!(shown(&decoded), @r#"
    clientPIN request, 10 bytes
      BYTE   LEN  FIELD                   VALUE
         0     1  command                 0x06 (clientPIN)
         2     2  0x01 pinUvAuthProtocol  1
         4     2  0x02 subCommand         1 (getPINRetries)
         6     4  0x63 unknown            02  (unknown, kept)
    "#);
}

#[test]
fn a_wrong_byte_is_named_with_its_place() {
    let mut wrong = Vec::new();
    for (kind, bytes, place, words) in [
        (Kind::CtapRequest, "", Some(0), "command byte"),
        (Kind::CtapRequest, "04 a0", Some(1), "nothing is due"),
        (
            Kind::CtapRequest,
            "06 a2 0201 0202",
            Some(4),
            "stands in the map already",
        ),
        (
            Kind::CtapRequest,
            "06 a1 0261 61",
            Some(3),
            "should be an integer",
        ),
        (
            Kind::CtapRequest,
            "06 bf 0201 ff",
            Some(1),
            "indefinite length",
        ),
        (
            Kind::CtapRequest,
            "06 a1 0201 00",
            Some(4),
            "follow the map",
        ),
        (Kind::CtapRequest, "02 a1 0161 61", None, "clientDataHash"),
        (
            Kind::CtapRequest,
            "06 a2 0119 012c 0201",
            Some(3),
            "expected an unsigned integer of 8 bits at byte 3",
        ),
        (Kind::CtapRequest, "06 a1 021c", Some(3), "the bytes end"),
        (
            Kind::CtapResponse,
            "36 a0",
            Some(1),
            "a refusal carries nothing",
        ),
        (Kind::CtapResponse, "00", Some(1), "the map is missing"),
        (Kind::Tlv, "53 02 61", Some(0), "2 bytes, 1 are left"),
        (Kind::Apdu, "00 a4 04 00 05 01", None, "do not add up"),
        (
            Kind::Ctaphid,
            "ffffffff86",
            Some(0),
            "no whole number of packets",
        ),
        (
            Kind::Attestation,
            "a1 6366 6d74 646e 6f6e 65",
            None,
            "missing",
        ),
    ] {
        let decoded = decode(kind, Some(Command::GetInfo), &hex(bytes));
        assert!(!decoded.valid, "{bytes}");
        let error = decoded.errors.first().unwrap();
        let right = error.offset == place && error.message.contains(words);
        wrong.extend((!right).then(|| format!("{bytes}: {:?}", decoded.errors)));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_select_is_told_from_its_answer() {
    let select = decode(Kind::Apdu, None, &hex("00A40400 08 A0000006472F0001 00"));
    insta::assert_snapshot!(shown(&select), @r#"
    command APDU, SELECT, 14 bytes
      BYTE   LEN  FIELD          VALUE
         0     1  CLA            00 (interindustry)
         1     1  INS            A4 (SELECT)
         2     1  P1             04
         3     1  P2             00
         4     1  Lc             8
         5     8  data           a0000006472f0001
         5     8    application  FIDO
        13     1  Le             at most 256 bytes
    "#);
    let answer = decode(Kind::Apdu, None, &hex("5532465F5632 9000"));
    assert_eq!(answer.what, "response APDU");
    let inside = decode(Kind::Apdu, None, &hex("80100000 01 04 00"));
    let fields = all(&inside.fields);
    assert!(
        fields
            .iter()
            .any(|field| field.value == "0x04 (getInfo)" && field.offset == 5)
    );
}

#[test]
fn objects_inside_objects_are_opened() {
    let decoded = decode(Kind::Tlv, None, &hex("7c04 8100 8200 5fc102 01 00"));
    let keys: Vec<_> = all(&decoded.fields)
        .iter()
        .filter_map(|node| node.key.clone())
        .collect();
    assert_eq!(keys, ["7C", "81", "82", "5FC102"]);
}
