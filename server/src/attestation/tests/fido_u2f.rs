//! Format `fido-u2f`.

use super::*;

#[test]
fn a_u2f_statement_is_proven_to_its_root() {
    let maker = Maker::u2f();
    let credential = Credential::u2f();
    let verified = check(
        &u2f(&maker, &credential, &credential.auth_data()),
        &rooted(&maker),
    )
    .unwrap();
    assert_eq!(verified.to_string(), "fido-u2f, proven to CN=Example Root");
}

#[test]
fn u2f_has_one_certificate_no_model_and_an_es256_key() {
    let maker = Maker::u2f();
    let credential = Credential::u2f();
    let two = Maker {
        chain: [maker.chain.clone(), maker.chain.clone()].concat(),
        ..Maker::u2f()
    };
    let refusal = check(
        &u2f(&two, &credential, &credential.auth_data()),
        &rooted(&maker),
    )
    .unwrap_err();
    assert_eq!(refusal, Refusal::NotOneCertificate { found: 2 });

    let modelled = Credential::new();
    let refusal = check(
        &u2f(&maker, &modelled, &modelled.auth_data()),
        &rooted(&maker),
    )
    .unwrap_err();
    assert_eq!(
        refusal,
        Refusal::AaguidNotZero {
            aaguid: uuid::Uuid::from_bytes(AAGUID)
        }
    );
}
