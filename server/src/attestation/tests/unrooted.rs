//! Attestation that leads to no root: `none` and self attestation.

use super::*;

#[test]
fn none_and_self_are_accepted_only_where_the_token_type_says_so() {
    let credential = Credential::new();
    let data = credential.auth_data();
    let (none, itself) = (object("none", &[0xA0], &data), credential.attest(&data));
    let accepted = check(&none, &unrooted(true, false)).unwrap();
    assert_eq!(
        (accepted.proof(), accepted.to_string().as_str()),
        (&Proof::Nothing, "none")
    );
    let accepted = check(&itself, &unrooted(false, true)).unwrap();
    assert_eq!(
        (accepted.proof(), accepted.format()),
        (&Proof::Itself, "packed")
    );

    for (object, trust) in [
        (&none, unrooted(false, true)),
        (&itself, unrooted(true, false)),
    ] {
        assert!(matches!(
            check(object, &trust),
            Err(Refusal::NotRooted { .. })
        ));
    }
}

#[test]
fn certificates_do_not_help_where_only_none_and_self_are_accepted() {
    let object = packed(&Maker::new(), &Credential::new().auth_data());
    assert_eq!(
        check(&object, &unrooted(true, true)),
        Err(Refusal::UnknownRoot)
    );
}

#[test]
fn a_none_statement_is_empty_and_other_formats_are_named() {
    let data = Credential::new().auth_data();
    // {"a": 1}
    let filled = object("none", &[0xA1, 0x61, 0x61, 0x01], &data);
    assert_eq!(
        check(&filled, &unrooted(true, true)),
        Err(Refusal::NoneWithStatement)
    );
    let other = object("tpm2", &[0xA0], &data);
    assert_eq!(
        check(&other, &unrooted(true, true)),
        Err(Refusal::UnsupportedFormat("tpm2".to_owned()))
    );
    let unreadable = object("packed", &[0xA0], &data);
    assert!(matches!(
        check(&unreadable, &unrooted(true, true)),
        Err(Refusal::Statement(_))
    ));
}

#[test]
fn a_self_attestation_is_of_the_credentials_algorithm() {
    let credential = Credential::new();
    let data = credential.auth_data();
    let refusal = check(&credential.attest_as(-8, &data), &unrooted(false, true)).unwrap_err();
    assert!(
        matches!(
            refusal,
            Refusal::SelfAlgorithm {
                statement: -8,
                credential: -7
            }
        ),
        "{refusal}"
    );
}
