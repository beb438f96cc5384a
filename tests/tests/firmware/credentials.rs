//! Credentials: made, found, used, listed, renamed, deleted.

use crate::desk::{
    Desk, DeskSession, Error, RP_ID, for_configuration, for_credentials, for_management, pin,
};
use crate::key::Key;
use keysteward_core::cbor::{List, Parse, Raw};
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{CredProtect, MakeCredentialInputs};
use keysteward_core::ctap2::{
    PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, get_assertion, make_credential,
};
use keysteward_core::pin_protocol::PinUvAuthToken;
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{Algorithm, PublicKey};
use keysteward_virtual_token::device::TouchPolicy;
use rand_core::OsRng;
use std::ops::ControlFlow;

const HASH: [u8; 32] = [0x5A; 32];
const PIN: &str = "1234";

stories! {
    a_credential_is_made_and_its_assertion_verifies on [opensk trussed ours]
    all_accounts_of_a_relying_party_can_be_asserted on [opensk trussed ours]
    without_pin_a_key_that_has_one_makes_no_discoverable_credential on [opensk trussed ours]
    an_unknown_algorithm_is_refused_by_name on [opensk trussed ours]
    credentials_are_counted_listed_renamed_and_deleted_with_one_token on [opensk trussed ours]
    a_key_without_credentials_lists_none on [opensk trussed ours]
    a_list_can_be_left_in_the_middle on [opensk trussed ours]
    credentials_are_found_without_a_touch on [opensk trussed ours]
    a_key_that_always_verifies_still_lets_itself_be_looked_at on [opensk trussed ours]
    an_excluded_credential_is_not_made_twice on [opensk trussed ours]
    a_credential_that_wants_verification_is_found_with_a_token_only on [opensk trussed ours]
    a_token_of_protocol_one_and_without_permissions_works on [opensk trussed ours]
}

/// The request for a discoverable credential of `user`.
pub(crate) fn request<'a>(
    rp_id: &'a str,
    user: &'a str,
    algorithms: &'a [PublicKeyCredentialParameters<'a>],
) -> make_credential::Request<'a> {
    make_credential::Request {
        client_data_hash: &HASH,
        rp: PublicKeyCredentialRpEntity {
            id: rp_id,
            name: Some("An example"),
        },
        user: PublicKeyCredentialUserEntity {
            id: user.as_bytes(),
            name: Some(user),
            display_name: Some("Display name"),
        },
        pub_key_cred_params: List::new(algorithms),
        exclude_list: None,
        extensions: None,
        options: Some(make_credential::Options {
            rk: Some(true),
            ..Default::default()
        }),
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    }
}

/// The request for an assertion by whatever credential there is.
pub(crate) fn assertion_for(rp_id: &str) -> get_assertion::Request<'_> {
    get_assertion::Request {
        rp_id,
        client_data_hash: &HASH,
        allow_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    }
}

pub(crate) fn algorithms(algorithm: Algorithm) -> [PublicKeyCredentialParameters<'static>; 1] {
    [PublicKeyCredentialParameters::new(algorithm)]
}

/// Makes a discoverable credential and gives its id.
pub(crate) fn make(session: &mut DeskSession<'_>, rp_id: &str, user: &str) -> Vec<u8> {
    let permissions = Permissions::MAKE_CREDENTIAL;
    let token = session.token(&pin(PIN), permissions, Some(rp_id));
    let es256 = algorithms(Algorithm::Es256);
    let made = session
        .make_credential(&request(rp_id, user, &es256), token.ok())
        .unwrap();
    let data = AuthenticatorData::parse(made.auth_data).unwrap();
    data.attested_credential.unwrap().credential_id.to_vec()
}

pub(crate) fn give_pin(key: &Key) {
    Desk::with(key).session(|session| session.set_pin(&pin(PIN)).unwrap());
}

fn a_credential_is_made_and_its_assertion_verifies(key: &Key) {
    give_pin(key);
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        Desk::with(key).session(|session| {
            let wanted = algorithms(algorithm);
            let token = for_credentials(session, PIN);
            let made = session
                .make_credential(&request(RP_ID, "alice", &wanted), Some(token))
                .unwrap();
            let made = made.auth_data.to_vec();
            let made = AuthenticatorData::parse(&made).unwrap();
            let crypto = RustCrypto(OsRng);
            assert_eq!(*made.rp_id_hash, crypto.sha256(&[RP_ID.as_bytes()]));
            let attested = made.attested_credential.unwrap();

            let token = for_credentials(session, PIN);
            let assertion = session
                .get_assertion(&assertion_for(RP_ID), Some(token))
                .unwrap();
            assert_eq!(assertion.credential.unwrap().id, attested.credential_id);
            assert_eq!(assertion.user.unwrap().id, b"alice");
            let signed: [&[u8]; 2] = [assertion.auth_data, &HASH];
            let verified = match attested.public_key {
                PublicKey::Es256 { x, y } => {
                    let point = PublicPoint { x: *x, y: *y };
                    crypto.es256_verify(&point, &signed, assertion.signature)
                }
                PublicKey::Ed25519 { x } => crypto.ed25519_verify(x, &signed, assertion.signature),
                other => panic!("{:?}", other.algorithm()),
            };
            assert!(verified.is_ok(), "{algorithm:?}");
        });
    }
}

fn all_accounts_of_a_relying_party_can_be_asserted(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        for user in ["alice", "bob", "carol"] {
            make(session, RP_ID, user);
        }
        let token = for_credentials(session, PIN);
        let request = assertion_for(RP_ID);
        let first = session.get_assertion(&request, Some(token)).unwrap();
        let total = first.number_of_credentials.unwrap();
        let mut users = vec![first.user.unwrap().name.unwrap().to_string()];
        for _ in 1..total {
            let next = session.next_assertion().unwrap();
            users.push(next.user.unwrap().name.unwrap().to_string());
        }
        assert_eq!(users, ["carol", "bob", "alice"], "newest first");
        assert!(session.next_assertion().is_err());
    });
}

fn without_pin_a_key_that_has_one_makes_no_discoverable_credential(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let es256 = algorithms(Algorithm::Es256);
        let refused = session.make_credential(&request(RP_ID, "alice", &es256), None);
        assert_eq!(refused.err(), Some(Error::PinRequired));
    });
}

fn an_unknown_algorithm_is_refused_by_name(key: &Key) {
    Desk::with(key).session(|session| {
        let rsa = algorithms(Algorithm::Rs256);
        let refused = session.make_credential(&request(RP_ID, "alice", &rsa), None);
        let text = refused.err().unwrap().to_string();
        assert!(text.contains("UNSUPPORTED_ALGORITHM"), "{text}");
    });
}

fn credentials_are_counted_listed_renamed_and_deleted_with_one_token(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let alice = make(session, "one.example", "alice");
        let bob = make(session, "two.example", "bob");
        let carol = make(session, "two.example", "carol");

        let token = for_management(session, PIN);
        let metadata = session.credentials_metadata(&token).unwrap();
        assert_eq!(metadata.existing, 3);
        assert!(metadata.max_remaining > 0);

        let mut listed = list(session, &token);
        listed.sort();
        let mut expected = [
            ("one.example", "alice", alice),
            ("two.example", "bob", bob.clone()),
            ("two.example", "carol", carol.clone()),
        ]
        .map(|(rp, user, id)| (rp.to_string(), user.to_string(), id));
        expected.sort();
        assert_eq!(listed, expected);

        let renamed = PublicKeyCredentialUserEntity {
            id: b"bob",
            name: Some("robert"),
            display_name: None,
        };
        session.update_user(&token, &bob, renamed).unwrap();
        session.delete_credential(&token, &carol).unwrap();
        assert_eq!(
            session.delete_credential(&token, &carol),
            Err(Error::NoCredentials)
        );
        let users: Vec<_> = list(session, &token)
            .into_iter()
            .map(|(_, user, _)| user)
            .collect();
        assert_eq!(users.len(), 2);
        assert!(users.contains(&"robert".to_string()));
    });
}

type Listed = Vec<(String, String, Vec<u8>)>;

fn list(session: &mut DeskSession<'_>, token: &PinUvAuthToken) -> Listed {
    let mut parties = Vec::new();
    session
        .relying_parties(token, &mut |party| {
            parties.push((party.rp.id.to_string(), party.rp_id_hash));
            ControlFlow::Continue(())
        })
        .unwrap();
    let mut listed = Vec::new();
    for (rp_id, hash) in parties {
        session
            .credentials(token, &hash, &mut |credential| {
                let user = credential.user.name.unwrap().to_string();
                listed.push((rp_id.clone(), user, credential.id.id.to_vec()));
                assert!(credential.public_key.is_some());
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    listed
}

fn a_key_without_credentials_lists_none(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let token = for_management(session, PIN);
        assert_eq!(list(session, &token), []);
        let unknown = session.credentials(&token, &[7; 32], &mut |_| panic!("one was listed"));
        assert_eq!(unknown, Ok(()));
        assert_eq!(session.credentials_metadata(&token).unwrap().existing, 0);
    });
}

fn a_list_can_be_left_in_the_middle(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        for rp_id in ["one.example", "two.example", "three.example"] {
            make(session, rp_id, "alice");
        }
        let token = for_management(session, PIN);
        let mut seen = 0;
        session
            .relying_parties(&token, &mut |_| {
                seen += 1;
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(seen, 1);
        assert_eq!(list(session, &token).len(), 3, "the token is still good");
    });
}

fn credentials_are_found_without_a_touch(key: &Key) {
    give_pin(key);
    let mut desk = Desk::with(key);
    let ours = desk.session(|session| make(session, RP_ID, "alice"));
    key.touches(TouchPolicy::Never);
    desk.session(|session| {
        // More than fits one request, and one that is longer than any of theirs.
        let mut ids: Vec<Vec<u8>> = (0..20_u8).map(|n| vec![n; 100]).collect();
        ids.insert(3, vec![9; 2000]);
        let look = |session: &mut DeskSession<'_>, ids: &[Vec<u8>]| {
            let ids = ids.iter().map(Vec::as_slice);
            session.find_credential(RP_ID, ids, None).unwrap()
        };
        assert_eq!(look(session, &ids), None);
        assert_eq!(look(session, &[]), None);
        ids.push(ours.clone());
        assert_eq!(look(session, &ids), Some(21));
        ids.swap(0, 21);
        assert_eq!(look(session, &ids), Some(0));
        let elsewhere = [ours.as_slice()].into_iter();
        let other = session.find_credential("other.example", elsewhere, None);
        assert_eq!(other, Ok(None), "of another relying party");
    });
}

fn a_key_that_always_verifies_still_lets_itself_be_looked_at(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let ours = make(session, RP_ID, "alice");
        let token = for_configuration(session, PIN);
        session.set_always_uv(true, Some(&token)).unwrap();
        let ids = [ours.as_slice()].into_iter();
        assert_eq!(session.find_credential(RP_ID, ids, None), Ok(Some(0)));
    });
}

fn an_excluded_credential_is_not_made_twice(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let es256 = algorithms(Algorithm::Es256);
        let ours = make(session, RP_ID, "alice");
        let strangers: Vec<Vec<u8>> = (0..12_u8).map(|n| vec![n; 64]).collect();
        for count in [0, 1, 12] {
            let mut ids: Vec<_> = strangers.iter().take(count).collect();
            ids.push(&ours);
            let list: Vec<_> = ids
                .iter()
                .map(|id| PublicKeyCredentialDescriptor::new(id))
                .collect();
            let excluding = make_credential::Request {
                exclude_list: Some(List::new(&list)),
                ..request(RP_ID, "bob", &es256)
            };
            let token = for_credentials(session, PIN);
            let refused = session.make_credential(&excluding, Some(token));
            assert_eq!(
                refused.err(),
                Some(Error::CredentialExcluded),
                "among {count} others"
            );
        }
        let list: Vec<_> = strangers
            .iter()
            .map(|id| PublicKeyCredentialDescriptor::new(id))
            .collect();
        let excluding = make_credential::Request {
            exclude_list: Some(List::new(&list)),
            ..request(RP_ID, "bob", &es256)
        };
        let token = for_credentials(session, PIN);
        session.make_credential(&excluding, Some(token)).unwrap();
    });
}

fn a_credential_that_wants_verification_is_found_with_a_token_only(key: &Key) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let es256 = algorithms(Algorithm::Es256);
        let mut room = [0; 64];
        let inputs = MakeCredentialInputs {
            cred_protect: Some(CredProtect::UserVerificationRequired),
            ..Default::default()
        };
        let extensions = Raw::encode_in(&inputs, &mut room).unwrap();
        let protected = make_credential::Request {
            extensions: Some(extensions),
            ..request(RP_ID, "alice", &es256)
        };
        let token = for_credentials(session, PIN);
        let made = session.make_credential(&protected, Some(token)).unwrap();
        let data = AuthenticatorData::parse(made.auth_data).unwrap();
        let id = data.attested_credential.unwrap().credential_id.to_vec();

        let ids = || [id.as_slice()].into_iter();
        assert_eq!(session.find_credential(RP_ID, ids(), None), Ok(None));
        let token = for_credentials(session, PIN);
        let found = session.find_credential(RP_ID, ids(), Some(&token));
        assert_eq!(found, Ok(Some(0)));

        // A token for making alone cannot look; the look is then anyone's.
        let making = session.token(&pin(PIN), Permissions::MAKE_CREDENTIAL, Some(RP_ID));
        let found = session.find_credential(RP_ID, ids(), making.ok().as_ref());
        assert_eq!(found, Ok(None));
    });
}

fn a_token_of_protocol_one_and_without_permissions_works(key: &Key) {
    use keysteward_core::ctap2::client_pin::{Request, Response, Subcommand};
    use keysteward_core::ctap2::{self, Command};
    use keysteward_core::pin_protocol::PinProtocol;
    use keysteward_core::webauthn::cose::KeyAgreementKey;

    give_pin(key);
    let mut desk = Desk::with(key);
    let mut crypto = RustCrypto(OsRng);
    let mut room = [0; 512];
    let mut ask = |request: Request<'_>| {
        let request = Request {
            pin_uv_auth_protocol: Some(PinProtocol::One.id()),
            ..request
        };
        let request = ctap2::request(Command::ClientPin, Some(&request), &mut room).unwrap();
        let response = desk.raw(request);
        assert_eq!(response[0], 0);
        response[1..].to_vec()
    };
    let theirs = ask(Request::new(Subcommand::KeyAgreement));
    let theirs = Response::parse(&theirs).unwrap().key_agreement.unwrap();
    let theirs = PublicPoint {
        x: *theirs.x,
        y: *theirs.y,
    };
    let (ours, secret) = PinProtocol::One
        .encapsulate(&mut crypto, &theirs)
        .ok()
        .unwrap();
    let hash = pin(PIN).hash(&mut crypto);
    let hash = secret.encrypt(&mut crypto, &hash.0).unwrap();
    let response = ask(Request {
        key_agreement: Some(KeyAgreementKey {
            x: &ours.x,
            y: &ours.y,
        }),
        pin_hash_enc: Some(&hash),
        ..Request::new(Subcommand::PinToken)
    });
    let encrypted = Response::parse(&response).unwrap().pin_uv_auth_token;
    let token = PinUvAuthToken::decrypt(&mut crypto, &secret, encrypted.unwrap()).ok();

    desk.session(|session| {
        let es256 = algorithms(Algorithm::Es256);
        session
            .make_credential(&request(RP_ID, "alice", &es256), token)
            .unwrap();
    });
}
