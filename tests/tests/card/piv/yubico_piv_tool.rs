//! The life of our card by Yubico's own client. Version 2.2 knows admin keys of 3DES alone, and
//! cannot sign certificates beside OpenSSL 3, which an authority does here.

use super::desk::Desk;
use keysteward_core::admin_key::Cipher;

stories! {
    the_life_of_a_card
    pins_are_blocked_unblocked_and_the_card_reset
}

fn tool(desk: &Desk, arguments: &[&str]) -> String {
    desk.run("yubico-piv-tool", &[&["-r", "Virtual"], arguments].concat())
}

fn refused(desk: &Desk, arguments: &[&str]) -> String {
    desk.fail("yubico-piv-tool", &[&["-r", "Virtual"], arguments].concat())
}

const NEW_KEY: &str = "0102030405060708010203040506070801020304050607FF";

fn the_life_of_a_card() {
    let desk = Desk::with_ours(Cipher::TripleDes);
    assert!(tool(&desk, &["-a", "version"]).contains("5.7.4"));
    let status = tool(&desk, &["-a", "status"]);
    assert!(status.contains("12345678"), "{status}");
    assert!(status.contains("PIN tries left:\t3"), "{status}");

    tool(&desk, &["-a", "set-mgm-key", "-n", NEW_KEY]);
    refused(&desk, &["-a", "set-chuid"]);
    let key = format!("-k{NEW_KEY}");
    tool(&desk, &[&key, "-a", "set-chuid", "-a", "set-ccc"]);

    for (slot, algorithm) in [("9a", "ECCP256"), ("9c", "RSA2048"), ("9d", "ECCP384")] {
        let (public, certificate) = (format!("{slot}.pub"), format!("{slot}.pem"));
        tool(
            &desk,
            &[
                &key, "-a", "generate", "-s", slot, "-A", algorithm, "-o", &public,
            ],
        );
        desk.certify(&public, &certificate);
        tool(
            &desk,
            &[
                &key,
                "-a",
                "import-certificate",
                "-s",
                slot,
                "-i",
                &certificate,
            ],
        );
        let read = tool(&desk, &["-a", "read-certificate", "-s", slot, "-o", "-"]);
        let written = String::from_utf8(desk.read(&certificate)).unwrap();
        assert!(read.contains(written.trim()), "{slot}: {read}");
        tool(
            &desk,
            &[
                "-a",
                "verify-pin",
                "-P",
                "123456",
                "-a",
                "test-signature",
                "-s",
                slot,
                "-i",
                &certificate,
            ][..if slot == "9d" { 4 } else { 10 }],
        );
        tool(
            &desk,
            &[
                "-a",
                "attest",
                "-s",
                slot,
                "-o",
                &format!("{slot}.attested"),
            ],
        );
    }
    // Whoever vouches for the keys is a certificate away.
    tool(
        &desk,
        &["-a", "read-certificate", "-s", "f9", "-o", "f9.pem"],
    );
    for slot in ["9a", "9c", "9d"] {
        let attested = format!("{slot}.attested");
        let verified = desk.run("openssl", &["verify", "-CAfile", "f9.pem", &attested]);
        assert!(verified.contains("OK"), "{verified}");
        let public = desk.run("openssl", &["x509", "-in", &attested, "-noout", "-pubkey"]);
        let expected = String::from_utf8(desk.read(&format!("{slot}.pub"))).unwrap();
        assert_eq!(public.trim(), expected.trim());
    }

    tool(&desk, &[&key, "-a", "delete-certificate", "-s", "9a"]);
    let status = tool(&desk, &["-a", "status"]);
    assert!(status.contains("Slot 9c"), "{status}");
    assert!(!status.contains("Slot 9a"), "{status}");
}

fn pins_are_blocked_unblocked_and_the_card_reset() {
    let desk = Desk::with_ours(Cipher::TripleDes);
    tool(&desk, &["-a", "change-pin", "-P", "123456", "-N", "654321"]);
    tool(
        &desk,
        &["-a", "change-puk", "-P", "12345678", "-N", "87654321"],
    );
    tool(&desk, &["-a", "verify-pin", "-P", "654321"]);
    for _ in 0..3 {
        refused(&desk, &["-a", "verify-pin", "-P", "111111"]);
    }
    let blocked = refused(&desk, &["-a", "verify-pin", "-P", "654321"]);
    assert!(blocked.contains("blocked"), "{blocked}");
    tool(
        &desk,
        &["-a", "unblock-pin", "-P", "87654321", "-N", "222222"],
    );
    tool(&desk, &["-a", "verify-pin", "-P", "222222"]);

    tool(
        &desk,
        &[
            "-a",
            "verify-pin",
            "-P",
            "222222",
            "-a",
            "pin-retries",
            "--pin-retries",
            "5",
            "--puk-retries",
            "4",
        ],
    );
    let status = tool(&desk, &["-a", "status"]);
    assert!(status.contains("PIN tries left:\t5"), "{status}");
    tool(&desk, &["-a", "verify-pin", "-P", "123456"]);

    refused(&desk, &["-a", "reset"]);
    for _ in 0..5 {
        refused(&desk, &["-a", "verify-pin", "-P", "111111"]);
    }
    for _ in 0..4 {
        refused(
            &desk,
            &["-a", "unblock-pin", "-P", "11111111", "-N", "222222"],
        );
    }
    tool(&desk, &["-a", "reset"]);
    let status = tool(&desk, &["-a", "status"]);
    assert!(status.contains("PIN tries left:\t3"), "{status}");
    assert!(status.contains("CHUID:\tNo data available"), "{status}");
}
