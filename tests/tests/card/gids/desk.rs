//! A GIDS card on the reader, programs beside it, and our own client.

use keysteward_agent::transport::pcsc::{PcscError, PcscLink, Service};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::gids::session::{Buffers, Error, Session};
use keysteward_core::iso7816::CardTransport;
use keysteward_tests::pcscd::FIRST_READER;
use keysteward_tests::site::card::Card;
use rand_core::OsRng;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A blank card in a process of its own, and a folder.
pub(crate) struct Desk {
    folder: TempDir,
    _card: Card,
}

pub(crate) type Failed = Error<PcscError>;
pub(crate) type Flow<'t> = Session<'t, PcscLink, RustCrypto<OsRng>>;

/// What OpenSC's PKCS #11 module is found by.
const MODULE: [&str; 2] = ["--module", "opensc-pkcs11.so"];

impl Desk {
    pub(crate) fn with_a_blank_card() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let card = Card::start("gids", "card", folder.path(), FIRST_READER).unwrap();
        let desk = Self {
            folder,
            _card: card,
        };
        let begun = Instant::now();
        while !desk.run("opensc-tool", &["--list-readers"]).contains("Yes") {
            assert!(begun.elapsed() < Duration::from_secs(20), "no card");
            std::thread::sleep(Duration::from_millis(50));
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs a program in the folder; what it said, both ways.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let (output, said) = self.output(program, arguments);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        said
    }

    /// The same for what has to fail.
    pub(crate) fn fail(&self, program: &str, arguments: &[&str]) -> String {
        let (output, said) = self.output(program, arguments);
        assert!(!output.status.success(), "{program} {arguments:?}: {said}");
        said
    }

    /// OpenSC's PKCS #11, as the user with this PIN.
    pub(crate) fn pkcs11(&self, pin: &str, arguments: &[&str]) -> String {
        let login = ["--login", "--pin", pin];
        self.run("pkcs11-tool", &[&MODULE, &login[..], arguments].concat())
    }

    /// The same for what has to fail.
    pub(crate) fn pkcs11_fail(&self, pin: &str, arguments: &[&str]) -> String {
        let login = ["--login", "--pin", pin];
        self.fail("pkcs11-tool", &[&MODULE, &login[..], arguments].concat())
    }

    /// What is signed through PKCS #11 with the key of this id, OpenSSL verifies with the key in
    /// this file.
    pub(crate) fn sign_and_verify(&self, pin: &str, id: &str, public: &str) {
        self.write("message", b"what is to be signed");
        let sign = ["--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", id];
        let files = ["--input-file", "message", "--output-file", "signature"];
        self.pkcs11(pin, &[&sign[..], &files].concat());
        let verify = ["dgst", "-sha256", "-verify", public];
        let what = ["-signature", "signature", "message"];
        let verified = self.run("openssl", &[&verify[..], &what].concat());
        assert!(verified.contains("Verified OK"), "{verified}");
    }

    /// A certificate in DER for the public key in a file.
    pub(crate) fn certify(&self, public: &str, certificate: &str) {
        let openssl = |line: &str| {
            let arguments: Vec<&str> = line.split(' ').collect();
            self.run("openssl", &arguments);
        };
        openssl("genpkey -algorithm ED25519 -out other.key");
        openssl("req -new -key other.key -subj /CN=Holder -out request.pem");
        openssl("req -x509 -key other.key -subj /CN=Authority -out ca.pem -days 30");
        openssl(&format!(
            "x509 -req -in request.pem -CA ca.pem -CAkey other.key -CAcreateserial -days 30 \
             -force_pubkey {public} -outform DER -out {certificate}"
        ));
    }

    /// Our own client, for as long as it takes: it holds the card meanwhile.
    pub(crate) fn ours<R>(&self, act: impl FnOnce(&mut Flow<'_>) -> R) -> R {
        let service = Service::connect().unwrap();
        let readers = service.readers().unwrap();
        let reader = readers.into_iter().find(|reader| reader.has_card());
        let card = service.open(&reader.unwrap()).unwrap();
        let mut link = card.hold().unwrap();
        let deadline = link.now().after(60_000);
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
        let mut session = Session::new(&mut link, &mut crypto, &mut buffers, deadline);
        session.select().unwrap();
        act(&mut session)
    }

    fn output(&self, program: &str, arguments: &[&str]) -> (Output, String) {
        assert!(
            Path::new("/usr/bin").join(program).exists(),
            "{program} is missing. `cargo xtask test` installs it; by hand: apt-get install opensc \
             openssl"
        );
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output, said)
    }
}
