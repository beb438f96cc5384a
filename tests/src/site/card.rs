//! A smart card as a process, on a reader of the namespace that this runs in (see
//! [`pcscd`](crate::pcscd)).

use std::{path::Path, process::Command};

use anyhow::Result;

use super::{
    hand::Hand,
    process::{Process, program},
};

/// A card that lies on a reader, and is held.
#[derive(Debug)]
pub struct Card {
    process: Process,
    hand: Hand,
}

impl Card {
    /// Starts the process `name` in `folder`; it lies on the reader at once. `applets` as the
    /// virtual token spells them: `piv`, `gids`, `fido,piv`.
    pub fn start(applets: &str, name: &str, folder: &Path, reader: &str) -> Result<Self> {
        let control = folder.join(format!("{name}.control"));
        let mut command = Command::new(program("keysteward-virtual-token")?);
        command
            .args(["--vpcd", reader, "--applets", applets, "--name", name])
            .arg("--control")
            .arg(&control)
            .arg("--storage")
            .arg(folder.join(format!("{name}.storage")));
        let process = Process::start(name, &mut command, &folder.join("logs"))?;
        Ok(Self {
            process,
            hand: Hand::take(control)?,
        })
    }

    /// The same with a card that is not ours: `piv-authenticator`.
    pub fn start_foreign(name: &str, folder: &Path, reader: &str) -> Result<Self> {
        let control = folder.join(format!("{name}.control"));
        let mut command = Command::new(program("foreign_card")?);
        command
            .args(["--vpcd", reader])
            .arg("--control")
            .arg(&control);
        let process = Process::start(name, &mut command, &folder.join("logs"))?;
        Ok(Self {
            process,
            hand: Hand::take(control)?,
        })
    }

    /// Puts it on and takes it off.
    #[must_use]
    pub fn hand(&self) -> &Hand {
        &self.hand
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
