//! `keysteward --agent ADDRESS token card admin-key`, and admin keys in files.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use keysteward_core::admin_key::{AdminKey as _, Cipher, LocalAdminKey};
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
            let keys = AdminKeys::read(&current_key_file, current_algorithm.as_deref())?;
            let verb = Verb::ChangeAdminKey(wire::ChangeAdminKey {
                current: keys.proof(),
                new_algorithm,
                new_key: read(&new_key_file)?.to_vec(),
            });
            change(agent, &which, keys, "change-admin-key", verb, output).await
        }
        Command::Try { key_files, which } => {
            let keys = AdminKeys::read_all(&key_files)?;
            let candidates = keys.proofs().collect();
            let (presence_id, mut lease) = open(agent, &which, keys, "try admin keys").await?;
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

/// Admin keys that prove themselves to the card from here, block by block: the host of the card
/// does not learn them. Each is asked for by its place.
#[derive(Default)]
pub(super) struct AdminKeys(Vec<Kept>);

struct Kept {
    /// `None`: whatever cipher of its length the card has.
    cipher: Option<Cipher>,
    key: Zeroizing<Vec<u8>>,
}

impl AdminKeys {
    /// The one of a file.
    pub(super) fn read(file: &Path, algorithm: Option<&str>) -> Result<Self> {
        let key = read(file)?;
        let cipher = algorithm.and_then(Cipher::from_name);
        if let Some(cipher) = cipher
            && cipher.key_len() != key.len()
        {
            return Err(Failure::wrong(
                file.display().to_string(),
                format!("a key of {} bytes", key.len()),
                format!("one of {} bytes, as {cipher} has", cipher.key_len()),
            ));
        }
        Ok(Self(vec![Kept { cipher, key }]))
    }

    /// One of each file.
    fn read_all(files: &[PathBuf]) -> Result<Self> {
        let kept = |file: &PathBuf| {
            Ok(Kept {
                cipher: None,
                key: read(file)?,
            })
        };
        files.iter().map(kept).collect::<Result<_>>().map(Self)
    }

    /// What a step is told of the first of them, if there is one.
    pub(super) fn proof(&self) -> Option<wire::AdminProof> {
        self.proofs().next()
    }

    fn proofs(&self) -> impl Iterator<Item = wire::AdminProof> {
        self.0.iter().map(|kept| wire::AdminProof {
            algorithm: kept
                .cipher
                .map(|one| one.name().to_owned())
                .unwrap_or_default(),
            key: Vec::new(),
            asks_caller: true,
        })
    }

    /// Two blocks under the key that is asked for; `None` where it is for another cipher.
    pub(super) fn answer(&self, asked: &wire::AdminChallenge) -> Option<wire::AdminAnswer> {
        let kept = self.0.get(usize::try_from(asked.candidate).ok()?)?;
        let cipher = Cipher::from_name(&asked.algorithm)?;
        if kept.cipher.is_some_and(|only| only != cipher) {
            return None;
        }
        let answer = LocalAdminKey::new(cipher, &kept.key)
            .and_then(|mut key| key.answer(cipher, &asked.witness, &asked.challenge))
            .ok()?;
        Some(wire::AdminAnswer {
            witness: answer.witness.to_vec(),
            challenge: answer.challenge.to_vec(),
        })
    }
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

    #[test]
    fn a_key_of_another_length_than_its_algorithm_has_is_refused() {
        let (_folder, path) = file(&"0a".repeat(24), 0o600);
        assert!(AdminKeys::read(&path, Some("aes192")).is_ok());
        let refusal = AdminKeys::read(&path, Some("aes256")).err().unwrap();
        let shown = refusal.report().render(Format::Table, false);
        assert!(shown.contains("one of 32 bytes"), "{shown}");
    }

    #[test]
    fn a_key_answers_for_its_place_and_its_cipher_alone() {
        let keys = AdminKeys(vec![
            Kept {
                cipher: None,
                key: Zeroizing::new(vec![10; 24]),
            },
            Kept {
                cipher: Some(Cipher::Aes192),
                key: Zeroizing::new(vec![11; 24]),
            },
        ]);
        let asked = |candidate, algorithm: &str, len| wire::AdminChallenge {
            candidate,
            algorithm: algorithm.to_owned(),
            witness: vec![1; len],
            challenge: vec![2; len],
        };
        for (asked, answers) in [
            (asked(0, "aes192", 16), true),
            (asked(0, "3des", 8), true),
            (asked(0, "aes256", 16), false),
            (asked(0, "aes192", 8), false),
            (asked(1, "aes192", 16), true),
            (asked(1, "3des", 8), false),
            (asked(2, "aes192", 16), false),
            (asked(0, "rot13", 16), false),
        ] {
            assert_eq!(keys.answer(&asked).is_some(), answers, "{asked:?}");
        }
        let mut own = LocalAdminKey::new(Cipher::Aes192, &[11; 24]).unwrap();
        let expected = own.answer(Cipher::Aes192, &[1; 16], &[2; 16]).unwrap();
        let answer = keys.answer(&asked(1, "aes192", 16)).unwrap();
        assert_eq!(*answer.witness, *expected.witness);
        assert_eq!(*answer.challenge, *expected.challenge);
        assert!(
            keys.proofs()
                .all(|proof| proof.asks_caller && proof.key.is_empty())
        );
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
