//! Other people's programs at the same reader: OpenSC, which signs, and OpenSSL, which verifies.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, Result, bail, ensure};

const MESSAGE: &str = "what is to be signed";

/// As PIV cards leave the factory, for AES-192 and 3DES.
const FACTORY_KEY: &str = "01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08";

/// A key as the PKCS #11 module names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    id: &'static str,
    mechanism: &'static str,
    format: &'static str,
}

impl Key {
    pub(super) const fn rsa(id: &'static str) -> Self {
        Self {
            id,
            mechanism: "SHA256-RSA-PKCS",
            format: "rs",
        }
    }

    pub(super) const fn ecdsa(id: &'static str) -> Self {
        Self {
            id,
            mechanism: "ECDSA-SHA256",
            format: "openssl",
        }
    }
}

/// A folder in which they work, and the chain that they trust.
#[derive(Debug)]
pub(super) struct OpenSc {
    folder: PathBuf,
    root: PathBuf,
    authority: PathBuf,
}

impl OpenSc {
    pub(super) fn new(folder: &Path, [root, authority]: [PathBuf; 2]) -> Self {
        Self {
            folder: folder.to_owned(),
            root,
            authority,
        }
    }

    /// Whether the card opens with this PIN.
    pub(super) fn opens(&self, pin: &str) -> Result<bool> {
        let output = self.pkcs11(pin, &["--list-objects", "--type", "privkey"])?;
        accepted(&output)
    }

    /// Whether each of these keys signs with this PIN. A signature that does not verify, or a
    /// certificate that the chain does not bear, is an error.
    pub(super) fn signs(&self, pin: &str, keys: &[Key]) -> Result<bool> {
        fs::write(self.folder.join("message"), MESSAGE)?;
        for key in keys {
            let sign = ["--sign", "--id", key.id, "--mechanism", key.mechanism];
            let files = ["--input-file", "message", "--output-file", "signature"];
            let format = ["--signature-format", key.format];
            let output = self.pkcs11(pin, &[&sign[..], &files, &format].concat())?;
            if !accepted(&output)? {
                return Ok(false);
            }
            self.verify(key)?;
        }
        Ok(true)
    }

    /// Encrypts a message to the key in this place, as who knows its certificate does.
    pub(super) fn encrypt(&self, key: &Key) -> Result<()> {
        fs::write(self.folder.join("message"), MESSAGE)?;
        self.verify_certificate(key)?;
        let encrypt = ["pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem"];
        let files = ["-in", "message", "-out", "encrypted"];
        self.done(self.command("openssl").args(encrypt).args(files))?;
        Ok(())
    }

    /// Whether the key in this place reads what was encrypted.
    pub(super) fn reads(&self, pin: &str, key: &Key) -> Result<bool> {
        let read = self.folder.join("read");
        fs::write(&read, "")?;
        let decrypt = ["--decrypt", "--id", key.id, "--mechanism", "RSA-PKCS"];
        let files = ["--input-file", "encrypted", "--output-file", "read"];
        let output = self.pkcs11(pin, &[&decrypt[..], &files].concat())?;
        Ok(output.status.success() && fs::read(&read)? == MESSAGE.as_bytes())
    }

    fn verify(&self, key: &Key) -> Result<()> {
        self.verify_certificate(key)?;
        let verify = ["dgst", "-sha256", "-verify", "public.pem"];
        self.done(self.command("openssl").args(verify).args([
            "-signature",
            "signature",
            "message",
        ]))?;
        Ok(())
    }

    /// The one that is on the card; its key is in `public.pem` then.
    fn verify_certificate(&self, key: &Key) -> Result<()> {
        let read = ["--read-object", "--type", "cert", "--id", key.id];
        self.done(
            self.command("pkcs11-tool")
                .args(["--module", "opensc-pkcs11.so"])
                .args(read)
                .args(["--output-file", "certificate.der"]),
        )?;
        let certificate = ["-inform", "DER", "-in", "certificate.der"];
        let openssl = || self.command("openssl");
        self.done(
            openssl()
                .arg("x509")
                .args(certificate)
                .args(["-out", "certificate.pem"]),
        )?;
        self.done(
            openssl()
                .arg("verify")
                .arg("-CAfile")
                .arg(&self.root)
                .arg("-untrusted")
                .arg(&self.authority)
                .arg("certificate.pem"),
        )?;
        let public = self.done(
            openssl()
                .arg("x509")
                .args(certificate)
                .args(["-pubkey", "-noout"]),
        )?;
        fs::write(self.folder.join("public.pem"), public)?;
        Ok(())
    }

    /// Whether the PIV card obeys the admin key of its factory.
    pub(super) fn factory_key_opens(&self) -> Result<bool> {
        fs::write(self.folder.join("factory.key"), FACTORY_KEY)?;
        let mut command = self.command("piv-tool");
        // It takes the key's file from its environment alone; 0A is AES-192.
        command.env("PIV_EXT_AUTH_KEY", "factory.key");
        let output = started(command.args(["-A", "M:9B:0A"]))?;
        let said = said(&output);
        match (output.status.success(), said.contains("failed")) {
            (true, false) => Ok(true),
            (_, true) => Ok(false),
            (false, false) => bail!("piv-tool: {said}"),
        }
    }

    fn pkcs11(&self, pin: &str, arguments: &[&str]) -> Result<Output> {
        // In no list of processes.
        let login = ["--login", "--pin", "env:CARD_PIN"];
        started(
            self.command("pkcs11-tool")
                .env("CARD_PIN", pin)
                .args(["--module", "opensc-pkcs11.so"])
                .args(login)
                .args(arguments),
        )
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        command
    }

    fn done(&self, command: &mut Command) -> Result<Vec<u8>> {
        let output = started(command)?;
        ensure!(
            output.status.success(),
            "{command:?} in {}: {}",
            self.folder.display(),
            said(&output)
        );
        Ok(output.stdout)
    }
}

fn started(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| {
        format!("cannot start {command:?}; cargo xtask installs it, by hand: apt-get install opensc openssl")
    })
}

/// Whether the PIN was; any other trouble is an error.
fn accepted(output: &Output) -> Result<bool> {
    let said = said(output);
    match output.status.success() {
        true => Ok(true),
        false
            if ["CKR_PIN_INCORRECT", "CKR_PIN_LOCKED"]
                .iter()
                .any(|why| said.contains(why)) =>
        {
            Ok(false)
        }
        false => bail!("pkcs11-tool: {said}"),
    }
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
