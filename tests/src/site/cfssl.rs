//! The real cfssl as a process, with a key and a list of certificates of its own.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;

use super::{
    cli::Cli,
    process::{Process, eventually},
};

/// What `auth_keys` of its settings names, and the profile `authenticated` wants.
pub const SHARED_KEY: &str = "00112233445566778899aabbccddeeff";

/// A certification authority outside.
#[derive(Debug)]
pub struct Cfssl {
    process: Process,
    folder: PathBuf,
    port: u16,
}

impl Cfssl {
    /// Makes an authority in `folder`, which is there, and starts it.
    pub fn start(folder: &Path) -> Result<Self> {
        let folder = folder.to_owned();
        for (name, text) in [
            ("config.json", CONFIG),
            ("ca.json", CA),
            ("db.json", DATABASE),
            ("schema.sql", SCHEMA),
        ] {
            fs::write(folder.join(name), text)?;
        }
        run(
            &folder,
            "cfssl gencert -initca ca.json | cfssljson -bare ca && sqlite3 certs.db < schema.sql",
        )?;
        let mut command = Command::new("cfssl");
        // A port that was free a moment ago may be another's by now: the kernel chooses.
        command
            .args(["serve", "-address", "127.0.0.1", "-port", "0"])
            .args(["-ca", "ca.pem", "-ca-key", "ca-key.pem"])
            .args(["-config", "config.json", "-db-config", "db.json"])
            .current_dir(&folder);
        let mut process =
            Process::start("cfssl", &mut command, &folder.join("logs")).context(MISSING)?;
        let port = eventually("cfssl listens", Duration::from_secs(20), || {
            ensure!(process.runs(), "cfssl ended; it said:\n{}", process.said());
            listens_at(process.id())
        })?;
        Ok(Self {
            process,
            folder,
            port,
        })
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// PEM file of its certificate, which is a root.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Describes it to a server, as the connection `name`.
    pub fn add_connection(&self, cli: &Cli, name: &str) -> Result<Value> {
        let authority = self.authority();
        cli.json(&[
            "connection",
            "add",
            "cfssl",
            name,
            "--url",
            &self.url(),
            "--ca-profile",
            "smartcard",
            "--authority",
            authority.to_str().context("a path that is no text")?,
        ])
    }

    /// `STATUS|REASON`, as its list has them, of the certificate with this serial number in
    /// hexadecimal.
    pub fn listed(&self, serial: &str) -> Result<Option<String>> {
        let rows = self.query("SELECT status, reason, hex(pem) FROM certificates")?;
        for row in rows.lines() {
            let (said, pem) = row.rsplit_once('|').context("a row of one column")?;
            let der = CertificateDer::from_pem_slice(&hex::decode(pem)?)?;
            let (_, certificate) = x509_parser::parse_x509_certificate(&der)?;
            let listed = hex::encode(certificate.raw_serial());
            if listed.trim_start_matches('0') == serial.trim_start_matches('0') {
                return Ok(Some(said.to_owned()));
            }
        }
        Ok(None)
    }

    /// What its database answers.
    pub fn query(&self, sql: &str) -> Result<String> {
        run(&self.folder, &format!("sqlite3 certs.db \"{sql}\""))
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// The port of the one socket at which this process of ours waits, once it does. proc(5).
fn listens_at(process: u32) -> Result<Option<u16>> {
    let its = Path::new("/proc").join(process.to_string());
    let mut sockets = BTreeSet::new();
    for file in fs::read_dir(its.join("fd"))? {
        // It may have closed it by now.
        if let Ok(target) = fs::read_link(file?.path()) {
            sockets.insert(target.to_string_lossy().into_owned());
        }
    }
    let table = fs::read_to_string(its.join("net/tcp"))?;
    let found = table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let its_own = *state == LISTEN && sockets.contains(&format!("socket:[{inode}]"));
        its_own.then(|| local.rsplit_once(':'))?
    });
    found
        .map(|(_, port)| Ok(u16::from_str_radix(port, 16)?))
        .transpose()
}

fn run(folder: &Path, script: &str) -> Result<String> {
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{MISSING}: {script}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// In the kernel's table.
const LISTEN: &str = "0A";
const MISSING: &str = "cfssl and sqlite3 must be installed: cargo xtask does it, by hand: apt-get install golang-cfssl sqlite3";
const CA: &str =
    r#"{"CN":"Test Issuing CA","key":{"algo":"ecdsa","size":256},"names":[{"O":"Test"}]}"#;
const CONFIG: &str = r#"{
  "auth_keys": { "ours": { "type": "standard", "key": "00112233445566778899aabbccddeeff" } },
  "signing": {
    "default": { "expiry": "8760h", "usages": ["digital signature", "client auth"] },
    "profiles": {
      "smartcard": { "expiry": "8760h", "usages": ["digital signature", "client auth", "email protection"] },
      "authenticated": { "expiry": "8760h", "usages": ["digital signature", "client auth"], "auth_key": "ours" }
    }
  }
}"#;
const DATABASE: &str = r#"{"driver":"sqlite3","data_source":"certs.db"}"#;
const SCHEMA: &str = "CREATE TABLE certificates (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL, reason int, expiry timestamp, revoked_at timestamp, pem blob NOT NULL, PRIMARY KEY(serial_number, authority_key_identifier));
CREATE TABLE ocsp_responses (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, body blob NOT NULL, expiry timestamp, PRIMARY KEY(serial_number, authority_key_identifier));";
