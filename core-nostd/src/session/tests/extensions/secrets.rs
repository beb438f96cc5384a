//! hmac-secret, hmac-secret-mc, and the salts of browsers.

use super::*;

const OTHER_SALT: [u8; 32] = [2; 32];

const BOTH: Salts<'_> = Salts {
    first: &SALT,
    second: Some(&OTHER_SALT),
};
/// Of the second credential, where there are two.
const OTHER_RANDOM: [u8; 32] = [0xCF; 32];

fn derived(salt: &[u8; 32]) -> [u8; 32] {
    derived_of(&RANDOM, salt)
}

fn derived_of(random: &[u8; 32], salt: &[u8; 32]) -> [u8; 32] {
    RustCrypto(rand_core::OsRng).hmac_sha256(random, &[salt]).0
}

/// A token with two credentials, which derives secrets from the salts of the first request.
fn asserting_twice() -> Fake {
    let salts = std::rc::Rc::new(core::cell::RefCell::new(None));
    let noted = std::rc::Rc::clone(&salts);
    asserting(CTAP_2_3, GetAssertionOutputs::default())
        .on(Command::GetAssertion, move |parameters| {
            let request = get_assertion::Request::parse(parameters).unwrap();
            let inputs = request.extensions.map(|raw| raw.bytes().to_vec());
            *noted.borrow_mut() = inputs;
            None
        })
        .on(Command::GetNextAssertion, move |_| {
            let salts = salts.borrow();
            let inputs = GetAssertionInputs::parse(salts.as_ref().unwrap()).unwrap();
            let secrets = derive_of(&OTHER_RANDOM, &inputs.hmac_secret.unwrap());
            let outputs = GetAssertionOutputs {
                cred_blob: Some(b"the other's"),
                hmac_secret: Some(&secrets),
                third_party_payment: None,
            };
            let mut room = [0; 300];
            let outputs = Raw::encode_in(&outputs, &mut room).unwrap();
            Some(ok(&get_assertion::Response {
                credential: Some(PublicKeyCredentialDescriptor::new(b"the other")),
                auth_data: &auth_data(Some(outputs)),
                signature: b"signature",
                user: None,
                number_of_credentials: None,
                user_selected: None,
                large_blob_key: None,
                unsigned_extension_outputs: None,
            }))
        })
}

#[test]
fn every_credential_of_one_request_derives_its_own_secrets() {
    asserting_twice().session(|session| {
        let inputs = GetAssertionInputs::default();
        let first = session
            .get_assertion_with(&to_assert(), &inputs, Some(BOTH), None)
            .unwrap();
        assert_eq!(first.secrets.unwrap().first.0, derived(&SALT));
        for _ in 0..2 {
            let next = session.next_assertion_with().unwrap();
            assert_eq!(next.outputs.cred_blob, Some(&b"the other's"[..]));
            assert_eq!(next.response.credential.unwrap().id, b"the other");
            let secrets = next.secrets.unwrap();
            assert_eq!(secrets.first.0, derived_of(&OTHER_RANDOM, &SALT));
            let second = secrets.second.unwrap().0;
            assert_eq!(second, derived_of(&OTHER_RANDOM, &OTHER_SALT));
        }
    });
}

#[test]
fn salts_are_forgotten_with_the_request_that_they_were_of() {
    asserting_twice().session(|session| {
        let inputs = GetAssertionInputs::default();
        let first = session.get_assertion_with(&to_assert(), &inputs, Some(ONE), None);
        assert!(first.unwrap().secrets.is_some());
        // A token forgets the rest of the list, too.
        session.select().unwrap();
        assert!(session.next_assertion_with().unwrap().secrets.is_none());
    });
}

#[test]
fn secrets_are_derived_under_both_protocols_from_one_salt_and_from_two() {
    for protocol in [1, 2] {
        let protocols: &'static [u8] = if protocol == 1 { &[1] } else { &[2] };
        let info = Info {
            pin_protocols: Some(protocols),
            ..CTAP_2_3
        };
        for salts in [ONE, BOTH] {
            let second = salts.second.map(derived);
            let mut fake = asserting(info.clone(), GetAssertionOutputs::default());
            fake.session(|session| {
                let inputs = GetAssertionInputs::default();
                let assertion = session
                    .get_assertion_with(&to_assert(), &inputs, Some(salts), None)
                    .unwrap();
                let secrets = assertion.secrets.unwrap();
                assert_eq!(secrets.first.0, derived(&SALT));
                assert_eq!(secrets.second.map(|secret| secret.0), second);
            });
            let mut fake = making(info.clone(), MakeCredentialOutputs::default());
            fake.session(|session| {
                let inputs = MakeCredentialInputs::default();
                let made = session
                    .make_credential_with(&to_make(), &inputs, Some(salts), None)
                    .unwrap();
                let secrets = made.secrets.unwrap();
                assert_eq!(secrets.first.0, derived(&SALT));
                assert_eq!(secrets.second.map(|secret| secret.0), second);
            });
        }
    }
}

#[test]
fn what_does_not_answer_the_salts_is_no_secret() {
    for output in [&[][..], &[7; 16], &[7; 32], &[7; 47], &[7; 64], &[7; 96]] {
        let mut fake = asserting(
            CTAP_2_3,
            GetAssertionOutputs {
                hmac_secret: Some(output),
                ..Default::default()
            },
        );
        fake.session(|session| {
            let inputs = GetAssertionInputs::default();
            let assertion = session
                .get_assertion_with(&to_assert(), &inputs, Some(BOTH), None)
                .unwrap();
            assert!(assertion.secrets.is_none(), "{} bytes", output.len());
        });
    }
    // One secret for two salts, and two for one.
    for (salts, len) in [(BOTH, 48), (ONE, 80)] {
        let output: &'static [u8] = if len == 48 { &[7; 48] } else { &[7; 80] };
        let mut fake = asserting(
            CTAP_2_3,
            GetAssertionOutputs {
                hmac_secret: Some(output),
                ..Default::default()
            },
        );
        fake.session(|session| {
            let inputs = GetAssertionInputs::default();
            let assertion = session
                .get_assertion_with(&to_assert(), &inputs, Some(salts), None)
                .unwrap();
            assert!(assertion.secrets.is_none(), "{len} bytes");
        });
    }
}

#[test]
fn a_browsers_salts_are_those_of_the_standard() {
    let crypto = RustCrypto(rand_core::OsRng);
    // WebAuthn Level 3 §16.17.1.1.
    for (last, salt) in [
        (
            2,
            "527413ebb48293772df30f031c5ac4650c7de14bf9498671ae163447b6a772b3",
        ),
        (
            3,
            "d68ac03329a10ee5e0ec834492bb9a96a0e547baf563bf78ccbe8789b22e776b",
        ),
    ] {
        let input = [b"WebAuthn PRF test vectors", &[last][..]].concat();
        assert_eq!(hex::encode(prf_salt(&crypto, &input)), salt);
    }
}

#[test]
fn keys_are_agreed_anew_for_every_exchange_of_salts() {
    let seen = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let notes = std::rc::Rc::clone(&seen);
    let fake = asserting(CTAP_2_3, GetAssertionOutputs::default());
    let mut fake = fake.on(Command::GetAssertion, move |parameters| {
        let request = get_assertion::Request::parse(parameters).unwrap();
        let inputs = GetAssertionInputs::parse(request.extensions.unwrap().bytes());
        let platform = inputs.unwrap().hmac_secret.unwrap().key_agreement;
        notes.borrow_mut().push(*platform.x);
        None
    });
    fake.session(|session| {
        for _ in 0..2 {
            let inputs = GetAssertionInputs::default();
            session
                .get_assertion_with(&to_assert(), &inputs, Some(ONE), None)
                .map(drop)?;
        }
        Outcome::Ok(())
    })
    .unwrap();
    let seen = seen.borrow();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0], seen[1]);
}
