//! OpenSC with our card: it finds the applet, proves the admin key, signs through PKCS #11.

use super::desk::Desk;
use keysteward_core::admin_key::Cipher;

stories! {
    opensc_knows_the_card
    what_pkcs11_signs_openssl_verifies
}

fn opensc_knows_the_card() {
    let desk = Desk::with_ours(Cipher::Aes192);
    let name = desk.run("opensc-tool", &["--name"]);
    assert!(
        name.contains("Personal Identity Verification Card"),
        "{name}"
    );
    desk.write(
        "admin.key",
        b"01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08",
    );
    // piv-tool takes the key's file from its environment alone.
    let proven = desk.run(
        "env",
        &["PIV_EXT_AUTH_KEY=admin.key", "piv-tool", "-A", "M:9B:0A"],
    );
    assert!(!proven.contains("failed"), "{proven}");
    desk.write(
        "wrong.key",
        b"02:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08",
    );
    let refused = desk.fail(
        "env",
        &["PIV_EXT_AUTH_KEY=wrong.key", "piv-tool", "-A", "M:9B:0A"],
    );
    assert!(refused.contains("failed"), "{refused}");
}

fn what_pkcs11_signs_openssl_verifies() {
    let desk = Desk::with_ours(Cipher::TripleDes);
    let tool =
        |arguments: &[&str]| desk.run("yubico-piv-tool", &[&["-r", "Virtual"], arguments].concat());
    tool(&["-a", "set-chuid", "-a", "set-ccc"]);
    for (slot, algorithm) in [("9a", "RSA2048"), ("9c", "ECCP256")] {
        let (public, certificate) = (format!("{slot}.pub"), format!("{slot}.pem"));
        tool(&["-a", "generate", "-s", slot, "-A", algorithm, "-o", &public]);
        desk.certify(&public, &certificate);
        tool(&["-a", "import-certificate", "-s", slot, "-i", &certificate]);
    }
    let pkcs11 = |arguments: &[&str]| {
        let module = ["--module", "opensc-pkcs11.so"];
        desk.run("pkcs11-tool", &[&module, arguments].concat())
    };
    let objects = pkcs11(&["--list-objects", "--type", "cert"]);
    assert!(objects.contains("CN=Holder"), "{objects}");

    desk.write("message", b"what is to be signed");
    desk.run(
        "openssl",
        &["dgst", "-sha256", "-binary", "-out", "digest", "message"],
    );
    for (id, slot, mechanism, input, format) in [
        ("01", "9a", "SHA256-RSA-PKCS", "message", None),
        (
            "02",
            "9c",
            "ECDSA",
            "digest",
            Some(["--signature-format", "openssl"]),
        ),
    ] {
        let format = format.as_ref().map_or(&[][..], |format| format);
        let login = [
            "--login",
            "--pin",
            "123456",
            "--sign",
            "--id",
            id,
            "--mechanism",
            mechanism,
        ];
        let files = ["--input-file", input, "--output-file", "signature"];
        pkcs11(&[&login[..], &files, format].concat());
        let public = format!("{slot}.pub");
        let verified = desk.run(
            "openssl",
            &[
                "dgst",
                "-sha256",
                "-verify",
                &public,
                "-signature",
                "signature",
                "message",
            ],
        );
        assert!(verified.contains("Verified OK"), "{verified}");
        let certificate = format!("{slot}.pem");
        let chain = desk.run("openssl", &["verify", "-CAfile", "ca.pem", &certificate]);
        assert!(chain.contains("OK"), "{chain}");
    }
    desk.fail(
        "pkcs11-tool",
        &[
            "--module",
            "opensc-pkcs11.so",
            "--login",
            "--pin",
            "111111",
            "--sign",
            "--id",
            "01",
            "--mechanism",
            "SHA256-RSA-PKCS",
            "--input-file",
            "message",
            "--output-file",
            "none",
        ],
    );
}
