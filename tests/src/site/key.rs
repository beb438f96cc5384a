//! A security key as a process, and the hand that holds it.

use std::{
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{
    hand::Hand,
    process::{Process, eventually, program},
};

/// Whose firmware a key runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Make {
    /// Our own.
    Keysteward,
    /// `opensk`: self attestation.
    OpenSk,
    /// `fido-authenticator`: an attestation certificate.
    Trussed,
}

/// Just before or just after the key has executed a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// The request has arrived.
    Before,
    /// The answer has not left.
    After,
}

/// A CTAP command as the key's control socket names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Command {
    /// `make_credential`
    pub name: &'static str,
    /// Of clientPIN, credentialManagement, authenticatorConfig.
    pub subcommand: Option<u8>,
}

/// A key that runs and is held.
#[derive(Debug)]
pub struct Key {
    process: Process,
    hand: Hand,
    listen: PathBuf,
    root: PathBuf,
}

impl Key {
    /// Starts the process `name` in `folder`; it plugs itself in where an agent listens.
    pub fn start(make: Make, name: &str, folder: &Path, agent_socket: &Path) -> Result<Self> {
        let control = folder.join(format!("{name}.control"));
        let listen = folder.join(format!("{name}.host"));
        // One manufacturer made all the keys of a host.
        let root = folder.join("manufacturer");
        let mut command = match make {
            Make::Keysteward => process::Command::new(program("keysteward-virtual-token")?),
            Make::OpenSk | Make::Trussed => {
                let mut command = process::Command::new(program("foreign_key")?);
                command.arg(match make {
                    Make::OpenSk => "opensk",
                    _ => "trussed",
                });
                command
            }
        };
        command
            .arg("--connect")
            .arg(agent_socket)
            .arg("--listen")
            .arg(&listen)
            .arg("--control")
            .arg(&control)
            .arg("--storage")
            .arg(folder.join(format!("{name}.storage")))
            .arg("--manufacturer")
            .arg(&root)
            .args(["--name", name]);
        // opensk tells a serial number, fido-authenticator none: there are both sorts.
        if make == Make::OpenSk {
            command.args(["--serial", &format!("OSK-{name}")]);
        }
        let process = Process::start(name, &mut command, &folder.join("logs"))?;
        Ok(Self {
            process,
            hand: Hand::take(control)?,
            listen,
            root,
        })
    }

    /// The socket at which other programs of its host reach it.
    #[must_use]
    pub fn host_socket(&self) -> &Path {
        &self.listen
    }

    /// PEM of the root that its attestation leads to.
    pub fn attestation_root(&self) -> Result<String> {
        let output = process::Command::new(program("keysteward-virtual-token")?)
            .args(["attestation-root", "--manufacturer"])
            .arg(&self.root)
            .output()?;
        if !output.status.success() {
            bail!(
                "no attestation root: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// `plugged`, `waiting_for_touch`, `power_ups`, and what it says it holds.
    pub fn state(&self) -> Result<Value> {
        self.hand.state()
    }

    /// Pulls it out.
    pub fn unplug(&self) -> Result<()> {
        self.hand.unplug()
    }

    /// Puts it back, with a power-up.
    pub fn plug(&self) -> Result<()> {
        self.hand.plug()
    }

    /// Arms a fault for the next such CTAP command: `action` is `unplug`, `drop-response`,
    /// `silent` or `hold`.
    pub fn fault(&self, moment: Moment, command: Command, action: &str) -> Result<()> {
        let when = match moment {
            Moment::Before => "before_command",
            Moment::After => "after_command",
        };
        let mut order = json!({"do": "fault", when: command.name, "action": action});
        if let Some(subcommand) = command.subcommand {
            order["subcommand"] = subcommand.into();
        }
        self.hand.tell(&order).map(drop)
    }

    /// Waits until a `hold` has struck.
    pub fn wait_until_held(&self) -> Result<()> {
        eventually(
            "the command arrives at the key",
            Duration::from_secs(20),
            || Ok((self.state()?["held"] == true).then_some(())),
        )
    }

    /// Waits until an `unplug` has struck.
    pub fn wait_until_unplugged(&self) -> Result<()> {
        eventually("the key is pulled out", Duration::from_secs(20), || {
            Ok((self.state()?["plugged"] == false).then_some(()))
        })
    }

    /// Ends a `hold`: what waited goes on its way.
    pub fn release(&self) -> Result<()> {
        self.hand.tell(&json!({"do": "release"})).map(drop)
    }

    /// `always`, `never` or `ask`.
    pub fn touch_policy(&self, policy: &str) -> Result<()> {
        self.hand
            .tell(&json!({"do": "touch-policy", "policy": policy}))
            .map(drop)
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
