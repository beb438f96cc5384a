//! Persistent tokens, and what they tell.

use super::*;
use crate::crypto::{RustCrypto, Secret};
use crate::pin_protocol::{PersistentToken, PinUvAuthToken};

const KNOWN: Identity = Identity {
    device: Some([1; 16]),
    cred_store_state: Some([2; 16]),
};

fn with(identity: Identity) -> Fake {
    Fake::new(Info {
        identity: Some(identity),
        ..CTAP_2_3
    })
}

fn persistent() -> PersistentToken {
    PersistentToken::new(given(PinProtocol::Two)).unwrap()
}

/// What the token was asked for a pinUvAuthToken.
fn noting(fake: Fake) -> (Fake, std::rc::Rc<core::cell::RefCell<Vec<Permissions>>>) {
    let noted = std::rc::Rc::new(core::cell::RefCell::new(Vec::new()));
    let notes = std::rc::Rc::clone(&noted);
    let fake = fake.on(Command::ClientPin, move |parameters| {
        let request = client_pin::Request::parse(parameters).unwrap();
        notes.borrow_mut().extend(request.permissions);
        None
    });
    (fake, noted)
}

#[test]
fn a_persistent_token_is_asked_for_alone() {
    let (mut fake, noted) = noting(Fake::new(CTAP_2_3));
    let bytes = fake.session(|session| {
        let by_pin = session.persistent_token(&pin("1234"))?.to_bytes();
        let mut never = |_| ControlFlow::Break(());
        let by_uv = session.persistent_token_by_user_verification(&mut never)?;
        assert_eq!(by_uv.to_bytes().0, by_pin.0);
        Outcome::Ok(by_pin.0)
    });
    assert_eq!(bytes.unwrap(), persistent().to_bytes().0);
    let alone = Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY;
    assert_eq!(*noted.borrow(), [alone, alone]);
}

#[test]
fn an_ordinary_token_is_never_taken_for_a_persistent_one() {
    let lacks = Some(Error::Unsupported(Feature::PersistentToken));
    let mut fake = Fake::new(CTAP_2_1);
    let refused = fake.session(|session| session.persistent_token(&pin("1234")).err());
    assert_eq!(refused, lacks);
    assert_eq!(fake.asked, [Command::GetInfo]);
    let refused = fake.session(|session| {
        let mut never = |_| ControlFlow::Break(());
        session
            .persistent_token_by_user_verification(&mut never)
            .err()
    });
    assert_eq!(refused, lacks);

    // No fall-back to a token without permissions.
    let by_pin = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    let mut fake = Fake::new(CTAP_2_3).pin_says(by_pin, Status::InvalidSubcommand);
    let refused = fake.session(|session| session.persistent_token(&pin("1234")).err());
    let command = Command::ClientPin;
    let status = Status::InvalidSubcommand;
    assert_eq!(refused, Some(Error::Refused { command, status }));
}

#[test]
fn a_wrong_pin_for_a_persistent_token_is_told_with_what_is_left() {
    let by_pin = Subcommand::PinUvAuthTokenUsingPinWithPermissions;
    let mut fake = Fake::new(CTAP_2_3)
        .pin_says(by_pin, Status::PinInvalid)
        .retries(6, None);
    let refused = fake.session(|session| session.persistent_token(&pin("1234")).err());
    assert_eq!(refused, Some(Error::PinInvalid { retries: Some(6) }));
}

#[test]
fn a_token_is_known_again_without_a_pin() {
    let mut fake = with(KNOWN);
    let read = fake.session(|session| session.identity(&persistent()));
    assert_eq!(read, Ok(KNOWN));
    assert_eq!(fake.asked, [Command::GetInfo]);
    let read = read.unwrap();
    assert!(read.is_device_of(&KNOWN) && read.has_credentials_of(&KNOWN));

    let changed = Identity {
        cred_store_state: Some([3; 16]),
        ..KNOWN
    };
    assert!(changed.is_device_of(&KNOWN) && !changed.has_credentials_of(&KNOWN));
    let reset = Identity {
        device: Some([4; 16]),
        cred_store_state: Some([5; 16]),
    };
    assert!(!reset.is_device_of(&KNOWN) && !reset.has_credentials_of(&KNOWN));
}

#[test]
fn another_persistent_token_knows_nothing() {
    let other = PinUvAuthToken::restore(PinProtocol::Two, Secret([0x78; 32]));
    let other = PersistentToken::new(other).unwrap();
    let read = with(KNOWN).session(|session| session.identity(&other));
    let read = read.unwrap();
    assert!(!read.is_device_of(&KNOWN) && !read.has_credentials_of(&KNOWN));
}

#[test]
fn a_token_that_tells_nothing_matches_nothing_not_even_itself() {
    let silent = Identity {
        device: None,
        cred_store_state: None,
    };
    let read = Fake::new(CTAP_2_3).session(|session| session.identity(&persistent()));
    assert_eq!(read, Ok(silent));
    assert!(!silent.is_device_of(&silent) && !silent.has_credentials_of(&silent));
}

#[test]
fn members_of_another_length_are_as_good_as_none() {
    let mut fake = Fake::new(CTAP_2_3).on(Command::GetInfo, |_| {
        let mut info =
            crate::ctap2::get_info::Response::new(crate::cbor::List::new(&["FIDO_2_3"]), &[7; 16]);
        info.enc_identifier = Some(&[1; 48]);
        info.enc_cred_store_state = Some(&[]);
        Some(ok(&info))
    });
    let read = fake
        .session(|session| session.identity(&persistent()))
        .unwrap();
    assert_eq!((read.device, read.cred_store_state), (None, None));
}

/// Counts credentials of a token that takes requests with a MAC by `good` only;
/// tells what it found and how often a PIN was asked for.
fn count_with(good: &'static [u8; 32], stored: Option<&PersistentToken>) -> (Outcome<u32>, u32) {
    count_refused(good, stored, Status::PinAuthInvalid)
}

/// The same where it refuses others in this way.
fn count_refused(
    good: &'static [u8; 32],
    stored: Option<&PersistentToken>,
    refusal: Status,
) -> (Outcome<u32>, u32) {
    let mut fake = Fake::new(CTAP_2_3).on(Command::CredentialManagement, move |parameters| {
        let request = credential_management::Request::parse(parameters).unwrap();
        let token = PinUvAuthToken::restore(PinProtocol::Two, Secret(*good));
        let mut crypto = RustCrypto(rand_core::OsRng);
        let mac = request.pin_uv_auth_param.unwrap();
        let proof = token.verify(&mut crypto, &[&[1]], mac);
        Some(match proof {
            Ok(_) => ok(&Response {
                existing_resident_credentials_count: Some(9),
                max_possible_remaining_resident_credentials_count: Some(1),
                ..Default::default()
            }),
            Err(_) => answer(refusal),
        })
    });
    let mut prompts = 0;
    let counted = fake.session(|session| {
        session.read_credentials(
            stored,
            |session| {
                prompts += 1;
                session.token(&pin("1234"), Permissions::CREDENTIAL_MANAGEMENT, None)
            },
            |session, token| Ok(session.credentials_metadata(token)?.existing),
        )
    });
    (counted, prompts)
}

#[test]
fn a_stored_token_saves_the_prompt_and_a_void_one_costs_it() {
    let stored = persistent();
    assert_eq!(count_with(&[0x77; 32], Some(&stored)), (Ok(9), 0));
    assert_eq!(count_with(&[0x77; 32], None), (Ok(9), 1));
    let void = PinUvAuthToken::restore(PinProtocol::Two, Secret([0x78; 32]));
    let void = PersistentToken::new(void).unwrap();
    assert_eq!(count_with(&[0x77; 32], Some(&void)), (Ok(9), 1));
    for status in [Status::UnauthorizedPermission, Status::PuatRequired] {
        let counted = count_refused(&[0x77; 32], Some(&void), status);
        assert_eq!(counted, (Ok(9), 1), "{status}");
    }
    let command = Command::CredentialManagement;
    let rejected = Err(Error::TokenRejected { command });
    assert_eq!(count_with(&[0x79; 32], Some(&void)), (rejected, 1));
}

#[test]
fn an_error_that_a_pin_cannot_heal_asks_for_none() {
    let mut fake = Fake::new(CTAP_2_3).says(Command::CredentialManagement, Status::OtherError);
    let mut prompts = 0;
    let counted = fake.session(|session| {
        session.read_credentials(
            Some(&persistent()),
            |session| {
                prompts += 1;
                session.token(&pin("1234"), Permissions::CREDENTIAL_MANAGEMENT, None)
            },
            |session, token| session.credentials_metadata(token).map(drop),
        )
    });
    let command = Command::CredentialManagement;
    let status = Status::OtherError;
    assert_eq!(counted, Err(Error::Refused { command, status }));
    assert_eq!(prompts, 0);
}
