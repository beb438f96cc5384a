//! OpenSC initialises our card, is its administrator and its user.

use super::desk::Desk;

stories! {
    gids_tool_initialises_a_blank_card_once
    gids_tool_is_the_administrator_with_the_right_key_alone
    a_key_is_made_certified_and_used_through_pkcs11
    a_key_is_brought_from_elsewhere
}

const ADMIN_KEY: &str = "000102030405060708090a0b0c0d0e0f1011121314151617";
const OTHER_KEY: &str = "101112131415161718191a1b1c1d1e1f2021222324252627";

fn initialised() -> Desk {
    let desk = Desk::with_a_blank_card();
    initialise(&desk);
    desk
}

fn initialise(desk: &Desk) -> String {
    let secrets = ["--admin-key", ADMIN_KEY, "--pin", "123456"];
    let serial = ["--serial-number", "00112233445566778899aabbccddeeff"];
    let initialise = [&["--initialize"], &secrets[..], &serial].concat();
    desk.run("gids-tool", &initialise)
}

fn tries_left(desk: &Desk) -> Option<String> {
    let dump = desk.run("pkcs15-tool", &["--dump"]);
    let line = dump.lines().find(|line| line.contains("Tries left"))?;
    Some(line.split(": ").nth(1)?.to_owned())
}

fn gids_tool_initialises_a_blank_card_once() {
    let desk = Desk::with_a_blank_card();
    let name = desk.run("opensc-tool", &["--name"]);
    assert!(name.contains("GIDS"), "{name}");
    let first = initialise(&desk);
    assert!(!first.contains("failed"), "{first}");
    let dump = desk.run("pkcs15-tool", &["--dump"]);
    assert!(dump.contains("00112233445566778899aabbccddeeff"), "{dump}");
    assert_eq!(tries_left(&desk).as_deref(), Some("3"));
    let again = initialise(&desk);
    assert!(again.contains("failed"), "{again}");
}

fn gids_tool_is_the_administrator_with_the_right_key_alone() {
    let desk = initialised();
    for left in ["2", "1", "0", "0"] {
        desk.pkcs11_fail("000000", &["--list-objects", "--type", "privkey"]);
        assert_eq!(tries_left(&desk).as_deref(), Some(left));
    }
    let unblock = |key| ["--unblock", "--admin-key", key, "--pin", "654321"];
    let refused = desk.fail("gids-tool", &unblock(OTHER_KEY));
    assert!(refused.contains("Security status"), "{refused}");
    assert_eq!(tries_left(&desk).as_deref(), Some("0"));

    let change = ["--change-admin-key", "--admin-key", ADMIN_KEY];
    let change = [&change[..], &["--new-admin-key", OTHER_KEY]].concat();
    desk.run("gids-tool", &change);
    let refused = desk.fail("gids-tool", &unblock(ADMIN_KEY));
    assert!(refused.contains("Security status"), "{refused}");
    desk.run("gids-tool", &unblock(OTHER_KEY));
    assert_eq!(tries_left(&desk).as_deref(), Some("3"));

    desk.pkcs11("654321", &["--change-pin", "--new-pin", "11112222"]);
    desk.pkcs11_fail("654321", &["--list-objects"]);
    desk.pkcs11("11112222", &["--list-objects"]);
}

fn a_key_is_made_certified_and_used_through_pkcs11() {
    let desk = initialised();
    let make = ["--keypairgen", "--key-type", "rsa:2048", "--id", "00"];
    desk.pkcs11("123456", &[&make[..], &["--label", "first"]].concat());
    let public = ["--read-public-key", "00", "--output", "public.pem"];
    desk.run("pkcs15-tool", &public);
    desk.sign_and_verify("123456", "00", "public.pem");

    desk.certify("public.pem", "certificate.der");
    let write = ["--write-object", "certificate.der", "--type", "cert"];
    let named = ["--id", "00", "--label", "first"];
    desk.pkcs11("123456", &[&write[..], &named].concat());
    let objects = desk.pkcs11("123456", &["--list-objects"]);
    assert!(objects.contains("CN=Holder"), "{objects}");
    let read = ["--read-object", "--type", "cert", "--id", "00"];
    desk.pkcs11(
        "123456",
        &[&read[..], &["--output-file", "read.der"]].concat(),
    );
    assert_eq!(desk.read("read.der"), desk.read("certificate.der"));

    desk.write("secret", b"what is to be kept");
    let encrypt = ["pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem"];
    let files = ["-in", "secret", "-out", "kept"];
    desk.run("openssl", &[&encrypt[..], &files].concat());
    let decrypt = ["--decrypt", "--mechanism", "RSA-PKCS", "--id", "00"];
    let files = ["--input-file", "kept", "--output-file", "found"];
    desk.pkcs11("123456", &[&decrypt[..], &files].concat());
    assert_eq!(desk.read("found"), b"what is to be kept");

    for kind in ["cert", "privkey"] {
        desk.pkcs11("123456", &["--delete-object", "--type", kind, "--id", "00"]);
    }
    let objects = desk.pkcs11("123456", &["--list-objects"]);
    assert!(!objects.contains("CN=Holder"), "{objects}");
    let make = ["--keypairgen", "--key-type", "rsa:2048", "--id", "05"];
    desk.pkcs11("123456", &[&make[..], &["--label", "second"]].concat());
    desk.run("pkcs15-tool", &public);
    desk.sign_and_verify("123456", "00", "public.pem");
}

fn a_key_is_brought_from_elsewhere() {
    let desk = initialised();
    for (bits, id) in [("1024", "00"), ("2048", "01")] {
        desk.run(
            "openssl",
            &["genrsa", "-traditional", "-out", "key.pem", bits],
        );
        let der = ["-outform", "DER", "-out", "key.der"];
        desk.run("openssl", &[&["rsa", "-in", "key.pem"], &der[..]].concat());
        desk.run(
            "openssl",
            &["rsa", "-in", "key.pem", "-pubout", "-out", "public.pem"],
        );
        let write = ["--write-object", "key.der", "--type", "privkey"];
        let named = ["--id", id, "--label", bits];
        desk.pkcs11("123456", &[&write[..], &named].concat());
        desk.sign_and_verify("123456", id, "public.pem");
    }
}
