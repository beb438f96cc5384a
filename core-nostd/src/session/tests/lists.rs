//! Lists of credentials and relying parties.

use super::*;

const HASH: [u8; 32] = [3; 32];

fn party(id: &'static str, total_rps: Option<u32>) -> Response<'static> {
    Response {
        rp: Some(PublicKeyCredentialRpEntity { id, name: None }),
        // The caller's own hash stands in.
        rp_id_hash: None,
        total_rps,
        ..Default::default()
    }
}

fn credential(name: &'static str, total_credentials: Option<u32>) -> Response<'static> {
    Response {
        user: Some(PublicKeyCredentialUserEntity {
            id: b"id",
            name: Some(name),
            display_name: None,
        }),
        credential_id: Some(PublicKeyCredentialDescriptor::new(name.as_bytes())),
        total_credentials,
        ..Default::default()
    }
}

/// A token that gives these answers to credentialManagement, in turn.
fn answering(info: Info, answers: Vec<Vec<u8>>) -> Fake {
    let command = if info.versions.contains(&"FIDO_2_1_PRE") {
        Command::CredentialManagementPreview
    } else {
        Command::CredentialManagement
    };
    let mut answers = answers.into_iter();
    Fake::new(info).on(command, move |_| Some(answers.next().unwrap()))
}

fn parties(fake: &mut Fake) -> Outcome<Vec<String>> {
    let permissions = Permissions::CREDENTIAL_MANAGEMENT;
    fake.session(|session| {
        let token = session.token(&pin("1234"), permissions, None)?;
        let mut found = Vec::new();
        session.relying_parties(&token, &mut |party| {
            found.push(party.rp.id.to_string());
            ControlFlow::Continue(())
        })?;
        Ok(found)
    })
}

fn users(fake: &mut Fake) -> Outcome<Vec<String>> {
    let permissions = Permissions::CREDENTIAL_MANAGEMENT;
    fake.session(|session| {
        let token = session.token(&pin("1234"), permissions, None)?;
        let mut found = Vec::new();
        session.credentials(&token, &HASH, &mut |credential| {
            found.push(credential.user.name.unwrap().to_string());
            ControlFlow::Continue(())
        })?;
        Ok(found)
    })
}

#[test]
fn a_list_is_read_to_its_announced_end_with_either_command() {
    for info in [CTAP_2_1, CTAP_2_1_PRE] {
        let answers = std::vec![ok(&party("a", Some(2))), ok(&party("b", None))];
        let found = parties(&mut answering(info.clone(), answers));
        assert_eq!(found.unwrap(), ["a", "b"]);
        let answers = std::vec![ok(&credential("c", Some(2))), ok(&credential("d", None))];
        let found = users(&mut answering(info, answers));
        assert_eq!(found.unwrap(), ["c", "d"]);
    }
}

#[test]
fn every_way_to_say_that_there_is_nothing_is_understood() {
    let none = Response::default();
    let zero_parties = Response {
        total_rps: Some(0),
        ..Default::default()
    };
    let zero_credentials = Response {
        total_credentials: Some(0),
        ..Default::default()
    };
    for nothing in [
        answer(Status::NoCredentials),
        answer(Status::Ok),
        ok(&none),
        ok(&zero_parties),
        ok(&zero_credentials),
    ] {
        let answers = std::vec![nothing.clone()];
        assert_eq!(parties(&mut answering(CTAP_2_1, answers)).unwrap().len(), 0);
        let answers = std::vec![nothing];
        assert_eq!(users(&mut answering(CTAP_2_1, answers)).unwrap().len(), 0);
    }
}

#[test]
fn a_list_without_total_is_one_long() {
    let answers = std::vec![ok(&party("a", None))];
    let found = parties(&mut answering(CTAP_2_1, answers));
    assert_eq!(found.unwrap(), ["a"]);
}

#[test]
fn an_interrupted_list_is_an_error_and_not_a_short_list() {
    for status in [Status::NotAllowed, Status::NoCredentials] {
        let answers = std::vec![ok(&party("a", Some(3))), answer(status)];
        let interrupted = Error::EnumerationInterrupted { got: 1, total: 3 };
        let found = parties(&mut answering(CTAP_2_1, answers));
        assert_eq!(found, Err(interrupted));
        let answers = std::vec![ok(&credential("a", Some(3))), answer(status)];
        let found = users(&mut answering(CTAP_2_1, answers));
        assert_eq!(found, Err(interrupted));
    }
}

#[test]
fn an_announced_entry_that_is_empty_is_an_error() {
    let announced = Response {
        total_rps: Some(1),
        ..Default::default()
    };
    let found = parties(&mut answering(CTAP_2_1, std::vec![ok(&announced)]));
    assert!(matches!(found, Err(Error::Malformed { .. })), "{found:?}");
    let answers = std::vec![ok(&credential("a", Some(2))), answer(Status::Ok)];
    let found = users(&mut answering(CTAP_2_1, answers));
    assert!(matches!(found, Err(Error::Malformed { .. })), "{found:?}");
}

#[test]
fn one_token_serves_a_list_and_only_its_begin_is_authenticated() {
    let seen = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let notes = std::rc::Rc::clone(&seen);
    let mut fake = answering(
        CTAP_2_1,
        std::vec![ok(&party("a", Some(2))), ok(&party("b", None))],
    )
    .on(Command::CredentialManagement, move |parameters| {
        let request = credential_management::Request::parse(parameters).unwrap();
        let authenticated = request.pin_uv_auth_param.is_some();
        notes
            .borrow_mut()
            .push((request.sub_command, authenticated));
        None
    });
    parties(&mut fake).unwrap();
    assert_eq!(
        *seen.borrow(),
        [
            (credential_management::Subcommand::EnumerateRpsBegin, true),
            (
                credential_management::Subcommand::EnumerateRpsGetNextRp,
                false
            ),
        ]
    );
    let pins = fake.asked.iter().filter(|one| **one == Command::ClientPin);
    assert_eq!(pins.count(), 2, "key agreement and one token");
}

#[test]
fn a_token_without_management_is_told_so() {
    let refused = parties(&mut Fake::new(CTAP_2_0));
    let lacks = Error::Unsupported(Feature::CredentialManagement);
    assert_eq!(refused, Err(lacks));
}

#[test]
fn the_preview_cannot_change_users() {
    let mut fake = Fake::new(CTAP_2_1_PRE);
    let permissions = Permissions::CREDENTIAL_MANAGEMENT;
    let refused = fake.session(|session| {
        let token = session.token(&pin("1234"), permissions, None)?;
        let user = PublicKeyCredentialUserEntity {
            id: b"id",
            name: None,
            display_name: None,
        };
        session.update_user(&token, b"credential", user)
    });
    let lacks = Error::Unsupported(Feature::UpdateUserInformation);
    assert_eq!(refused, Err(lacks));
    assert!(!fake.asked.contains(&Command::CredentialManagementPreview));
}

#[test]
fn all_that_is_known_of_a_credential_is_handed_over() {
    use crate::ctap2::LargeBlobKey;
    let whole = ok(&Response {
        cred_protect: Some(3),
        large_blob_key: Some(LargeBlobKey(&[0x1B; 32])),
        third_party_payment: Some(true),
        ..credential("a", Some(2))
    });
    let bare = ok(&credential("b", None));
    let mut fake = answering(CTAP_2_3, std::vec![whole, bare]);
    let mut found = Vec::new();
    fake.session(|session| {
        session.credentials(&given(PinProtocol::Two), &HASH, &mut |one| {
            let key = one.large_blob_key.map(|key| *key.0);
            found.push((one.cred_protect, key, one.third_party_payment));
            ControlFlow::Continue(())
        })
    })
    .unwrap();
    let whole = (Some(3), Some([0x1B; 32]), Some(true));
    assert_eq!(found, [whole, (None, None, None)]);
}

#[test]
fn a_token_for_one_relying_party_neither_counts_nor_lists_them() {
    // Without a hash in the parameters, the token sees no relying party.
    let command = Command::CredentialManagement;
    let mut fake = Fake::new(CTAP_2_1).on(command, |parameters| {
        let request = credential_management::Request::parse(parameters).unwrap();
        Some(match request.sub_command_params {
            Some(_) => ok(&credential("a", Some(1))),
            None => answer(Status::PinAuthInvalid),
        })
    });
    fake.session(|session| {
        let permissions = Permissions::CREDENTIAL_MANAGEMENT;
        let token = session.token(&pin("1234"), permissions, Some("login.example"))?;
        let rejected = Error::TokenRejected { command };
        let go_on = || ControlFlow::Continue(());
        assert_eq!(session.credentials_metadata(&token), Err(rejected));
        let listed = session.relying_parties(&token, &mut |_| go_on());
        assert_eq!(listed, Err(rejected));
        session.credentials(&token, &HASH, &mut |_| go_on())
    })
    .unwrap();
}
