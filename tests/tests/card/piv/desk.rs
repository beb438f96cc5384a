//! A card at a reader, and programs beside it.

use keysteward_core::admin_key::Cipher;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::nfcctap::Version;
use keysteward_core::session::Millis;
use keysteward_tests::pcscd::FIRST_READER;
use keysteward_virtual_token::authenticator::Environment;
use keysteward_virtual_token::card::{Applet, Card, Handler, Presence};
use keysteward_virtual_token::device::{Device, TouchPolicy};
use keysteward_virtual_token::front_end::vpcd::AtReader;
use keysteward_virtual_token::piv::{Piv, Product};
use keysteward_virtual_token::storage::MemoryStorage;
use rand_core::OsRng;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A folder of a story's own, and a card on the reader.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

/// In the place of FIDO's applet, which these cards do not have.
struct NoFido;

impl Handler for NoFido {
    fn version(&self) -> Version {
        Version::Other
    }

    fn power_up(&mut self, _: Millis) {}

    fn ctap2<'r>(&mut self, _: &[u8], _: &mut dyn Environment, response: &'r mut [u8]) -> &'r [u8] {
        &response[..0]
    }
}

impl Desk {
    /// With a card of ours, whose admin key is of this cipher.
    pub(crate) fn with_ours(admin_cipher: Cipher) -> Self {
        Self::with_applet(move || {
            let product = Product {
                serial: 12_345_678,
                admin_cipher,
                ..Product::default()
            };
            Piv::new(MemoryStorage::new(), RustCrypto(OsRng), product).unwrap()
        })
    }

    /// With a card that is this applet alone.
    pub(crate) fn with_applet<A: Applet + 'static>(
        make: impl FnOnce() -> A + Send + 'static,
    ) -> Self {
        let device = Device::new(TouchPolicy::Always);
        let powered = std::sync::Arc::clone(&device);
        // Firmware never ends; without power it sleeps.
        std::thread::spawn(move || {
            let card = Card::with_applets(NoFido, Presence::Field, (make(),)).without_fido();
            powered.run(&mut AtReader::with(Box::new(card), FIRST_READER.into()));
        });
        device.plug();
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
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

    /// A certificate in PEM for a public key that lies in a file, from an authority that is made
    /// for it.
    pub(crate) fn certify(&self, public: &str, certificate: &str) {
        if !self.path("ca.pem").exists() {
            self.run(
                "openssl",
                &[
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-keyout",
                    "ca.key",
                    "-out",
                    "ca.pem",
                    "-subj",
                    "/CN=Authority",
                    "-days",
                    "30",
                ],
            );
            self.run(
                "openssl",
                &["genpkey", "-algorithm", "ED25519", "-out", "other.key"],
            );
            self.run(
                "openssl",
                &[
                    "req",
                    "-new",
                    "-key",
                    "other.key",
                    "-subj",
                    "/CN=Holder",
                    "-out",
                    "request.pem",
                ],
            );
        }
        self.run(
            "openssl",
            &[
                "x509",
                "-req",
                "-in",
                "request.pem",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-force_pubkey",
                public,
                "-out",
                certificate,
                "-days",
                "30",
            ],
        );
    }

    fn output(&self, program: &str, arguments: &[&str]) -> (Output, String) {
        let found = ["/usr/bin", "/usr/local/bin"]
            .iter()
            .any(|folder| Path::new(folder).join(program).exists());
        assert!(
            found,
            "{program} is missing. `cargo xtask test` installs it; by hand: apt-get install opensc \
             yubico-piv-tool openssl"
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
