//! Lists that are longer than the token takes.

use super::*;
use crate::cbor::List;
use crate::ctap2::{PublicKeyCredentialParameters, get_assertion, make_credential};
use crate::webauthn::cose::Algorithm;
use core::cell::RefCell;
use std::rc::Rc;

const TWO_AT_ONCE: Info = Info {
    max_credential_count_in_list: Some(2),
    max_credential_id_length: Some(8),
    ..CTAP_2_1
};

/// A token that holds one credential; notes the allow lists that it is sent,
/// and whether a touch was asked for.
type Notes = Rc<RefCell<Vec<(Vec<Vec<u8>>, bool)>>>;

fn holding(info: Info, held: &'static [u8]) -> (Fake, Notes) {
    answering(info, held, Some(held))
}

/// The same, which says that it took `told`.
fn answering(info: Info, held: &'static [u8], told: Option<&'static [u8]>) -> (Fake, Notes) {
    let noted = Notes::default();
    let notes = Rc::clone(&noted);
    let count = info.max_credential_count_in_list.unwrap_or(1) as usize;
    let fake = Fake::new(info).on(Command::GetAssertion, move |parameters| {
        let request = get_assertion::Request::parse(parameters).unwrap();
        let list = request.allow_list.unwrap_or_default();
        let ids: Vec<_> = list.iter().map(|one| one.id.to_vec()).collect();
        assert!(ids.len() <= count && ids.iter().all(|id| id.len() <= 8));
        let touch = request.options.and_then(|options| options.up) != Some(false);
        notes.borrow_mut().push((ids.clone(), touch));
        Some(match ids.iter().any(|id| id == held) {
            true => ok(&get_assertion::Response {
                credential: told.map(PublicKeyCredentialDescriptor::new),
                auth_data: &[0; 37],
                signature: b"signature",
                user: None,
                number_of_credentials: None,
                user_selected: None,
                large_blob_key: None,
                unsigned_extension_outputs: None,
            }),
            false => answer(Status::NoCredentials),
        })
    });
    (fake, noted)
}

fn descriptors<'a>(ids: &[&'a [u8]]) -> Vec<PublicKeyCredentialDescriptor<'a>> {
    let ids = ids.iter().copied();
    ids.map(PublicKeyCredentialDescriptor::new).collect()
}

fn assert_with(fake: &mut Fake, ids: &[&[u8]]) -> Outcome<Vec<u8>> {
    let list = descriptors(ids);
    fake.session(|session| {
        let request = get_assertion::Request {
            rp_id: "login.example",
            client_data_hash: &[5; 32],
            allow_list: Some(List::new(&list)),
            extensions: None,
            options: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        };
        let response = session.get_assertion(&request, None)?;
        let taken = response.credential.map(|one| one.id.to_vec());
        Ok(taken.unwrap_or_default())
    })
}

fn ids(ids: &[&[u8]]) -> Vec<Vec<u8>> {
    ids.iter().map(|id| id.to_vec()).collect()
}

#[test]
fn a_list_that_fits_is_sent_as_it_is() {
    let (mut fake, noted) = holding(TWO_AT_ONCE, b"b");
    assert_eq!(assert_with(&mut fake, &[b"a", b"b"]), Ok(b"b".to_vec()));
    assert_eq!(*noted.borrow(), [(ids(&[b"a", b"b"]), true)]);
}

#[test]
fn a_longer_allow_list_is_looked_through_without_a_touch() {
    let (mut fake, noted) = holding(TWO_AT_ONCE, b"d");
    let list: [&[u8]; 5] = [b"a", b"b", b"c", b"d", b"e"];
    assert_eq!(assert_with(&mut fake, &list), Ok(b"d".to_vec()));
    assert_eq!(
        *noted.borrow(),
        [
            (ids(&[b"a", b"b"]), false),
            (ids(&[b"c", b"d"]), false),
            (ids(&[b"d"]), true),
        ]
    );
}

#[test]
fn an_id_that_the_token_cannot_have_made_is_not_sent() {
    let (mut fake, noted) = holding(TWO_AT_ONCE, b"b");
    let list: [&[u8]; 2] = [b"nine byte", b"b"];
    assert_eq!(assert_with(&mut fake, &list), Ok(b"b".to_vec()));
    let asked = [(ids(&[b"b"]), false), (ids(&[b"b"]), true)];
    assert_eq!(*noted.borrow(), asked);
}

#[test]
fn an_allow_list_of_which_nothing_is_held_asks_for_no_touch() {
    let (mut fake, noted) = holding(TWO_AT_ONCE, b"z");
    let list: [&[u8]; 3] = [b"a", b"b", b"c"];
    assert_eq!(assert_with(&mut fake, &list), Err(Error::NoCredentials));
    assert!(noted.borrow().iter().all(|(_, touch)| !touch));
}

#[test]
fn an_empty_allow_list_counts_as_none() {
    let (mut fake, noted) = holding(TWO_AT_ONCE, b"z");
    assert_eq!(assert_with(&mut fake, &[]), Err(Error::NoCredentials));
    assert_eq!(*noted.borrow(), [(Vec::new(), true)]);
}

#[test]
fn an_assertion_of_a_credential_that_was_not_asked_for_is_not_believed() {
    for list in [&[&b"a"[..], b"b"][..], &[b"a", b"b", b"c"]] {
        let (mut fake, _) = answering(TWO_AT_ONCE, b"b", Some(b"other"));
        assert_eq!(assert_with(&mut fake, list), Err(Error::OtherCredential));
    }
    let (mut fake, _) = answering(TWO_AT_ONCE, b"", Some(b"other"));
    let unasked = fake
        .session(|session| session.find_credential("login.example", [&b""[..]].into_iter(), None));
    assert_eq!(unasked, Err(Error::OtherCredential));
}

#[test]
fn only_a_list_of_one_needs_no_name_in_the_answer() {
    let look = |ids: &[&'static [u8]]| {
        let (mut fake, _) = answering(TWO_AT_ONCE, b"b", None);
        fake.session(|session| session.find_credential("login.example", ids.iter().copied(), None))
    };
    assert_eq!(look(&[b"b"]), Ok(Some(0)));
    assert_eq!(look(&[b"c", b"d", b"b"]), Ok(Some(2)));
    let unnamed = Error::missing(Command::GetAssertion, "credential (0x01)");
    assert_eq!(look(&[b"a", b"b"]), Err(unnamed));
}

#[test]
fn a_credential_is_not_made_where_the_look_for_excluded_ones_was_answered_with_another() {
    let (fake, _) = answering(TWO_AT_ONCE, b"c", Some(b"other"));
    let list: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];
    assert_eq!(exclude(fake, &list), (Err(Error::OtherCredential), None));
}

/// The exclude list that the token is sent in the end.
fn excluded(held: &'static [u8], list: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let (fake, _) = holding(TWO_AT_ONCE, held);
    let (outcome, sent) = exclude(fake, list);
    assert_eq!(outcome, Err(Error::CredentialExcluded));
    sent
}

/// How it ends, and the exclude list that the token is sent.
fn exclude(fake: Fake, list: &[&[u8]]) -> (Outcome<()>, Option<Vec<Vec<u8>>>) {
    let sent = Rc::new(RefCell::new(None));
    let notes = Rc::clone(&sent);
    let mut fake = fake.on(Command::MakeCredential, move |parameters| {
        let request = make_credential::Request::parse(parameters).unwrap();
        *notes.borrow_mut() = request
            .exclude_list
            .map(|list| list.iter().map(|one| one.id.to_vec()).collect());
        Some(answer(Status::CredentialExcluded))
    });
    let list = descriptors(list);
    let es256 = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
    let outcome = fake.session(|session| {
        let request = make_credential::Request {
            client_data_hash: &[5; 32],
            rp: PublicKeyCredentialRpEntity {
                id: "login.example",
                name: None,
            },
            user: PublicKeyCredentialUserEntity {
                id: b"id",
                name: None,
                display_name: None,
            },
            pub_key_cred_params: List::new(&es256),
            exclude_list: Some(List::new(&list)),
            extensions: None,
            options: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
            enterprise_attestation: None,
            attestation_formats_preference: None,
        };
        session.make_credential(&request, None).map(drop)
    });
    (outcome, sent.take())
}

#[test]
fn of_a_long_exclude_list_the_one_that_is_held_is_sent() {
    let long: [&[u8]; 4] = [b"a", b"b", b"c", b"d"];
    assert_eq!(excluded(b"c", &long), Some(ids(&[b"c"])));
    assert_eq!(excluded(b"z", &long), None);
    assert_eq!(excluded(b"z", &[b"a", b"b"]), Some(ids(&[b"a", b"b"])));
    assert_eq!(excluded(b"z", &[]), None);
}

#[test]
fn a_token_that_does_not_say_how_much_it_takes_is_sent_one_at_a_time() {
    let silent = Info {
        max_credential_count_in_list: None,
        max_credential_id_length: None,
        ..CTAP_2_1
    };
    let (mut fake, noted) = holding(silent, b"c");
    let list: [&[u8]; 3] = [b"a", b"b", b"c"];
    let found =
        fake.session(|session| session.find_credential("login.example", list.into_iter(), None));
    assert_eq!(found, Ok(Some(2)));
    assert_eq!(noted.borrow().len(), 3);
}

#[test]
fn a_token_whose_longest_id_has_no_bytes_is_asked_all_the_same() {
    let zero = Info {
        max_credential_id_length: Some(0),
        ..TWO_AT_ONCE
    };
    let (mut fake, _) = holding(zero, b"b");
    let ids: [&[u8]; 2] = [b"a", b"b"];
    let found =
        fake.session(|session| session.find_credential("login.example", ids.into_iter(), None));
    assert_eq!(found, Ok(Some(1)));
}

#[test]
fn a_long_id_goes_alone() {
    let long: &'static [u8] = &[7; 700];
    let roomy = Info {
        max_credential_count_in_list: Some(8),
        max_credential_id_length: None,
        ..CTAP_2_1
    };
    let mut fake = Fake::new(roomy).on(Command::GetAssertion, move |parameters| {
        let request = get_assertion::Request::parse(parameters).unwrap();
        let ids: Vec<_> = request
            .allow_list
            .unwrap()
            .iter()
            .map(|one| one.id)
            .collect();
        Some(match ids[..] {
            [id] if id == long => answer(Status::OperationDenied),
            _ => answer(Status::NoCredentials),
        })
    });
    // Told apart from what is not held: it was sent.
    assert_eq!(assert_with(&mut fake, &[long]), Err(Error::Denied));
    assert_eq!(assert_with(&mut fake, &[b"a", long]), Err(Error::Denied));
    let huge = [7; 2000];
    let command = Command::GetAssertion;
    let too_long = Err(Error::RequestTooLong { command, max: 1200 });
    assert_eq!(assert_with(&mut fake, &[&huge]), too_long);
}
