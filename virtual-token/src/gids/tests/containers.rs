//! Containers, their keys and certificates, as an administrator's programs and Windows see them.

use super::*;
use keysteward_core::gids::key_file::{KeySize, Usage};
use keysteward_core::gids::minidriver::certificate::CertificateFile;
use keysteward_core::gids::minidriver::cmapfile::Container;
use keysteward_core::gids::security_operation::Mechanism;
use keysteward_core::gids::session::{NewContainer, PinVerified};
use rsa::pkcs1v15::Pkcs1v15Encrypt;
use rsa::{BigUint, RsaPublicKey};
use std::ops::ControlFlow;

fn new(name: &str) -> NewContainer<'_> {
    NewContainer {
        name,
        size: KeySize::Rsa2048,
        is_default: false,
    }
}

fn verified(session: &mut Flow<'_>) -> PinVerified {
    session.verify_pin(&pin("1234")).unwrap()
}

fn listed(session: &mut Flow<'_>) -> Vec<(u8, Container)> {
    let mut all = Vec::new();
    session
        .containers(&mut |number, container| {
            all.push((number, container));
            ControlFlow::Continue(())
        })
        .unwrap();
    all
}

fn public(session: &mut Flow<'_>, number: u8) -> RsaPublicKey {
    let key = session.public_key(number).unwrap().unwrap();
    let number = BigUint::from_bytes_be;
    RsaPublicKey::new(number(key.modulus), number(key.public_exponent)).unwrap()
}

/// What a signature was made of.
fn signed(key: &RsaPublicKey, signature: &[u8]) -> Vec<u8> {
    let number = BigUint::from_bytes_be(signature);
    let block = rsa::hazmat::rsa_encrypt(key, &number).unwrap();
    block.to_bytes_be()
}

fn freshness(session: &mut Flow<'_>) -> (u16, u16) {
    let counted = session.facts().unwrap().card_cf.unwrap();
    (counted.containers, counted.files)
}

#[test]
fn a_container_is_created_used_and_deleted() {
    let mut card = initialised();
    select(&mut card, |session| {
        assert!(listed(session).is_empty());
        let proof = verified(session);
        assert_eq!(session.create_container(&proof, &new("first")), Ok(0));
        assert_eq!(freshness(session), (2, 0), "before and after");
        let [(0, first)] = listed(session)[..] else {
            panic!("not one container");
        };
        assert_eq!(first.name().collect::<String>(), "first");
        assert_eq!(first.usage, Some(Usage::KeyExchange(KeySize::Rsa2048)));
        assert!(first.is_default, "the first one");

        let key = public(session, 0);
        let digest_info = b"not quite a DigestInfo";
        let signature = session.sign(&proof, 0, digest_info).unwrap().to_vec();
        assert!(signed(&key, &signature).ends_with(digest_info));
        let mut block = [0xA5; 256];
        block[0] = 0;
        let signature = session.sign_block(&proof, 0, &block).unwrap().to_vec();
        assert_eq!(signed(&key, &signature), block[1..]);

        let secret = b"a session key";
        let cryptogram = key.encrypt(&mut OsRng, Pkcs1v15Encrypt, secret).unwrap();
        let mechanism = Mechanism::DecipherPkcs1;
        let clear = session.decipher(&proof, 0, mechanism, &cryptogram);
        assert_eq!(clear, Ok(&secret[..]));
        let raw = session.decipher(&proof, 0, Mechanism::DecipherRaw, &cryptogram);
        assert!(raw.unwrap().ends_with(secret));
        let wrong = session.decipher(&proof, 0, Mechanism::SignRaw, &cryptogram);
        assert_eq!(wrong, Err(Error::WrongUsage));

        session.delete_container(&proof, 0).unwrap();
        assert!(listed(session).is_empty());
        assert_eq!(session.public_key(0), Ok(None));
        assert_eq!(
            session.sign(&proof, 0, b"x"),
            Err(Error::NoContainer { number: 0 })
        );
        assert_eq!(
            session.delete_container(&proof, 0),
            Err(Error::NoContainer { number: 0 })
        );
        assert_eq!(freshness(session), (4, 0));
    });
}

#[test]
fn certificates_are_written_beside_their_keys_so_that_windows_sees_them() {
    let mut card = initialised_as(stocked());
    // Longer than one command, and than what fits one answer.
    let compressed: Vec<u8> = (0..=u8::MAX).cycle().take(1_500).collect();
    let certificate = CertificateFile {
        len: 2_000,
        compressed: &compressed,
    };
    select(&mut card, |session| {
        let proof = verified(session);
        for (number, name) in (0..).zip(["first", "second"]) {
            assert_eq!(session.create_container(&proof, &new(name)), Ok(number));
        }
        let missing = session.write_certificate(&proof, 2, &certificate, false);
        assert_eq!(missing, Err(Error::NoContainer { number: 2 }));
        assert_eq!(session.certificate(1), Ok(None));
        let before = freshness(session);
        session
            .write_certificate(&proof, 1, &certificate, true)
            .unwrap();
        assert_eq!(session.certificate(1), Ok(Some(certificate)));
        assert_eq!(session.certificate(0), Ok(None));
        let after = freshness(session);
        assert_eq!(after, (before.0 + 1, before.1 + 2));
        let defaults = listed(session)
            .iter()
            .map(|found| found.1.is_default)
            .collect::<Vec<_>>();
        assert_eq!(defaults, [false, true]);

        // In place of the one there is, by the administrator.
        let other = CertificateFile {
            len: 9,
            compressed: b"other",
        };
        let admin = session
            .authenticate_admin(&mut admin_key(&ADMIN_KEY))
            .unwrap();
        session.write_certificate(&admin, 1, &other, false).unwrap();
        session
            .write_certificate(&admin, 0, &certificate, false)
            .unwrap();
        assert_eq!(session.certificate(1), Ok(Some(other)));
        session.delete_container(&admin, 1).unwrap();
        assert_eq!(session.certificate(0), Ok(Some(certificate)));
        assert_eq!(listed(session).len(), 1);

        // A number that is free is taken again, without the certificate of before.
        assert_eq!(session.create_container(&proof, &new("third")), Ok(1));
        assert_eq!(session.certificate(1), Ok(None));
    });
}

#[test]
fn a_key_is_made_anew_in_its_container() {
    let mut card = initialised();
    select(&mut card, |session| {
        let proof = verified(session);
        let none = session.generate_key(&proof, 0);
        assert_eq!(none, Err(Error::NoContainer { number: 0 }));
        session.create_container(&proof, &new("first")).unwrap();
        let before = public(session, 0);
        session.generate_key(&proof, 0).unwrap();
        assert_ne!(public(session, 0), before);
        let info = session.public_key(0).unwrap().unwrap();
        let mut der = [0; 600];
        let der = info.info(&mut der).unwrap();
        use rsa::pkcs8::DecodePublicKey;
        let again = RsaPublicKey::from_public_key_der(der).unwrap();
        assert_eq!(again, public(session, 0));
    });
}

#[test]
fn a_creation_that_was_cut_off_anywhere_leaves_nothing_that_is_in_the_way() {
    for commands in 0.. {
        let mut card = initialised_as(stocked());
        let begun = select(&mut card, |session| {
            let proof = verified(session);
            session.card_mut().take_away_after(Some(commands));
            session.create_container(&proof, &new("first"))
        });
        card.power_cycle();
        select(&mut card, |session| {
            let proof = verified(session);
            // What shows has a key.
            for (number, _) in listed(session) {
                assert!(session.sign(&proof, number, b"x").is_ok(), "{commands}");
            }
            let number = session.create_container(&proof, &new("again")).unwrap();
            assert!(session.sign(&proof, number, b"x").is_ok(), "{commands}");
            for (number, _) in listed(session) {
                session.delete_container(&proof, number).unwrap();
            }
            assert!(listed(session).is_empty());
        });
        if begun.is_ok() {
            assert!(commands > 10, "{commands}");
            break;
        }
    }
}

#[test]
fn a_deletion_that_was_cut_off_anywhere_is_finished_by_the_next() {
    let certificate = CertificateFile {
        len: 9,
        compressed: b"compressed",
    };
    let mut card = initialised_as(stocked());
    for commands in 0.. {
        let begun = select(&mut card, |session| {
            let proof = verified(session);
            session.create_container(&proof, &new("first")).unwrap();
            session
                .write_certificate(&proof, 0, &certificate, false)
                .unwrap();
            session.card_mut().take_away_after(Some(commands));
            session.delete_container(&proof, 0)
        });
        card.power_cycle();
        select(&mut card, |session| {
            let proof = verified(session);
            if !listed(session).is_empty() {
                session.delete_container(&proof, 0).unwrap();
            }
            assert!(listed(session).is_empty(), "{commands}");
            assert_eq!(session.public_key(0), Ok(None), "{commands}");
        });
        if begun.is_ok() {
            assert!(commands > 10, "{commands}");
            break;
        }
    }
}
