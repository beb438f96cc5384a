//! What one client leaves on a card, the other reads and goes on with.

use super::desk::{Desk, Failed};
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_core::gids::key_file::{KeySize, Usage};
use keysteward_core::gids::minidriver::certificate::CertificateFile;
use keysteward_core::gids::pin::Pin;
use keysteward_core::gids::session::{Error, Initialisation, NewAdminKey, NewContainer};
use std::io::Read;
use std::ops::ControlFlow;

stories! {
    what_opensc_leaves_our_client_reads
    what_our_client_leaves_opensc_reads
    a_pin_is_unblocked_by_somebody_who_is_told_the_challenge
}

const ADMIN_KEY: [u8; 24] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
];
const CARD_ID: [u8; 16] = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF";

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn admin_key() -> LocalAdminKey {
    LocalAdminKey::new(Cipher::TripleDes, &ADMIN_KEY).unwrap()
}

fn initialise_with_ours(desk: &Desk) {
    desk.ours(|session| {
        session
            .initialise(&Initialisation {
                pin: &pin("123456"),
                admin_key: &NewAdminKey::new(&ADMIN_KEY).unwrap(),
                card_id: &CARD_ID,
            })
            .unwrap();
    });
}

fn initialise_with_gids_tool(desk: &Desk) {
    let key = hex::encode(ADMIN_KEY);
    let secrets = ["--admin-key", &key, "--pin", "123456"];
    let serial = hex::encode(CARD_ID);
    let serial = ["--serial-number", &serial];
    desk.run(
        "gids-tool",
        &[&["--initialize"], &secrets[..], &serial].concat(),
    );
}

fn what_opensc_leaves_our_client_reads() {
    let desk = Desk::with_a_blank_card();
    initialise_with_gids_tool(&desk);
    let make = ["--keypairgen", "--key-type", "rsa:2048", "--id", "00"];
    desk.pkcs11("123456", &[&make[..], &["--label", "first"]].concat());
    let public = ["--read-public-key", "00", "--output", "public.pem"];
    desk.run("pkcs15-tool", &public);
    desk.certify("public.pem", "certificate.der");
    let write = ["--write-object", "certificate.der", "--type", "cert"];
    desk.pkcs11("123456", &[&write[..], &["--id", "00"]].concat());
    let as_der = ["-pubin", "-in", "public.pem", "-outform", "DER"];
    desk.run(
        "openssl",
        &[&["pkey"], &as_der[..], &["-out", "public.der"]].concat(),
    );

    desk.ours(|session| {
        assert_eq!(
            session.initialise(&Initialisation {
                pin: &pin("123456"),
                admin_key: &NewAdminKey::new(&ADMIN_KEY).unwrap(),
                card_id: &CARD_ID,
            }),
            Err(Failed::AlreadyInitialised)
        );
        let facts = session.facts().unwrap();
        assert_eq!(facts.card_id, Some(CARD_ID));
        assert!(facts.card_cf.unwrap().files > 0);
        let mut found = Vec::new();
        session
            .containers(&mut |number, container| {
                found.push((number, container));
                ControlFlow::Continue(())
            })
            .unwrap();
        let [(0, container)] = found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(container.name().collect::<String>(), "first");
        assert_eq!(container.usage, Some(Usage::KeyExchange(KeySize::Rsa2048)));
        let mut room = [0; 600];
        let key = session.public_key(0).unwrap().unwrap();
        assert_eq!(key.info(&mut room).unwrap(), desk.read("public.der"));
        let file = session.certificate(0).unwrap().unwrap();
        let mut certificate = Vec::new();
        ZlibDecoder::new(file.compressed)
            .read_to_end(&mut certificate)
            .unwrap();
        assert_eq!(certificate, desk.read("certificate.der"));
        assert_eq!(usize::from(file.len), certificate.len());

        // The key map and the file map go on from where OpenSC has left them.
        let proof = session.verify_pin(&pin("123456")).unwrap();
        let new = NewContainer {
            name: "second",
            size: KeySize::Rsa2048,
            is_default: false,
        };
        assert_eq!(session.create_container(&proof, &new), Ok(1));
        session.delete_container(&proof, 0).unwrap();
        assert!(session.try_admin_key(&mut admin_key()).unwrap());
    });
    let objects = desk.pkcs11("123456", &["--list-objects"]);
    assert!(!objects.contains("CN=Holder"), "{objects}");
    assert!(objects.contains("second"), "{objects}");
}

fn what_our_client_leaves_opensc_reads() {
    let desk = Desk::with_a_blank_card();
    initialise_with_ours(&desk);
    desk.ours(|session| {
        let proof = session.verify_pin(&pin("123456")).unwrap();
        let new = NewContainer {
            name: "{7d3f0c52-8a7e-4b1f-9a55-0d1c2b3a4e5f}",
            size: KeySize::Rsa2048,
            is_default: true,
        };
        assert_eq!(session.create_container(&proof, &new), Ok(0));
        let mut room = [0; 600];
        let key = session.public_key(0).unwrap().unwrap();
        desk.write("public.der", key.info(&mut room).unwrap());
    });
    let as_pem = ["-pubin", "-inform", "DER", "-in", "public.der"];
    desk.run(
        "openssl",
        &[&["pkey"], &as_pem[..], &["-out", "public.pem"]].concat(),
    );
    desk.certify("public.pem", "certificate.der");
    let certificate = desk.read("certificate.der");
    let mut compressed = Vec::new();
    ZlibEncoder::new(&certificate[..], Compression::best())
        .read_to_end(&mut compressed)
        .unwrap();
    desk.ours(|session| {
        let file = CertificateFile {
            len: u16::try_from(certificate.len()).unwrap(),
            compressed: &compressed,
        };
        let proof = session.verify_pin(&pin("123456")).unwrap();
        session.write_certificate(&proof, 0, &file, true).unwrap();
    });

    let read = ["--read-object", "--type", "cert", "--id", "00"];
    desk.pkcs11(
        "123456",
        &[&read[..], &["--output-file", "read.der"]].concat(),
    );
    assert_eq!(desk.read("read.der"), certificate);
    desk.sign_and_verify("123456", "00", "public.pem");
    let make = ["--keypairgen", "--key-type", "rsa:2048", "--id", "05"];
    desk.pkcs11("123456", &[&make[..], &["--label", "second"]].concat());
    let key = hex::encode(ADMIN_KEY);
    let unblock = ["--unblock", "--admin-key", &key, "--pin", "654321"];
    desk.run("gids-tool", &unblock);
    desk.ours(|session| {
        let old = session.verify_pin(&pin("123456"));
        assert_eq!(old, Err(Failed::PinWrong { tries: 2 }));
        let _proof = session.verify_pin(&pin("654321")).unwrap();
        assert!(session.container(1).is_ok());
    });
}

fn a_pin_is_unblocked_by_somebody_who_is_told_the_challenge() {
    use keysteward_core::admin_key::AdminKey;
    let desk = Desk::with_a_blank_card();
    initialise_with_gids_tool(&desk);
    desk.ours(|session| {
        session.block_pin().unwrap();
        let blocked = session.verify_pin(&pin("123456"));
        assert_eq!(blocked, Err(Error::PinBlocked));
        let challenge = session.give_challenge().unwrap();
        // Eight bytes there, eight bytes back: on paper, by telephone.
        let answer = admin_key().answer(Cipher::TripleDes, &[], &challenge);
        let answer = answer.unwrap().challenge[..].try_into().unwrap();
        let proof = session.answer_challenge(&answer).unwrap();
        session.set_pin(proof, &pin("654321")).unwrap();
    });
    desk.pkcs11("654321", &["--list-objects"]);
}
