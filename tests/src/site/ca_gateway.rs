//! The CA Gateway stand-in as a process, and the administrator of the authority behind it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    cable::Cable,
    cli::Cli,
    process::{Process, eventually, program},
};
use crate::ca_gateway_stand_in::Fault;

/// A certification authority outside.
#[derive(Debug)]
pub struct CaGateway {
    process: Process,
    /// `url`, `console`, `ca_id`, `root`, `client_p12`, `client_password_file`.
    ready: Value,
    http: reqwest::Client,
    runtime: Runtime,
    /// From the server to it.
    pub cable: Cable,
}

impl CaGateway {
    /// Starts it; what it hands out lies in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new(program("ca_gateway_stand_in")?);
        command.arg("--directory").arg(folder.join("ca-gateway"));
        let (process, line) = Process::start_and_read_line(
            "ca-gateway-stand-in",
            &mut command,
            &folder.join("logs"),
        )?;
        let ready: Value = serde_json::from_str(&line)
            .with_context(|| format!("the stand-in said {line:?} when ready"))?;
        Ok(Self {
            process,
            http: https(text(&ready, "root")?, text(&ready, "client_pem")?)?,
            cable: Cable::lay(address(&ready)?)?,
            ready,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    /// One of the facts it told when it was ready.
    pub fn fact(&self, name: &str) -> Result<&str> {
        text(&self.ready, name)
    }

    /// Describes it to a server, as the connection `name`, at the other end of the cable.
    pub fn add_connection(&self, cli: &Cli, name: &str) -> Result<Value> {
        self.add_connection_with(cli, name, &[])
    }

    /// The same, with more options.
    pub fn add_connection_with(&self, cli: &Cli, name: &str, options: &[&str]) -> Result<Value> {
        let url = self.fact("url")?.replacen(
            &address(&self.ready)?.to_string(),
            &self.cable.address().to_string(),
            1,
        );
        let add = [
            "connection",
            "add",
            "entrust-ca-gateway",
            name,
            "--url",
            &url,
            "--ca-id",
            self.fact("ca_id")?,
            "--roots",
            self.fact("root")?,
            "--pkcs12",
            self.fact("client_p12")?,
            "--password-file",
            self.fact("client_password_file")?,
        ];
        cli.json(&[&add[..], options].concat())
    }

    /// Makes a coming request go wrong.
    pub fn fault(&self, fault: &Fault) -> Result<()> {
        self.runtime.block_on(async {
            let request = self.http.post(self.faults()?).json(fault);
            request.send().await?.error_for_status()?;
            Ok(())
        })
    }

    /// Faults that still wait for their request.
    pub fn faults_left(&self) -> Result<usize> {
        self.runtime.block_on(async {
            let response = self.http.get(self.faults()?).send().await?;
            let left: Vec<Value> = response.error_for_status()?.json().await?;
            Ok(left.len())
        })
    }

    /// Waits until every fault that was set has found its request.
    pub fn wait_until_struck(&self) -> Result<()> {
        let struck = || Ok((self.faults_left()? == 0).then_some(()));
        eventually("the request arrives at the authority", SOON, struck)
    }

    /// Lets everything go right again.
    pub fn clear_faults(&self) -> Result<()> {
        self.runtime.block_on(async {
            let request = self.http.delete(self.faults()?);
            request.send().await?.error_for_status()?;
            Ok(())
        })
    }

    fn faults(&self) -> Result<String> {
        Ok(format!("https://{}/faults", address(&self.ready)?))
    }

    /// What the authority has issued, as its administrator sees it: `serialNumber`, `subjectName`,
    /// `status`.
    pub fn certificates(&self) -> Result<Vec<Value>> {
        let url = format!("{}/certificates", self.fact("console")?);
        let answer = self.runtime.block_on(async {
            let response = self.http.get(url).send().await?;
            anyhow::Ok(response.error_for_status()?.json::<Value>().await?)
        })?;
        match answer {
            Value::Array(certificates) => Ok(certificates),
            other => anyhow::bail!("the stand-in's console answered {other}"),
        }
    }

    /// PEM files of the root above the authority, and of the authority itself, as it shows them.
    pub fn chain(&self, folder: &Path) -> Result<[PathBuf; 2]> {
        let url = format!(
            "{}/v1/certificate-authorities/{}?$fields=ca.certificate,ca.chain",
            self.fact("url")?,
            self.fact("ca_id")?
        );
        let answer = self.runtime.block_on(async {
            let request = self.http.get(url).header("accept", "application/json");
            let response = request.send().await?;
            anyhow::Ok(response.error_for_status()?.json::<Value>().await?)
        })?;
        let ca = &answer["ca"];
        let [root, authority] = ["root.pem", "authority.pem"].map(|name| folder.join(name));
        fs::write(&root, pem(text(&ca["chain"][0], "certificateData")?))?;
        fs::write(
            &authority,
            pem(text(&ca["certificate"], "certificateData")?),
        )?;
        Ok([root, authority])
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// A client that has the certificate which the gateway wants.
fn https(root: &str, client: &str) -> Result<reqwest::Client> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root)?)?;
    let chain = CertificateDer::pem_file_iter(client)?.collect::<Result<Vec<_>, _>>()?;
    ensure!(!chain.is_empty(), "{client} holds no certificate");
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(client)?)?;
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()?)
}

/// RFC 7468.
fn pem(base64: &str) -> String {
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

fn address(ready: &Value) -> Result<SocketAddr> {
    let port = ready["port"].as_u64().context("no port")?;
    Ok(SocketAddr::from((
        Ipv4Addr::LOCALHOST,
        u16::try_from(port)?,
    )))
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value[name]
        .as_str()
        .with_context(|| format!("no text {name} in {value}"))
}

const SOON: Duration = Duration::from_secs(20);
