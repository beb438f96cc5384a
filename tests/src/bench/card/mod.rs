//! What smart cards cost: a command and an inventory on their way through the agent, proofs of the
//! admin key, certificates issued.
//!
//! | module | what |
//! |---|---|
//! | [`way`] | the same commands through bare PC/SC, the agent's transport, the agent's gRPC |
//! | [`admin_key`] | proofs of the admin key in a second |
//! | [`issue`] | certificates issued in a second: server, agent, authority and card |
//! | [`report`] | the figures beside their targets |
//! | [`model`] | the cards that are measured with |
//!
//! All of it is measured beside a pcscd of its own ([`pcscd`](crate::pcscd)).

pub mod admin_key;
mod at_agent;
mod contender;
pub mod issue;
pub mod model;
mod reader;
pub mod report;
pub mod way;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use keysteward_agent::transport::pcsc::{Reader, Service};

use crate::site::process::{Process, eventually};

/// A card in a process of its own, which is this program again.
struct CardProcess {
    _process: Process,
    /// The system's name of the reader that it lies on.
    reader: String,
}

impl CardProcess {
    /// Our own card, or the one that says what `answers` holds.
    fn start(address: &str, answers: Option<&Path>, folder: &Path) -> Result<Self> {
        // pcscd looks every 400 ms: the one before may still be there for it.
        eventually("the reader is empty", SOON, || {
            let readers = Service::connect()?.readers()?;
            Ok((!readers.iter().any(Reader::has_card)).then_some(()))
        })?;
        let mut command = Command::new(env::current_exe()?);
        command.args(["card", address]).args(answers);
        let process = Process::start("card", &mut command, &folder.join("logs"))?;
        Ok(Self {
            _process: process,
            reader: reader_with_card()?,
        })
    }
}

/// The only reader on which a card lies, as soon as there is one.
fn reader_with_card() -> Result<String> {
    eventually("the system sees the card", SOON, || {
        let readers = Service::connect()?.readers()?;
        Ok(readers
            .into_iter()
            .find(|reader| reader.has_card())
            .map(|reader| reader.name()))
    })
}

/// A folder of which the disk is never waited for, and one on the disk.
#[derive(Debug)]
pub struct Folders {
    /// In memory.
    pub memory: PathBuf,
    /// On the disk.
    pub disk: PathBuf,
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")
}

const SOON: Duration = Duration::from_secs(60);
