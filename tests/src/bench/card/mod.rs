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
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use keysteward_agent::transport::pcsc::Service;
use pcsc::{Context, ReaderState, Scope, State};

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
        wait_for_free_reader()?;
        let mut command = Command::new(env::current_exe()?);
        command.args(["card", address]).args(answers);
        let process = Process::start("card", &mut command, &folder.join("logs"))?;
        Ok(Self {
            _process: process,
            reader: reader_with_card()?,
        })
    }
}

/// Until pcscd takes the next card for another one than the last.
fn wait_for_free_reader() -> Result<()> {
    eventually("the reader is empty", SOON, || {
        Ok(readers_are_empty()?.then_some(()))
    })?;
    thread::sleep(TWO_LOOKS);
    Ok(())
}

/// Whether no card lies anywhere, not even one that is mute.
fn readers_are_empty() -> Result<bool> {
    let context = Context::establish(Scope::User)?;
    let readers = context.list_readers_owned()?.into_iter();
    let mut states: Vec<_> = readers
        .map(|name| ReaderState::new(name, State::UNAWARE))
        .collect();
    context.get_status_change(Duration::ZERO, &mut states)?;
    let mut states = states.iter().map(ReaderState::event_state);
    Ok(states.all(|state| state.contains(State::EMPTY)))
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

/// A reader is told empty as soon as somebody fails to reset the card that went. Until pcscd has looked
/// for itself, every 400 ms, it takes a new card for that one and tells it to nobody.
const TWO_LOOKS: Duration = Duration::from_millis(800);
