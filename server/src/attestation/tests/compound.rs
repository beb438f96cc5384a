//! Format `compound`: each statement counts.

use super::*;
use keysteward_core::cbor::{Encode, Raw};

/// `[{fmt, attStmt}, ..]`
fn compound(statements: &[(&str, Vec<u8>)], auth_data: &[u8]) -> Vec<u8> {
    let mut array = vec![0x80 | u8::try_from(statements.len()).unwrap()];
    for (fmt, bytes) in statements {
        let att_stmt: Raw<'_> = keysteward_core::cbor::Parse::parse(bytes).unwrap();
        array.extend(statement(&[
            ("fmt", fmt as &dyn Encode),
            ("attStmt", &att_stmt),
        ]));
    }
    object("compound", &array, auth_data)
}

fn packed_statement(maker: &Maker, data: &[u8]) -> Vec<u8> {
    let (sig, chain) = (maker.sign(data), maker.x5c());
    statement(&[
        ("alg", &-7_i64),
        ("sig", &sig.as_slice()),
        ("x5c", &List::new(&chain)),
    ])
}

const NONE_STATEMENT: [u8; 1] = [0xA0];

#[test]
fn a_compound_attestation_is_as_strong_as_its_strongest_part() {
    let maker = Maker::new();
    let data = Credential::new().auth_data();
    let (packed, none) = (packed_statement(&maker, &data), NONE_STATEMENT.to_vec());
    let trust = Trust::new(
        &[&maker.root],
        Unrooted {
            none: true,
            itself: false,
        },
    )
    .unwrap();
    for statements in [
        [("packed", packed.clone()), ("none", none.clone())],
        [("none", none), ("packed", packed)],
    ] {
        let verified = check(&compound(&statements, &data), &trust).unwrap();
        assert_eq!(verified.to_string(), "compound, proven to CN=Example Root");
    }
}

#[test]
fn one_part_that_does_not_hold_refuses_the_whole() {
    let maker = Maker::new();
    let data = Credential::new().auth_data();
    let packed = packed_statement(&maker, &data);
    let forged = packed_statement(&maker, b"something else");
    let statements = [("packed", packed.clone()), ("packed", forged)];
    assert_eq!(
        check(&compound(&statements, &data), &rooted(&maker)),
        Err(Refusal::InCompound {
            number: 2,
            refusal: Box::new(Refusal::WrongSignature)
        })
    );
    // Of good form, and not accepted by this token type.
    let statements = [("packed", packed), ("none", NONE_STATEMENT.to_vec())];
    let refusal = check(&compound(&statements, &data), &rooted(&maker)).unwrap_err();
    assert!(matches!(refusal, Refusal::NotRooted { .. }), "{refusal}");
}

#[test]
fn a_compound_attestation_has_two_statements_or_more_and_none_within() {
    let data = Credential::new().auth_data();
    let none = || ("none", NONE_STATEMENT.to_vec());
    for statements in [vec![], vec![none()], vec![none(), ("compound", vec![0x80])]] {
        let refusal = check(&compound(&statements, &data), &unrooted(true, true)).unwrap_err();
        assert!(matches!(refusal, Refusal::Compound { .. }), "{refusal}");
    }
    for unreadable in [&[0xA0][..], &[0x81, 0xA0], &[0x81, 0x01]] {
        let object = object("compound", unreadable, &data);
        let refusal = check(&object, &unrooted(true, true)).unwrap_err();
        assert!(matches!(refusal, Refusal::Statement(_)), "{refusal}");
    }
}
