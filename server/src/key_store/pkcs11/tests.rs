//! Against SoftHSM (Debian's `softhsm2`), a token of its own for each process.

use std::path::Path;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::{
    Hsm as _, Pkcs11,
    soft_hsm::{PIN, settings, tell},
};

macro_rules! stories {
    ($($story:ident)*) => { $(
        #[test]
        fn $story() {
            let name = concat!(module_path!(), "::", stringify!($story));
            let (_, name) = name.split_once("::").unwrap();
            tell(name, story::$story);
        }
    )* };
}

stories! {
    a_key_that_was_made_gives_the_same_answer_after_a_restart
    a_key_is_never_made_twice
    a_key_cannot_be_read_out
    another_key_gives_another_answer
    a_key_that_is_missing_is_named
    a_token_that_is_missing_is_named_with_those_that_are_there
    a_wrong_pin_is_tried_once
    a_pin_that_others_can_read_is_refused
    a_library_that_is_none_is_named
    a_session_that_ended_is_opened_again
}

mod story {
    use cryptoki::object::{Attribute, AttributeType};

    use super::*;
    use crate::key_store::pkcs11::{Pkcs11Error, keys, soft_hsm::token as open};

    pub(super) fn a_key_that_was_made_gives_the_same_answer_after_a_restart(folder: &Path) {
        let token = open(folder);
        token.make("one").unwrap();
        let first = token.hmac_sha256("one", b"message").unwrap();
        drop(token);
        assert_eq!(
            *open(folder).hmac_sha256("one", b"message").unwrap(),
            *first
        );
        assert_ne!(
            *open(folder).hmac_sha256("one", b"another").unwrap(),
            *first
        );
    }

    pub(super) fn a_key_is_never_made_twice(folder: &Path) {
        let token = open(folder);
        token.make("one").unwrap();
        let before = token.hmac_sha256("one", b"message").unwrap();
        let error = token.make("one").unwrap_err().to_string();
        assert!(
            error.contains("holds a key called \"one\" already"),
            "{error}"
        );
        assert_eq!(*token.hmac_sha256("one", b"message").unwrap(), *before);
    }

    pub(super) fn a_key_cannot_be_read_out(folder: &Path) {
        let token = open(folder);
        token.make("one").unwrap();
        token
            .with_session(|session| {
                let key = keys(session, "one")?[0];
                let kept = session
                    .get_attributes(key, &[AttributeType::Sensitive, AttributeType::Extractable])?;
                assert!(kept.contains(&Attribute::Sensitive(true)), "{kept:?}");
                assert!(kept.contains(&Attribute::Extractable(false)), "{kept:?}");
                let value = session.get_attributes(key, &[AttributeType::Value]);
                assert!(value.is_err() || value.is_ok_and(|found| found.is_empty()));
                Ok(())
            })
            .unwrap();
    }

    pub(super) fn another_key_gives_another_answer(folder: &Path) {
        let token = open(folder);
        token.make("one").unwrap();
        token.make("two").unwrap();
        let [one, two] = ["one", "two"].map(|label| token.hmac_sha256(label, b"m").unwrap());
        assert_ne!(*one, *two);
        // It is HMAC-SHA-256 that is asked for: a key that we know gives what we compute.
        token
            .with_session(|session| {
                use cryptoki::object::{KeyType, ObjectClass};
                session.create_object(&[
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::GENERIC_SECRET),
                    Attribute::Label(b"known".to_vec()),
                    Attribute::Value(vec![7; 32]),
                    Attribute::Sign(true),
                ])?;
                Ok(())
            })
            .unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(b"message");
        let expected: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(*token.hmac_sha256("known", b"message").unwrap(), expected);
    }

    pub(super) fn a_key_that_is_missing_is_named(folder: &Path) {
        let error = open(folder)
            .hmac_sha256("one", b"message")
            .unwrap_err()
            .to_string();
        assert!(error.contains("holds 0 keys called \"one\""), "{error}");
    }

    pub(super) fn a_token_that_is_missing_is_named_with_those_that_are_there(folder: &Path) {
        let mut settings = settings(folder, PIN, 0o600);
        settings.token = "crads".into();
        let error = Pkcs11::open(settings).unwrap_err().to_string();
        assert!(
            error.contains("\"crads\"") && error.contains("there are: cards"),
            "{error}"
        );
    }

    pub(super) fn a_wrong_pin_is_tried_once(folder: &Path) {
        let error = Pkcs11::open(settings(folder, "161803", 0o600)).unwrap_err();
        assert!(matches!(error, Pkcs11Error::Pin { .. }), "{error}");
        assert!(!error.to_string().contains("161803"), "{error}");
    }

    pub(super) fn a_pin_that_others_can_read_is_refused(folder: &Path) {
        let error = Pkcs11::open(settings(folder, PIN, 0o644))
            .unwrap_err()
            .to_string();
        assert!(error.contains("mode 0644, allowed is 0600"), "{error}");
    }

    pub(super) fn a_library_that_is_none_is_named(folder: &Path) {
        let mut settings = settings(folder, PIN, 0o600);
        settings.module = folder.join("nothing.so");
        let error = Pkcs11::open(settings).unwrap_err().to_string();
        assert!(
            error.contains("nothing.so") && error.contains("hsm.module"),
            "{error}"
        );
    }

    pub(super) fn a_session_that_ended_is_opened_again(folder: &Path) {
        let token = open(folder);
        token.make("one").unwrap();
        let before = token.hmac_sha256("one", b"message").unwrap();
        token.with_session(|session| Ok(session.logout()?)).unwrap();
        assert_eq!(*token.hmac_sha256("one", b"message").unwrap(), *before);
    }
}
