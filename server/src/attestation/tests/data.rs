//! Authenticator data: for whom, by whom, of what.

use super::*;

#[test]
fn bytes_that_are_no_attestation_object_are_refused() {
    let whole = packed(&Maker::new(), &Credential::new().auth_data());
    let longer = [whole.as_slice(), &[0]].concat();
    for bytes in [&[][..], &[0xFF], &whole[..whole.len() - 1], &longer] {
        let refusal = check(bytes, &unrooted(true, true)).unwrap_err();
        assert!(matches!(refusal, Refusal::Object(_)), "{refusal}");
    }
}

#[test]
fn authenticator_data_are_for_the_relying_party_and_of_a_user() {
    let refusal = with_data(|data| data[0] ^= 1);
    assert!(
        matches!(refusal, Refusal::OtherRelyingParty { .. }),
        "{refusal}"
    );
    assert_eq!(with_data(|data| data[32] &= !0x01), Refusal::UserNotPresent);
    assert_eq!(
        with_data(|data| data[32] &= !0x04),
        Refusal::UserNotVerified
    );
    let refusal = with_data(|data| data[32] = 0x55);
    assert!(
        matches!(refusal, Refusal::AuthenticatorData(_)),
        "BS without BE: {refusal}"
    );
    let refusal = with_data(|data| {
        data[32] &= !0x40;
        data.truncate(37);
    });
    assert_eq!(refusal, Refusal::NoCredential);
}

#[test]
fn user_verification_is_not_demanded_where_it_was_not_asked_for() {
    let credential = Credential::new();
    let mut data = credential.auth_data();
    data[32] &= !0x04;
    let expected = Expected {
        user_verified: false,
        ..EXPECTED
    };
    let trust = unrooted(false, true);
    verify(
        &credential.attest(&data),
        &CLIENT_DATA_HASH,
        &expected,
        &trust,
        now(),
    )
    .unwrap();
}

#[test]
fn a_credential_id_has_1_to_1023_bytes() {
    for (length, fits) in [(0, false), (1, true), (1023, true), (1024, false)] {
        let credential = Credential {
            id: vec![7; length],
            ..Credential::new()
        };
        let object = credential.attest(&credential.auth_data());
        assert_eq!(
            check(&object, &unrooted(false, true)).is_ok(),
            fits,
            "{length} bytes"
        );
    }
}

#[test]
fn the_algorithm_is_one_of_those_asked_for() {
    let credential = Credential::new();
    let object = credential.attest(&credential.auth_data());
    let expected = Expected {
        algorithms: &[-8, -257],
        ..EXPECTED
    };
    let refusal = verify(
        &object,
        &CLIENT_DATA_HASH,
        &expected,
        &unrooted(false, true),
        now(),
    );
    let asked = vec![-8, -257];
    assert_eq!(
        refusal,
        Err(Refusal::AlgorithmNotAsked { found: -7, asked })
    );
}

#[test]
fn the_public_key_lies_on_its_curve_and_has_its_members() {
    let maker = Maker::new();
    let mut off_curve = Credential::new();
    off_curve.y[31] ^= 1;
    let object = packed(&maker, &off_curve.auth_data());
    let refused = Err(Refusal::UnusablePublicKey { algorithm: -7 });
    assert_eq!(check(&object, &rooted(&maker)), refused);

    let mut data = Credential::new().auth_data();
    let key = data.len() - 77;
    data.truncate(key);
    // {1: 2, 3: -7}: no curve, no point.
    data.extend([0xA2, 0x01, 0x02, 0x03, 0x26]);
    assert_eq!(check(&packed(&maker, &data), &rooted(&maker)), refused);
}

#[test]
fn the_model_is_one_that_the_token_type_names() {
    let credential = Credential::new();
    let object = credential.attest(&credential.auth_data());
    let trust = unrooted(false, true);
    for (aaguids, allowed) in [
        (vec![AAGUID], true),
        (vec![[1; 16], AAGUID], true),
        (vec![[1; 16]], false),
    ] {
        let expected = Expected {
            aaguids: &aaguids,
            ..EXPECTED
        };
        let verified = verify(&object, &CLIENT_DATA_HASH, &expected, &trust, now());
        assert_eq!(verified.is_ok(), allowed, "{verified:?}");
        if let Err(refusal) = verified {
            assert!(matches!(refusal, Refusal::OtherModel { .. }), "{refusal}");
        }
    }
}

#[test]
fn the_model_is_one_that_the_template_allows_and_does_not_block() {
    let credential = Credential::new();
    let object = credential.attest(&credential.auth_data());
    let told = |allowed: &[[u8; 16]], blocked: &[[u8; 16]]| {
        let expected = Expected {
            aaguids: &[AAGUID],
            template_aaguids: allowed,
            blocked_aaguids: blocked,
            ..EXPECTED
        };
        let trust = unrooted(false, true);
        verify(&object, &CLIENT_DATA_HASH, &expected, &trust, now())
    };
    told(&[], &[]).unwrap();
    told(&[AAGUID, [1; 16]], &[[2; 16]]).unwrap();
    assert!(matches!(
        told(&[[1; 16]], &[]),
        Err(Refusal::OtherModel { .. })
    ));
    assert!(matches!(
        told(&[AAGUID], &[AAGUID]),
        Err(Refusal::BlockedModel { .. })
    ));
}
