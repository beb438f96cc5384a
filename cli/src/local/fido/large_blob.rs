//! `keysteward --agent ADDRESS token fido blob`: data that credentials carry with them.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;
use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};
use serde::Serialize;

use super::{
    Key, OTHER, credential, prove,
    user::{Proven, Wanted},
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::{Format, Output, View},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Which credentials carry data, and how full the key is
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido blob list")]
    List {
        #[command(flatten)]
        key: Key,
    },
    /// Write a credential's data to standard output, or to a file
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido blob read kX3yB0Yq --to cert.der")]
    Read {
        /// As `credentials` shows it: base64url
        credential_id: String,
        /// File to write; it must not exist
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        key: Key,
    },
    /// Let a credential carry data, in the place of what it carries
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido blob write kX3yB0Yq cert.der

The credential must have been made with a large blob key. Data is compressed; a key has room for
1 to 4 KiB as a rule.")]
    Write {
        /// As `credentials` shows it: base64url
        credential_id: String,
        /// File to read; - is standard input, and the PIN then comes from --pin-file
        from: PathBuf,
        #[command(flatten)]
        key: Key,
    },
    /// Take a credential's data away
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido blob delete kX3yB0Yq")]
    Delete {
        /// As `credentials` shows it: base64url
        credential_id: String,
        #[command(flatten)]
        key: Key,
    },
}

#[derive(Debug, Serialize)]
struct Blob {
    credential_id: String,
    rp_id: String,
    user_name: String,
    size: u32,
    stored_size: u32,
}

impl View for Blob {
    const COLUMNS: &'static [&'static str] =
        &["credential_id", "rp_id", "user_name", "size", "stored_size"];
}

impl From<wire::LargeBlob> for Blob {
    fn from(blob: wire::LargeBlob) -> Self {
        Self {
            credential_id: URL_SAFE_NO_PAD.encode(blob.credential_id),
            rp_id: blob.rp_id,
            user_name: blob.user_name,
            size: blob.size,
            stored_size: blob.stored_size,
        }
    }
}

pub(super) async fn run(command: Command, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::List { key } => {
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let mut lease = proven.lease(agent, "list large blobs").await?;
            let verb = Verb::ListLargeBlobs(wire::ListLargeBlobs { pin: proven.pin });
            match lease.read(verb).await? {
                Outcome::LargeBlobList(list) => show(list, output),
                _ => Err(OTHER),
            }
        }
        Command::Read {
            credential_id,
            to,
            key,
        } => {
            let credential_id = credential(&credential_id)?;
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let mut lease = proven.lease(agent, "read a large blob").await?;
            let verb = Verb::ReadLargeBlob(wire::ReadLargeBlob {
                pin: proven.pin,
                credential_id,
            });
            match lease.read(verb).await? {
                Outcome::LargeBlobRead(blob) => give(&blob.data, to.as_deref(), output),
                _ => Err(OTHER),
            }
        }
        Command::Write {
            credential_id,
            from,
            key,
        } => {
            let credential_id = credential(&credential_id)?;
            let data = take(&from)?;
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let verb = Verb::WriteLargeBlob(wire::WriteLargeBlob {
                pin: proven.pin.clone(),
                credential_id,
                data,
            });
            prove(agent, proven, "write-large-blob", verb, output).await
        }
        Command::Delete { credential_id, key } => {
            let credential_id = credential(&credential_id)?;
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let verb = Verb::DeleteLargeBlob(wire::DeleteLargeBlob {
                pin: proven.pin.clone(),
                credential_id,
            });
            prove(agent, proven, "delete-large-blob", verb, output).await
        }
    }
}

fn show(list: wire::LargeBlobList, output: &mut Output<'_>) -> Result<()> {
    let (used, capacity, others) = (list.used, list.capacity, list.others);
    let rows: Vec<Blob> = list.large_blobs.into_iter().map(Blob::from).collect();
    if output.format() == Format::Json {
        return output.json(&serde_json::json!({
            "large_blobs": rows, "used": used, "capacity": capacity, "others": others,
        }));
    }
    output.list("large_blobs", &rows, None)?;
    output.say(&format!(
        "{used} of {capacity} bytes used; {others} more that no credential on this key opens"
    ))
}

/// JSON carries the data as base64url; a person gets the bytes themselves.
fn give(data: &[u8], to: Option<&Path>, output: &mut Output<'_>) -> Result<()> {
    match (to, output.format()) {
        (Some(path), _) => {
            let mut file = fs::File::create_new(path).map_err(Failure::file(path))?;
            std::io::Write::write_all(&mut file, data).map_err(Failure::file(path))?;
            match output.format() {
                Format::Json => {
                    output.json(&serde_json::json!({ "written": path, "size": data.len() }))
                }
                Format::Table => output.say(&format!(
                    "{} bytes written to {}",
                    data.len(),
                    path.display()
                )),
            }
        }
        (None, Format::Json) => {
            output.json(&serde_json::json!({ "data": URL_SAFE_NO_PAD.encode(data) }))
        }
        (None, Format::Table) => output.raw(data),
    }
}

fn take(from: &Path) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    let read = if from == Path::new("-") {
        std::io::stdin().lock().take(MAX + 1).read_to_end(&mut data)
    } else {
        fs::File::open(from).and_then(|file| file.take(MAX + 1).read_to_end(&mut data))
    };
    read.map_err(Failure::file(from))?;
    if data.len() as u64 > MAX {
        return Err(Failure::wrong(
            from.display().to_string(),
            "more than 1 MiB",
            "at most 1 MiB",
        ));
    }
    Ok(data)
}

/// What an agent takes, in bytes.
const MAX: u64 = 1 << 20;
