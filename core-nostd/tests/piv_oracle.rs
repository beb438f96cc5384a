//! Our PIV commands and objects beside those of `keyroost-piv`, a byte layer that others wrote:
//! the same bytes, and each reads the other's.

#![allow(clippy::unwrap_used)]

use keyroost_piv as theirs;
use keysteward_core::admin_key::Cipher;
use keysteward_core::iso7816::{Blocks, Command, Form};
use keysteward_core::piv::certificate::{Certificate, Format};
use keysteward_core::piv::chuid::Chuid;
use keysteward_core::piv::general_authenticate::{self, Template};
use keysteward_core::piv::yubico::metadata::{Metadata, Tries};
use keysteward_core::piv::yubico::{
    self, attest, import_key, move_key, set_admin_key, set_pin_retries,
};
use keysteward_core::piv::{
    ADMIN_KEY, Algorithm, KeyReference, ObjectId, Pin, PinPolicy, PinReference, PublicKey,
    TouchPolicy, change_reference_data, generate, get_data, put_data, reset_retry_counter, select,
    verify,
};

/// As one short command.
fn short(command: Command<'_>) -> Vec<u8> {
    let mut room = [0; 300];
    command.encode(Form::Short, &mut room).unwrap().to_vec()
}

/// As a chain of short commands.
fn chain(command: Command<'_>) -> Vec<Vec<u8>> {
    Blocks::new(command, 255).map(short).collect()
}

#[test]
fn what_stands_on_its_own_is_the_same() {
    assert_eq!(
        short(select::request()),
        theirs::select_by_aid(&keysteward_core::piv::AID)
    );
    assert_eq!(short(yubico::version()), theirs::get_version());
    assert_eq!(short(yubico::serial()), theirs::get_serial());
    assert_eq!(short(yubico::reset()), theirs::reset());
    let request = set_pin_retries::Request { pin: 5, puk: 3 };
    assert_eq!(short(request.command()), theirs::set_pin_retries(5, 3));
    let (from, to) = (KeyReference::Authentication, KeyReference::Retired(1));
    let request = attest::Request { key: from };
    assert_eq!(short(request.command()), theirs::attest(0x9A));
    let request = move_key::Request { from, to: Some(to) };
    let (source, retired) = (
        theirs::Slot::Authentication,
        theirs::Slot::retired(2).unwrap(),
    );
    assert_eq!(short(request.command()), theirs::move_key(source, retired));
    let request = move_key::Request { from, to: None };
    assert_eq!(short(request.command()), theirs::delete_key(source));
}

#[test]
fn every_place_has_the_same_numbers() {
    let ours = KeyReference::MAIN.into_iter();
    let ours = ours.chain((0..KeyReference::RETIRED).map(KeyReference::Retired));
    let theirs = theirs::Slot::all().into_iter();
    let theirs = theirs.chain(theirs::Slot::retired_all());
    for (ours, theirs) in ours.zip(theirs) {
        assert_eq!(ours.id(), theirs.key_ref());
        let [zero, tag @ ..] = ours.certificate().0.to_be_bytes();
        assert_eq!((zero, tag), (0, theirs.cert_object_tag()));
    }
}

#[test]
fn pins_are_shown_in_the_same_way() {
    let (one, two) = (Pin::new("123456").unwrap(), Pin::new("87654321").unwrap());
    let request = verify::Request::of(PinReference::Pin, &one);
    assert_eq!(
        short(request.command()),
        theirs::verify_pin(b"123456").unwrap()
    );
    let request = verify::Request::Status(PinReference::Pin);
    assert_eq!(short(request.command()), theirs::verify_pin_status());
    for reference in [PinReference::Pin, PinReference::Puk] {
        let request = change_reference_data::Request {
            reference,
            current: one.padded(),
            new: two.padded(),
        };
        let expected = theirs::change_reference(reference.id(), b"123456", b"87654321");
        assert_eq!(short(request.command(&mut [0; 16])), expected.unwrap());
    }
    let request = reset_retry_counter::Request {
        puk: two.padded(),
        new_pin: one.padded(),
    };
    let expected = theirs::unblock_pin(b"87654321", b"123456").unwrap();
    assert_eq!(short(request.command(&mut [0; 16])), expected);
}

#[test]
fn the_admin_key_is_proven_and_set_in_the_same_way() {
    for (cipher, other) in [
        (Cipher::TripleDes, theirs::MgmtAlg::TripleDes),
        (Cipher::Aes128, theirs::MgmtAlg::Aes128),
        (Cipher::Aes192, theirs::MgmtAlg::Aes192),
        (Cipher::Aes256, theirs::MgmtAlg::Aes256),
    ] {
        let (block, key) = ([0xB1; 16], [0x4E; 32]);
        let (block, key) = (&block[..cipher.block_len()], &key[..cipher.key_len()]);
        let request = |template| general_authenticate::Request {
            algorithm: cipher.piv_id(),
            key: ADMIN_KEY,
            template,
        };
        let mut room = [0; 64];
        let asked = request(Template {
            witness: Some(&[]),
            ..Template::default()
        });
        let expected = theirs::general_auth_request_witness(other, ADMIN_KEY);
        assert_eq!(short(asked.command(&mut room).unwrap()), expected);
        let proven = request(Template {
            witness: Some(block),
            challenge: Some(block),
            ..Template::default()
        });
        let expected = theirs::general_auth_mutual(other, ADMIN_KEY, block, block);
        assert_eq!(short(proven.command(&mut room).unwrap()), expected);
        let request = set_admin_key::Request {
            cipher,
            key,
            touch: false,
        };
        let ours = short(request.command(&mut room).unwrap());
        let expected = theirs::set_management_key(other, key, false);
        // Theirs says "no touch" by a P2 of 00, which other cards than Yubico's want.
        assert_eq!((&ours[..3], &ours[4..]), (&expected[..3], &expected[4..]));
    }
}

#[test]
fn data_are_read_and_written_in_the_same_way() {
    let content = [0x5C; 700];
    let mut room = [0; 800];
    for object in [ObjectId::CHUID, ObjectId::CONTAINER_MAP] {
        let [_, tag @ ..] = object.0.to_be_bytes();
        let request = get_data::Request { object };
        let ours = short(request.command(&mut room).unwrap());
        assert_eq!(ours, theirs::get_data(&tag));
        for content in [&content[..], &content[..100]] {
            let request = put_data::Request { object, content };
            let ours = chain(request.command(&mut room).unwrap());
            assert_eq!(ours, theirs::put_data_chained(&tag, content, 255));
        }
    }
}

#[test]
fn keys_are_made_and_used_in_the_same_way() {
    let mut room = [0; 700];
    let request = generate::Request {
        key: KeyReference::Signature,
        algorithm: Algorithm::P384,
        pin_policy: Some(PinPolicy::Always),
        touch_policy: Some(TouchPolicy::Cached),
    };
    let ours = request.command(&mut room).unwrap();
    let (pin, touch) = (theirs::PinPolicy::Always, theirs::TouchPolicy::Cached);
    let expected = theirs::generate_key(theirs::Slot::Signature, 0x14, pin, touch);
    assert_eq!(short(ours), expected);

    let block = [0x51; 512];
    let template = Template {
        response: Some(&[]),
        challenge: Some(&block),
        ..Template::default()
    };
    let (algorithm, key) = (Algorithm::Rsa4096.id(), KeyReference::Signature.id());
    let request = general_authenticate::Request {
        algorithm,
        key,
        template,
    };
    let ours = chain(request.command(&mut room).unwrap());
    let expected = theirs::general_auth_sign_chained(algorithm, key, &block, 255);
    assert_eq!(ours, expected);
}

#[test]
fn keys_are_imported_in_the_same_way() {
    let half = [0x3B; 256];
    let secret = import_key::Secret::Rsa {
        p: &half,
        q: &half,
        dp: &half,
        dq: &half,
        q_inverse: &half,
    };
    let request = import_key::Request {
        key: KeyReference::Authentication,
        algorithm: Algorithm::Rsa4096,
        secret,
        pin_policy: Some(PinPolicy::Once),
        touch_policy: None,
    };
    let mut room = [0; 1400];
    let ours = chain(request.command(&mut room).unwrap());
    let key = theirs::ImportKey {
        alg: theirs::KeyAlg::Rsa4096,
        alg_id: 0x16,
        parts: theirs::ImportParts::RsaCrt {
            p: &half,
            q: &half,
            dp: &half,
            dq: &half,
            qinv: &half,
        },
    };
    let (pin, touch) = (theirs::PinPolicy::Once, theirs::TouchPolicy::Default);
    let body = theirs::import_key_body(&key, pin, touch).unwrap();
    let slot = theirs::Slot::Authentication;
    let expected = theirs::import_key_chained(slot, 0x16, &body, 255);
    let expected: Vec<Vec<u8>> = expected.iter().map(|apdu| apdu.to_vec()).collect();
    assert_eq!(ours, expected);
}

#[test]
fn each_reads_the_objects_of_the_other() {
    let guid = [0x6D; 16];
    let mut room = [0; 64];
    let ours = Chuid::new(&guid).encode(&mut room).unwrap();
    assert_eq!(ours, theirs::encode_chuid(&guid, b"20501231"));
    assert_eq!(theirs::parse_chuid(ours).unwrap().guid, guid);

    let der = [0x30; 40];
    for (format, info) in [
        (Format::Plain, theirs::CertInfo::Uncompressed),
        (Format::Gzip, theirs::CertInfo::Gzip),
    ] {
        let certificate = Certificate {
            format,
            bytes: &der,
        };
        let ours = certificate.encode(&mut room).unwrap();
        let expected = theirs::encode_certificate(&der, info);
        assert_eq!(ours, expected);
        assert_eq!(Certificate::parse(&expected), Ok(Some(certificate)));
    }
}

#[test]
fn each_reads_the_answers_of_the_other() {
    let metadata = Metadata {
        algorithm: Some(0xFF),
        is_default: Some(false),
        tries: Some(Tries { total: 5, left: 3 }),
        pin_policy: Some(PinPolicy::Once),
        touch_policy: Some(TouchPolicy::Never),
        generated: Some(true),
        public: None,
    };
    let mut room = [0; 600];
    let read = theirs::parse_metadata(metadata.encode(&mut room).unwrap()).unwrap();
    assert_eq!(read.algorithm, Some(0xFF));
    assert_eq!(read.is_default, Some(false));
    // Named in the order of our members: total, then left.
    assert_eq!(read.policy, Some((2, 1)));
    assert_eq!(read.origin, Some(1));
    let (a, b) = read.retries.unwrap();
    assert_eq!([a.min(b), a.max(b)], [3, 5]);

    let modulus = [0x80; 256];
    let ours = PublicKey::Rsa {
        modulus: &modulus,
        exponent: &[1, 0, 1],
    };
    let read = theirs::parse_public_key(ours.encode(&mut room).unwrap()).unwrap();
    let theirs::PublicKey::Rsa { modulus, exponent } = &read else {
        panic!("{read:?}")
    };
    assert_eq!((modulus.len(), &exponent[..]), (256, &[1, 0, 1][..]));
    let expected = theirs::spki::subject_public_key_info(&read, theirs::KeyAlg::Rsa2048).unwrap();
    let mut spki = [0; PublicKey::MAX_SPKI];
    assert_eq!(ours.spki(&mut spki).unwrap(), expected);
}
