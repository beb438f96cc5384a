//! Attestation objects of every format, and bytes of any kind.

use super::{all, hex, value};
use crate::decode::{Decoded, Kind, decode};

const TPM: &str = include_str!("../../../../core-nostd/tests/vectors/webauthn/tpm_es256.hex");
const ANDROID: &str =
    include_str!("../../../../core-nostd/tests/vectors/webauthn/android_key_es256.hex");
const APPLE: &str = include_str!("../../../../core-nostd/tests/vectors/webauthn/apple_es256.hex");

fn object(text: &str) -> Decoded {
    decode(Kind::Attestation, None, &hex(text.trim()))
}

#[test]
fn statements_of_platforms_are_opened() {
    let tpm = object(TPM);
    assert!(tpm.valid, "{:?}", tpm.errors);
    assert!(tpm.what.contains("tpm (§8.3)"), "{}", tpm.what);
    assert!(value(&tpm, "attested name").starts_with("SHA-256: "));
    assert_eq!(value(&tpm, "type"), "ECC, curve 0x0003");

    let android = object(ANDROID);
    assert!(android.valid, "{:?}", android.errors);
    assert_eq!(value(&android, "attestationVersion"), "300");
    assert_eq!(value(&android, "attestationSecurityLevel"), "0 (software)");
    assert_eq!(value(&android, "attestationChallenge").len(), 64);

    let apple = object(APPLE);
    assert!(apple.valid, "{:?}", apple.errors);
    assert!(value(&apple, "apple nonce").ends_with(char::is_alphanumeric));
}

#[test]
fn a_structure_of_a_tpm_that_is_none_is_wrong_where_it_stands() {
    let mut bytes = hex(TPM.trim());
    let magic = bytes
        .windows(4)
        .position(|four| four == b"\xffTCG")
        .unwrap();
    bytes[magic] = 0;
    let decoded = decode(Kind::Attestation, None, &bytes);
    assert_eq!(
        decoded.errors[0].offset,
        Some(magic),
        "{:?}",
        decoded.errors
    );
}

/// An object of the format `compound` with these statements, each whole.
fn compound(statements: &[&[u8]]) -> Decoded {
    let mut bytes = hex("a3 63666d74 68636f6d706f756e64 6761747453746d74");
    bytes.push(0x80 | u8::try_from(statements.len()).unwrap());
    bytes.extend(statements.concat());
    let authenticator_data = [[0x5A; 32].as_slice(), &hex("01 00000000")].concat();
    bytes.extend(hex("686175746844617461 5825"));
    bytes.extend(authenticator_data);
    decode(Kind::Attestation, None, &bytes)
}

#[test]
fn every_statement_of_a_compound_object_is_judged() {
    let none = hex("a2 63666d74 646e6f6e65 6761747453746d74 a0");
    let packed = hex("a2 63666d74 667061636b6564 6761747453746d74 a2 63616c67 26 63736967 4101");
    let whole = compound(&[&packed, &none]);
    assert!(whole.valid, "{:?}", whole.errors);
    assert_eq!(value(&whole, "attStmt"), "2 items");
    assert_eq!(value(&whole, "alg"), "-7 (ES256)");

    let alone = compound(&[&packed]);
    assert!(
        alone.errors[0].message.contains("1 statements"),
        "{:?}",
        alone.errors
    );

    let unsigned = hex("a2 63666d74 667061636b6564 6761747453746d74 a1 63616c67 26");
    let wrong = compound(&[&unsigned, &none]);
    assert!(
        wrong.errors[0].message.contains("sig of the packed"),
        "{:?}",
        wrong.errors
    );
}

#[test]
fn any_bytes_are_explained_without_leaving_them() {
    // xorshift64: the same bytes in every run.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..3_000 {
        let length = usize::try_from(next() % 200).unwrap();
        let mut bytes: Vec<u8> = (0..length).map(|_| next().to_be_bytes()[3]).collect();
        // Of packets, whole ones say more.
        bytes.resize(
            length.next_multiple_of(if next() % 2 == 0 { 64 } else { 1 }),
            0,
        );
        for kind in <Kind as clap::ValueEnum>::value_variants() {
            for command in [None, Some(crate::decode::Command::LargeBlobs)] {
                let decoded = decode(*kind, command, &bytes);
                for node in all(&decoded.fields) {
                    let end = node.offset.checked_add(node.length);
                    assert!(
                        end.is_some_and(|end| end <= bytes.len()),
                        "{kind:?}: {node:?}"
                    );
                }
            }
        }
    }
}
