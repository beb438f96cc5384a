//! `keysteward-agent enrol`: makes this host known to a server.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use keysteward_proto::join_token::JoinToken;
use rand::rngs::OsRng;
use tokio::time::sleep;
use zeroize::Zeroizing;

use crate::{
    agent::Agent,
    settings::{ServerAddress, Settings},
    uplink::{
        backoff::{Backoff, Pace},
        enrol::{Enrolled, enrol},
        identity::Directory,
    },
};

/// What to enrol with.
#[derive(Debug, clap::Args)]
pub struct Enrol {
    /// The server's agent port, HOST:PORT; that of the settings when left out
    #[arg(long)]
    pub server: Option<ServerAddress>,
    /// A file with the join token, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub join_token_file: PathBuf,
    /// Give up the enrolment that this host has
    #[arg(long)]
    pub replace: bool,
}

/// Enrols, and waits for an operator's approval where the join token needs it.
/// Cut off at any point, the same command goes on where it was.
///
/// # Errors
/// With what to do, for the person who typed it.
pub async fn run(settings: &Settings, command: Enrol) -> anyhow::Result<()> {
    let Some(server) = command.server.or_else(|| settings.server.clone()) else {
        bail!("no server: give --server HOST:PORT, or server.address in the settings");
    };
    let join_token = read_join_token(&command.join_token_file)?;
    let directory = Directory::new(&settings.state_dir);
    // A person waits: short waits, and an end.
    let mut backoff = Backoff::new(Pace {
        cap: Duration::from_secs(10),
        ..Pace::default()
    });
    let mut failures = 0;
    let mut told = false;
    loop {
        let asked = enrol(
            &directory,
            &server,
            &join_token,
            Agent::host_facts(),
            command.replace,
        );
        match asked.await {
            Ok(Enrolled::Now(identity)) => {
                println!(
                    "enrolled with {server} as {}; the certificate lasts until {}",
                    identity.host_id, identity.not_after
                );
                return Ok(());
            }
            Ok(Enrolled::ApprovalPending { host_id }) => {
                if !told {
                    eprintln!("waiting until an operator approves host {host_id}");
                    told = true;
                }
                failures = 0;
                sleep(APPROVAL_POLL).await;
            }
            Err(error) if error.is_transient() && failures < TRIES => {
                eprintln!("{error}; trying again");
                failures += 1;
                sleep(backoff.after_failure(None, &mut OsRng)).await;
            }
            Err(error) if error.is_transient() => {
                return Err(error).context("not enrolled; the same command may be run again");
            }
            Err(error) => return Err(error).context("not enrolled"),
        }
    }
}

fn read_join_token(path: &Path) -> anyhow::Result<JoinToken> {
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read the join token from {}", path.display()))?;
    JoinToken::parse(&text).with_context(|| format!("in {}", path.display()))
}

const APPROVAL_POLL: Duration = Duration::from_secs(3);
const TRIES: u32 = 5;
const LONGEST: u64 = 4096;
