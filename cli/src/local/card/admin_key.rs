//! `keysteward --agent ADDRESS token card admin-key`, and admin keys in files.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use keysteward_proto::agent::v1::{self as wire, card_step::Verb, step_result::Result as Outcome};
use zeroize::Zeroizing;

use super::{OTHER, Which, change, open};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::{Format, Output},
};

/// What an admin key can be for.
pub(super) const ALGORITHMS: [&str; 4] = ["3des", "aes128", "aes192", "aes256"];

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Replace the admin key
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card admin-key change \\
      --current-key-file factory.key --new-key-file admin.key --new-algorithm aes192")]
    Change {
        #[command(flatten)]
        which: Which,
        /// File of mode 0600 with the key in hexadecimal
        #[arg(long, value_name = "FILE")]
        current_key_file: PathBuf,
        /// What the current key is for [default: what the card tells]
        #[arg(long, value_parser = ALGORITHMS)]
        current_algorithm: Option<String>,
        /// File of mode 0600 with the key in hexadecimal
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
        #[arg(long, value_parser = ALGORITHMS)]
        new_algorithm: String,
    },
    /// Find out which of up to four keys opens the card
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card admin-key try old.key new.key")]
    Try {
        /// Files of mode 0600 with a key each, in hexadecimal
        #[arg(required = true, num_args = 1..=4, value_name = "FILE")]
        key_files: Vec<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
}

pub(super) async fn run(command: Command, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::Change {
            which,
            current_key_file,
            current_algorithm,
            new_key_file,
            new_algorithm,
        } => {
            let verb = Verb::ChangeAdminKey(wire::ChangeAdminKey {
                current: Some(proof(&current_key_file, current_algorithm.as_deref())?),
                new_algorithm,
                new_key: read(&new_key_file)?.to_vec(),
            });
            change(agent, &which, "change-admin-key", verb, output).await
        }
        Command::Try { key_files, which } => {
            let candidates = key_files
                .iter()
                .map(|file| proof(file, None))
                .collect::<Result<_>>()?;
            let (presence_id, mut lease) = open(agent, &which, "try admin keys").await?;
            let verb = Verb::TryAdminKeys(wire::TryAdminKeys { candidates });
            let Outcome::AdminKeyFound(found) = lease.read(verb).await? else {
                return Err(OTHER);
            };
            let opens = found
                .candidate
                .and_then(|place| key_files.get(usize::try_from(place).ok()?));
            match output.format() {
                Format::Json => {
                    output.json(&serde_json::json!({ "presence_id": presence_id, "opens": opens }))
                }
                Format::Table => output.say(&match opens {
                    Some(file) => format!("{} opens the card", file.display()),
                    None => "none of them opens the card".to_owned(),
                }),
            }
        }
    }
}

/// The key of a file as a proof.
pub(super) fn proof(file: &Path, algorithm: Option<&str>) -> Result<wire::AdminProof> {
    Ok(wire::AdminProof {
        algorithm: algorithm.unwrap_or_default().to_owned(),
        key: read(file)?.to_vec(),
        asks_caller: false,
    })
}

/// A key in hexadecimal, from a file that nobody but its owner can read.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path).map_err(Failure::file(path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(Failure::file(path))?.permissions();
        if mode.mode() & 0o077 != 0 {
            return Err(Failure::wrong(
                path.display().to_string(),
                format!("mode {:04o}", mode.mode() & 0o7777),
                "mode 0600: an admin key is for its owner alone",
            ));
        }
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX));
    file.take(MAX as u64)
        .read_to_string(&mut text)
        .map_err(Failure::file(path))?;
    let key = hex::decode(text.trim()).map(Zeroizing::new).ok();
    key.filter(|key| matches!(key.len(), 16 | 24 | 32))
        .ok_or_else(|| {
            Failure::wrong(
                path.display().to_string(),
                "something else",
                "a key of 16, 24 or 32 bytes in hexadecimal",
            )
        })
}

/// More than the longest key in hexadecimal.
const MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.key");
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn a_key_is_read_from_a_private_file() {
        let (_folder, path) = file(&format!("{}\n", "0a".repeat(24)), 0o600);
        assert_eq!(**read(&path).unwrap(), [10; 24]);
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        for text in ["", "0a0a", &"zz".repeat(24), &"0a".repeat(25)] {
            let (_folder, path) = file(text, 0o600);
            let refusal = read(&path).unwrap_err();
            let shown = refusal.report().render(Format::Table, false);
            assert!(shown.contains("24 or 32 bytes"), "{shown}");
            assert!(text.is_empty() || !shown.contains(text), "{shown}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        for mode in [0o640, 0o604, 0o644] {
            let (_folder, path) = file(&"0a".repeat(24), mode);
            let refusal = read(&path).unwrap_err();
            let shown = refusal.report().render(Format::Table, false);
            assert!(shown.contains("mode 0600"), "{shown}");
        }
    }
}
