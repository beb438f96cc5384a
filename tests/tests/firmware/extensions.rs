//! Extensions: secrets, blobs, and what a key lacks.

use crate::credentials::{algorithms, assertion_for, give_pin, request};
use crate::desk::{Desk, DeskSession, Error, RP_ID, for_credentials};
use crate::key::Key;
use keysteward_core::cbor::List;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{GetAssertionInputs, MakeCredentialInputs};
use keysteward_core::ctap2::{LargeBlobKey, PublicKeyCredentialDescriptor, get_assertion};
use keysteward_core::session::{Extension, Feature, HmacSecrets, LargeBlob, Salts};
use keysteward_core::webauthn::cose::Algorithm;

const PIN: &str = "1234";
const SALTS: Salts<'_> = Salts {
    first: &[1; 32],
    second: Some(&[2; 32]),
};

stories! {
    secrets_are_derived_from_salts_and_depend_on_verification on [opensk trussed ours]
    every_account_of_one_request_derives_its_own_secrets on [opensk trussed ours]
    secrets_are_derived_while_the_credential_is_made on [ours]
    a_small_blob_is_stored_with_the_credential on [opensk]
    large_blobs_are_kept_for_each_credential on [opensk trussed]
    without_a_pin_anybody_may_write_large_blobs on [opensk trussed ours]
    what_a_key_lacks_is_refused_before_a_credential_is_made on [opensk]
}

fn pair(secrets: Option<HmacSecrets>) -> ([u8; 32], [u8; 32]) {
    let secrets = secrets.unwrap();
    (secrets.first.0, secrets.second.unwrap().0)
}

/// Makes a discoverable credential with these extensions; gives its
/// largeBlobKey, and the secrets of `salts`.
fn make(
    session: &mut DeskSession<'_>,
    user: &str,
    inputs: &MakeCredentialInputs<'_>,
    salts: Option<Salts<'_>>,
) -> (Option<[u8; 32]>, Option<HmacSecrets>) {
    let es256 = algorithms(Algorithm::Es256);
    let token = for_credentials(session, PIN);
    let made = session
        .make_credential_with(&request(RP_ID, user, &es256), inputs, salts, Some(token))
        .unwrap_or_else(|error| panic!("{error}"));
    (made.response.large_blob_key.map(|key| *key.0), made.secrets)
}

fn derive(session: &mut DeskSession<'_>, verified: bool) -> ([u8; 32], [u8; 32]) {
    let token = verified.then(|| for_credentials(session, PIN));
    let inputs = GetAssertionInputs::default();
    let assertion = session
        .get_assertion_with(&assertion_for(RP_ID), &inputs, Some(SALTS), token)
        .unwrap_or_else(|error| panic!("{error}"));
    pair(assertion.secrets)
}

fn secrets_are_derived_from_salts_and_depend_on_verification(key: &Key) {
    give_pin(key);
    let inputs = MakeCredentialInputs {
        hmac_secret: Some(true),
        ..MakeCredentialInputs::default()
    };
    let verified = Desk::with(key).session(|session| {
        make(session, "alice", &inputs, None);
        derive(session, true)
    });
    assert_ne!(verified.0, verified.1);
    Desk::with(key).session(|session| {
        assert_eq!(derive(session, true), verified);
        let unverified = derive(session, false);
        assert_ne!(unverified.0, verified.0);
        assert_ne!(unverified.1, verified.1);
        assert_eq!(derive(session, false), unverified);
    });
}

fn every_account_of_one_request_derives_its_own_secrets(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let inputs = MakeCredentialInputs {
            hmac_secret: Some(true),
            ..MakeCredentialInputs::default()
        };
        make(session, "alice", &inputs, None);
        make(session, "bob", &inputs, None);
        let inputs = GetAssertionInputs::default();
        let token = for_credentials(session, PIN);
        let first = session
            .get_assertion_with(&assertion_for(RP_ID), &inputs, Some(SALTS), Some(token))
            .unwrap_or_else(|error| panic!("{error}"));
        let name =
            |credential: Option<PublicKeyCredentialDescriptor<'_>>| credential.unwrap().id.to_vec();
        let bob = (name(first.response.credential), pair(first.secrets));
        let next = session
            .next_assertion_with()
            .unwrap_or_else(|error| panic!("{error}"));
        let alice = (name(next.response.credential), pair(next.secrets));
        assert_ne!(alice.1, bob.1);
        // The same as when each is asked for by name.
        for (id, secrets) in [alice, bob] {
            let named = [PublicKeyCredentialDescriptor::new(&id)];
            let request = get_assertion::Request {
                allow_list: Some(List::new(&named)),
                ..assertion_for(RP_ID)
            };
            let token = for_credentials(session, PIN);
            let assertion = session
                .get_assertion_with(&request, &inputs, Some(SALTS), Some(token))
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(pair(assertion.secrets), secrets);
        }
    });
}

fn secrets_are_derived_while_the_credential_is_made(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let inputs = MakeCredentialInputs::default();
        let (_, made) = make(session, "alice", &inputs, Some(SALTS));
        assert_eq!(pair(made), derive(session, true));
    });
}

fn a_small_blob_is_stored_with_the_credential(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let inputs = MakeCredentialInputs {
            cred_blob: Some(b"a few bytes"),
            ..MakeCredentialInputs::default()
        };
        make(session, "alice", &inputs, None);
        let inputs = GetAssertionInputs {
            cred_blob: Some(true),
            ..GetAssertionInputs::default()
        };
        let token = for_credentials(session, PIN);
        let assertion = session
            .get_assertion_with(&assertion_for(RP_ID), &inputs, None, Some(token))
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(assertion.outputs.cred_blob, Some(&b"a few bytes"[..]));
    });
}

/// Stores `blob`, or removes what is stored.
fn store(session: &mut DeskSession<'_>, key: [u8; 32], blob: Option<&[u8]>) {
    let permissions = Permissions::LARGE_BLOB_WRITE;
    let token = session.token(&crate::desk::pin(PIN), permissions, None);
    let token = token.unwrap_or_else(|error| panic!("{error}"));
    let key = LargeBlobKey(&key);
    let mut room = [0; 6_144];
    match blob {
        Some(deflated) => session
            .store_large_blob(
                Some(&token),
                key,
                LargeBlob {
                    deflated,
                    orig_size: 7,
                },
                &mut room,
            )
            .unwrap(),
        None => assert_eq!(
            session.remove_large_blob(Some(&token), key, &mut room),
            Ok(true)
        ),
    }
}

fn stored(session: &mut DeskSession<'_>, key: [u8; 32]) -> Option<Vec<u8>> {
    let mut room = [0; 6_144];
    let blob = session.large_blob(LargeBlobKey(&key), &mut room).unwrap();
    blob.map(|blob| blob.deflated.to_vec())
}

fn large_blobs_are_kept_for_each_credential(key: &Key) {
    give_pin(key);
    let inputs = MakeCredentialInputs {
        large_blob_key: Some(true),
        ..MakeCredentialInputs::default()
    };
    let (alice, bob) = Desk::with(key).session(|session| {
        let (alice, _) = make(session, "alice", &inputs, None);
        let (bob, _) = make(session, "bob", &inputs, None);
        let (alice, bob) = (alice.unwrap(), bob.unwrap());
        assert_eq!(stored(session, alice), None);
        store(session, alice, Some(&[0xA1; 700]));
        store(session, bob, Some(&[0xB0; 300]));
        store(session, alice, Some(&[0xA2; 900]));
        (alice, bob)
    });
    Desk::with(key).session(|session| {
        assert_eq!(stored(session, alice), Some(vec![0xA2; 900]));
        assert_eq!(stored(session, bob), Some(vec![0xB0; 300]));
        store(session, alice, None);
        assert_eq!(stored(session, alice), None);
        assert_eq!(stored(session, bob), Some(vec![0xB0; 300]));
        let permissions = Permissions::LARGE_BLOB_WRITE;
        let token = session.token(&crate::desk::pin(PIN), permissions, None);
        let big = LargeBlob {
            deflated: &[0; 2_000],
            orig_size: 1,
        };
        let mut room = [0; 6_144];
        let key = LargeBlobKey(&alice);
        let refused = session.store_large_blob(token.ok().as_ref(), key, big, &mut room);
        assert!(
            matches!(
                refused,
                Err(Error::LargeBlobsFull {
                    capacity: Some(2048),
                    ..
                })
            ),
            "{refused:?}"
        );
        assert_eq!(stored(session, bob), Some(vec![0xB0; 300]));
    });
}

fn without_a_pin_anybody_may_write_large_blobs(key: &Key) {
    Desk::with(key).session(|session| {
        session.erase_large_blobs(None).unwrap();
        session.set_pin(&crate::desk::pin(PIN)).unwrap();
        let refused = session.erase_large_blobs(None);
        assert_eq!(refused, Err(Error::PinRequired));
    });
}

fn what_a_key_lacks_is_refused_before_a_credential_is_made(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let es256 = algorithms(Algorithm::Es256);
        let inputs = MakeCredentialInputs {
            third_party_payment: Some(true),
            ..MakeCredentialInputs::default()
        };
        let refused = session
            .make_credential_with(&request(RP_ID, "alice", &es256), &inputs, None, None)
            .err();
        let feature = Feature::Extension(Extension::ThirdPartyPayment);
        assert_eq!(refused, Some(Error::Unsupported(feature)));
    });
}
