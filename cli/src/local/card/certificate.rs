//! `keysteward --agent ADDRESS token card certificate`: certificates beside their keys.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use keysteward_proto::agent::v1::{self as wire, card_step::Verb};

use super::{
    Which,
    args::{Admin, Pin},
    change, inspect, pem,
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::{Format, Output},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a certificate beside its key
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card certificate import 9a alice.pem \\
      --admin-key-file admin.key")]
    Import {
        /// PIV: the key reference, such as 9a. GIDS: its number
        container: String,
        /// PEM or DER
        from: PathBuf,
        /// The one that signing in takes
        #[arg(long)]
        default: bool,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        admin: Admin,
        #[command(flatten)]
        pin: Pin,
    },
    /// Write a certificate to a file, as PEM
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card certificate export 9a --to alice.pem")]
    Export {
        /// PIV: the key reference, such as 9a. GIDS: its number
        container: String,
        /// It must not exist
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        which: Which,
    },
}

pub(super) async fn run(command: Command, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::Import {
            container,
            from,
            default,
            which,
            admin,
            pin,
        } => {
            let certificate = read(&from)?;
            let pin = pin.read_unless(admin.is_given())?;
            let keys = admin.read()?;
            let verb = Verb::WriteCertificate(wire::WriteCertificate {
                pin,
                admin: keys.proof(),
                container,
                certificate,
                is_default: default,
                guid: Vec::new(),
            });
            change(agent, &which, keys, "write-certificate", verb, output).await
        }
        Command::Export {
            container,
            to,
            which,
        } => {
            let (_, seen) = inspect(agent, &which).await?;
            let found = super::container(seen, &container)?;
            if found.certificate.is_empty() {
                return Err(Failure::wrong(
                    "container",
                    format!("{container}, which holds no certificate"),
                    "one that does; inspect shows them",
                ));
            }
            write(&to, "CERTIFICATE", &found.certificate)?;
            written(&to, output)
        }
    }
}

/// DER, from PEM or DER.
fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(Failure::file(path))?;
    if !bytes.starts_with(b"-----BEGIN") {
        return Ok(bytes);
    }
    match x509_parser::pem::parse_x509_pem(&bytes) {
        Ok((_, pem)) if pem.label == "CERTIFICATE" => Ok(pem.contents),
        _ => Err(Failure::wrong(
            path.display().to_string(),
            "something else",
            "a certificate in PEM or DER",
        )),
    }
}

/// A new file; an existing one is left alone.
pub(super) fn write(path: &Path, label: &str, der: &[u8]) -> Result<()> {
    let mut file = fs::File::create_new(path).map_err(Failure::file(path))?;
    std::io::Write::write_all(&mut file, pem(label, der).as_bytes()).map_err(Failure::file(path))
}

pub(super) fn written(path: &Path, output: &mut Output<'_>) -> Result<()> {
    match output.format() {
        Format::Json => output.json(&serde_json::json!({ "written": path })),
        Format::Table => output.say(&format!("written to {}", path.display())),
    }
}
