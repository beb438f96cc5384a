//! The authority inside the server, as who reads its certificates sees it: asked over HTTP, its
//! answers judged by OpenSSL.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{cli::Cli, server::Server};

/// A certification authority at the port of `[publish]`.
#[derive(Debug)]
pub struct BuiltinCa {
    url: String,
    folder: PathBuf,
    http: reqwest::Client,
    runtime: Runtime,
}

impl BuiltinCa {
    /// The one that `server` will have below this address; it is asked from `folder`.
    pub fn of(server: &Server, folder: &Path) -> Result<Self> {
        let folder = folder.join("builtin-ca");
        fs::create_dir_all(&folder)?;
        // It publishes over plain HTTP; a client wants to know of TLS all the same.
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Ok(Self {
            url: format!("http://{}/office", server.publish()),
            folder,
            http: reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .build()?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    /// Has the server make it, as the connection `name`.
    pub fn add_connection(&self, cli: &Cli, name: &str) -> Result<Value> {
        let add = ["connection", "add", "builtin-ca", name];
        cli.json(&[&add[..], &["--publish-url", &self.url]].concat())
    }

    /// PEM file of its certificate, which is a root, as it is published.
    pub fn authority(&self) -> Result<PathBuf> {
        self.fetch("ca.cer")?;
        let convert = ["x509", "-inform", "DER", "-in", "ca.cer", "-out", AUTHORITY];
        self.openssl(&convert)?;
        Ok(self.folder.join(AUTHORITY))
    }

    /// Whether the revocation list has this serial number, in hexadecimal. The responder must
    /// say the same.
    pub fn is_revoked(&self, serial: &str) -> Result<bool> {
        self.fetch("crl")?;
        let read = ["crl", "-inform", "DER", "-in", "crl", "-noout", "-text"];
        let list = self.openssl(&[&read[..], &["-CAfile", AUTHORITY]].concat())?;
        ensure!(
            list.contains("verify OK"),
            "the list is not its own: {list}"
        );
        let numbers = list.lines().filter_map(|line| {
            let number = line.trim().strip_prefix("Serial Number: ")?;
            Some(number.trim_start_matches('0').to_ascii_lowercase())
        });
        let serial = serial.trim_start_matches('0');
        let is_listed = numbers.into_iter().any(|number| number == serial);

        let asked = format!("0x{serial}");
        let (url, by) = (format!("{}/ocsp", self.url), ["-issuer", AUTHORITY]);
        let trust = ["-CAfile", AUTHORITY, "-url", &url, "-serial", &asked];
        let said = self.openssl(&[&["ocsp"], &by[..], &trust].concat())?;
        ensure!(said.contains("Response verify OK"), "not its own: {said}");
        let state = said
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{asked}: ")));
        match (is_listed, state) {
            (true, Some("revoked")) => Ok(true),
            (false, Some("good")) => Ok(false),
            _ => bail!("{serial} is listed: {is_listed}, but the responder says {said}"),
        }
    }

    /// Into a file of its name.
    fn fetch(&self, name: &str) -> Result<()> {
        let url = format!("{}/{name}", self.url);
        let bytes = self.runtime.block_on(async {
            let answer = self.http.get(&url).send().await?;
            anyhow::Ok(answer.error_for_status()?.bytes().await?)
        })?;
        fs::write(self.folder.join(name), bytes)?;
        Ok(())
    }

    /// All that it said.
    fn openssl(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .context("OpenSSL is missing: apt-get install openssl")?;
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(
            output.status.success(),
            "openssl {}: {said}",
            arguments.join(" ")
        );
        Ok(said)
    }
}

const AUTHORITY: &str = "ca.pem";
