//! What OpenSSL makes of our certificates, revocation lists and answers.

use super::*;
use std::{
    path::Path,
    process::{Command, Output},
};

/// A site in today's time, because OpenSSL looks at the clock, and a folder.
struct Desk {
    site: Site,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::new();
        let ca = pem("CERTIFICATE", site.ca.own_certificate());
        std::fs::write(folder.path().join("ca.pem"), ca).unwrap();
        Self { site, folder }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    /// Its standard output and error as one text.
    fn openssl(&self, arguments: &str) -> (bool, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = run(self.folder.path(), arguments);
        let text = [stdout, stderr].concat();
        (status.success(), String::from_utf8(text).unwrap())
    }

    async fn write_crl(&self) {
        let crl = self.site.ca.crl().await.unwrap();
        self.write("crl.pem", pem("X509 CRL", &crl).as_bytes());
    }

    async fn ocsp(&self, hash: &str) -> String {
        let question = std::fs::read(self.folder.path().join("question.der")).unwrap();
        let answer = self.site.ca.ocsp(&question).await.unwrap();
        self.write("answer.der", &answer);
        let (_, text) = self.openssl(&format!(
            "ocsp {hash} -respin answer.der -no_nonce -issuer ca.pem -cert bob.pem -CAfile ca.pem \
             -verify_other ca.pem -attime 1793491200 -validity_period 900000000"
        ));
        text
    }
}

fn run(folder: &Path, arguments: &str) -> Output {
    Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("openssl must be installed: apt-get install openssl")
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

#[tokio::test]
async fn openssl_reads_what_smart_card_logon_needs() {
    let desk = Desk::new();
    let issued = desk.site.issue("1").await;
    desk.write(
        "bob.pem",
        pem("CERTIFICATE", issued.certificate()).as_bytes(),
    );
    let (_, text) = desk.openssl("x509 -in bob.pem -noout -text -nameopt RFC2253,utf8,-esc_msb");
    for expected in [
        "Subject: emailAddress=bob@example.com,CN=Bob Smith,O=Müller & Söhne,C=DE",
        "othername: UPN::bob@ad.example.com, email:bob@example.com, DNS:bob.example.com, \
         URI:tag:microsoft.com,2022-09-14:sid:S-1-5-21-1",
        "TLS Web Client Authentication, Microsoft Smartcard Login",
        "Digital Signature",
        "CA:FALSE",
        "URI:http://pki.example.com/ca/crl",
        "OCSP - URI:http://pki.example.com/ca/ocsp",
        "CA Issuers - URI:http://pki.example.com/ca/ca.cer",
        "X509v3 Authority Key Identifier",
        "X509v3 Subject Key Identifier",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let (good, text) = desk.openssl(
        "verify -CAfile ca.pem -x509_strict -purpose sslclient -attime 1793491200 bob.pem",
    );
    assert!(good, "{text}");
}

#[tokio::test]
async fn openssl_sees_holds_releases_and_revocations_in_the_list() {
    let desk = Desk::new();
    let issued = desk.site.issue("1").await;
    desk.write(
        "bob.pem",
        pem("CERTIFICATE", issued.certificate()).as_bytes(),
    );
    let verify = "verify -CAfile ca.pem -crl_check -CRLfile crl.pem -attime 1793491200 bob.pem";
    desk.write_crl().await;
    let (good, text) = desk.openssl(verify);
    assert!(good, "{text}");

    desk.site.ca.hold(issued.serial()).await.unwrap();
    desk.write_crl().await;
    let (good, text) = desk.openssl(verify);
    assert!(!good && text.contains("certificate revoked"), "{text}");
    let (_, text) = desk.openssl("crl -in crl.pem -noout -text");
    assert!(text.contains("Certificate Hold"), "{text}");

    desk.site.ca.unhold(issued.serial()).await.unwrap();
    desk.write_crl().await;
    let (good, text) = desk.openssl(verify);
    assert!(good, "{text}");

    let reason = Reason::KeyCompromise;
    desk.site.ca.revoke(issued.serial(), reason).await.unwrap();
    desk.write_crl().await;
    let (good, text) = desk.openssl(verify);
    assert!(!good && text.contains("certificate revoked"), "{text}");
    let (_, text) = desk.openssl("crl -in crl.pem -noout -text -CAfile ca.pem");
    assert!(text.contains("Key Compromise"), "{text}");
    assert!(text.contains("verify OK"), "{text}");
    // A list for each change, each with its own number.
    assert!(
        text.contains("X509v3 CRL Number: \n                4"),
        "{text}"
    );
}

#[tokio::test]
async fn openssl_believes_the_responder() {
    for hash in ["-sha1", "-sha256"] {
        let desk = Desk::new();
        let issued = desk.site.issue("1").await;
        desk.write(
            "bob.pem",
            pem("CERTIFICATE", issued.certificate()).as_bytes(),
        );
        let ask = format!("ocsp {hash} -issuer ca.pem -cert bob.pem -nonce -reqout question.der");
        let (good, text) = desk.openssl(&ask);
        assert!(good, "{text}");
        let text = desk.ocsp(hash).await;
        assert!(text.contains("Response verify OK"), "{text}");
        assert!(text.contains("bob.pem: good"), "{text}");
        let nonce = |text: String| {
            let (_, after) = text.split_once("OCSP Nonce:").expect("no nonce");
            after.lines().nth(1).map(|line| line.trim().to_owned())
        };
        let (_, asked) = desk.openssl("ocsp -reqin question.der -req_text");
        let (_, told) = desk.openssl("ocsp -respin answer.der -resp_text -noverify");
        assert_eq!(nonce(told), nonce(asked));

        desk.site.ca.hold(issued.serial()).await.unwrap();
        let text = desk.ocsp(hash).await;
        assert!(text.contains("bob.pem: revoked"), "{text}");
        assert!(text.contains("Reason: certificateHold"), "{text}");
        desk.site
            .ca
            .revoke(issued.serial(), Reason::Superseded)
            .await
            .unwrap();
        let text = desk.ocsp(hash).await;
        assert!(text.contains("Reason: superseded"), "{text}");
    }
}

#[tokio::test]
async fn the_responder_knows_nothing_of_others_certificates() {
    let desk = Desk::new();
    let other = Desk::new();
    let issued = other.site.issue("1").await;
    desk.write(
        "bob.pem",
        pem("CERTIFICATE", issued.certificate()).as_bytes(),
    );
    let ask = "ocsp -issuer ca.pem -cert bob.pem -reqout question.der";
    assert!(desk.openssl(ask).0);
    let text = desk.ocsp("-sha1").await;
    assert!(text.contains("bob.pem: unknown"), "{text}");
}

#[tokio::test]
async fn rsa_and_other_curves_are_certified_and_openssl_agrees() {
    for (kind, options) in [
        ("RSA", "-pkeyopt rsa_keygen_bits:2048"),
        ("EC", "-pkeyopt ec_paramgen_curve:P-384"),
        ("ED25519", ""),
    ] {
        let desk = Desk::new();
        assert!(
            desk.openssl(&format!("genpkey -algorithm {kind} {options} -out key.pem"))
                .0
        );
        let ask = "req -new -key key.pem -subj /CN=Bob -outform DER -out request.der";
        assert!(desk.openssl(ask).0);
        let request = std::fs::read(desk.folder.path().join("request.der")).unwrap();
        let mut wanted = enrolment("1", &KeyPair::generate().unwrap());
        wanted.request = CertificationRequest::verify(&request).unwrap();
        wanted.profile = "encryption".to_owned();
        let Enrolled::Issued(issued) = desk.site.ca.enrol(&wanted).await.unwrap() else {
            panic!("pending");
        };
        desk.write(
            "bob.pem",
            pem("CERTIFICATE", issued.certificate()).as_bytes(),
        );
        let verify = "verify -CAfile ca.pem -attime 1793491200 bob.pem";
        let (good, text) = desk.openssl(verify);
        assert!(good, "{kind}: {text}");
        let (_, text) = desk.openssl("x509 -in bob.pem -noout -text");
        let usage = if kind == "RSA" {
            "Key Encipherment"
        } else {
            "Key Agreement"
        };
        assert!(text.contains(usage), "{kind}: {text}");
    }
}

#[tokio::test]
async fn a_ca_under_ones_own_root_signs_with_its_own_key() {
    let desk = Desk::new();
    for arguments in [
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=Root \
         -addext keyUsage=critical,keyCertSign,cRLSign -days 3650",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out issuing.key",
        "req -new -key issuing.key -subj /C=DE/O=Acme/CN=Issuing -out issuing.csr \
         -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
         -addext keyUsage=critical,keyCertSign,cRLSign",
        "x509 -req -in issuing.csr -CA root.pem -CAkey root.key -days 1000 -out issuing.pem \
         -copy_extensions copyall",
    ] {
        let (good, text) = desk.openssl(arguments);
        assert!(good, "{text}");
    }
    let read = |name: &str| std::fs::read_to_string(desk.folder.path().join(name)).unwrap();
    let authority = read("issuing.pem") + &read("root.pem");
    let key = Zeroizing::new(read("issuing.key"));
    let now: Timestamp = NOW.parse().unwrap();
    let (settings, secret) = Settings::import(&authority, &key, PUBLISH_URL, 30, now).unwrap();
    let site = Site::of(&settings, &secret);
    let issued = site.issue("1").await;
    assert_eq!(issued.chain().len(), 2);
    desk.write("ca.pem", authority.as_bytes());
    desk.write(
        "bob.pem",
        pem("CERTIFICATE", issued.certificate()).as_bytes(),
    );
    let ask = "ocsp -issuer issuing.pem -cert bob.pem -reqout question.der";
    assert!(desk.openssl(ask).0);
    let question = std::fs::read(desk.folder.path().join("question.der")).unwrap();
    desk.write("answer.der", &site.ca.ocsp(&question).await.unwrap());
    let (_, text) = desk.openssl(
        "ocsp -respin answer.der -no_nonce -issuer issuing.pem -cert bob.pem \
         -CAfile ca.pem -verify_other issuing.pem -no_check_time -validity_period 900000000",
    );
    assert!(text.contains("Response verify OK"), "{text}");
    assert!(text.contains("bob.pem: good"), "{text}");
}
