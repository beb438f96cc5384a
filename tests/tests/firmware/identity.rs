//! What a persistent token is good for.

use crate::credentials::{give_pin, make};
use crate::desk::{Desk, DeskSession, RP_ID, for_management, pin};
use crate::key::Key;
use keysteward_core::pin_protocol::PersistentToken;
use keysteward_core::session::Identity;

const PIN: &str = "1234";

stories! {
    a_key_is_known_again_after_it_was_unplugged on [ours]
    a_list_is_known_to_be_old_when_a_credential_was_made on [ours]
    credentials_are_counted_without_a_pin_until_it_is_changed on [ours]
    a_reset_makes_another_key_of_it on [ours]
}

fn grant(key: &Key) -> (PersistentToken, Identity) {
    give_pin(key);
    Desk::with(key).session(|session| {
        let token = session.persistent_token(&pin(PIN));
        let token = token.unwrap_or_else(|error| panic!("{error}"));
        // As it is kept between two visits.
        let token = PersistentToken::from_bytes(&token.to_bytes().0).unwrap();
        let identity = session.identity(&token).unwrap();
        assert!(identity.device.is_some() && identity.cred_store_state.is_some());
        (token, identity)
    })
}

fn a_key_is_known_again_after_it_was_unplugged(key: &Key) {
    let (token, known) = grant(key);
    let again = Desk::with(key).session(|session| session.identity(&token).unwrap());
    assert!(again.is_device_of(&known) && again.has_credentials_of(&known));
    let (other, _) = grant(&Key::ours());
    let stranger = Desk::with(key).session(|session| session.identity(&other).unwrap());
    assert!(!stranger.is_device_of(&known));
}

fn a_list_is_known_to_be_old_when_a_credential_was_made(key: &Key) {
    let (token, known) = grant(key);
    Desk::with(key).session(|session| {
        make(session, RP_ID, "alice");
        let now = session.identity(&token).unwrap();
        assert!(now.is_device_of(&known) && !now.has_credentials_of(&known));
    });
}

/// Counts credentials with what is stored; tells how often the PIN was asked for.
fn count(session: &mut DeskSession<'_>, token: &PersistentToken, text: &str) -> (u32, u32) {
    let mut prompts = 0;
    let counted = session.read_credentials(
        Some(token),
        |session| {
            prompts += 1;
            Ok(for_management(session, text))
        },
        |session, token| Ok(session.credentials_metadata(token)?.existing),
    );
    (counted.unwrap(), prompts)
}

fn credentials_are_counted_without_a_pin_until_it_is_changed(key: &Key) {
    let (token, _) = grant(key);
    Desk::with(key).session(|session| {
        make(session, RP_ID, "alice");
    });
    Desk::with(key).session(|session| {
        assert_eq!(count(session, &token, PIN), (1, 0));
        session.change_pin(&pin(PIN), &pin("5678")).unwrap();
        let retries = session.pin_retries().unwrap();
        assert_eq!(count(session, &token, "5678"), (1, 1));
        assert_eq!(session.pin_retries().unwrap(), retries);
    });
}

fn a_reset_makes_another_key_of_it(key: &Key) {
    let (token, known) = grant(key);
    Desk::with(key).session(|session| session.reset()).unwrap();
    let now = Desk::with(key).session(|session| session.identity(&token).unwrap());
    assert!(!now.is_device_of(&known) && !now.has_credentials_of(&known));
}
