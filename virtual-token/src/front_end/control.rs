//! The control socket: plug, unplug, touch, let time pass, look, and order a fault.
//!
//! One JSON object a line in, one a line out. An order that is not understood is answered by
//! `{"error": ..}` and changes nothing.

use crate::authenticator::Sample;
use crate::device::fault::{Action, COMMANDS, Fault, Moment};
use crate::device::{Device, TouchPolicy};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Listens at `path`; a socket that an earlier process left there is replaced.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if UnixStream::connect(path).is_ok() {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
    .and_then(|listener| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    })
}

/// Serves the control socket of `device`, each caller on a thread of its own.
pub fn run(device: &Arc<Device>, listener: &UnixListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let device = Arc::clone(device);
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                if let Err(error) = serve(&device, stream) {
                    tracing::debug!(%error, "control socket");
                }
            })?;
    }
    Ok(())
}

fn serve(device: &Device, stream: UnixStream) -> io::Result<()> {
    let mut answers = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        let mut answer = serde_json::to_vec(&obey(device, &line?))?;
        answer.push(b'\n');
        answers.write_all(&answer)?;
    }
    Ok(())
}

/// What one line asks for.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
enum Order {
    Plug,
    Unplug,
    Touch,
    TouchPolicy {
        policy: TouchPolicy,
    },
    /// What the fingerprint sensor sees when the key is touched.
    Finger {
        finger: u32,
        /// As lastEnrollSampleStatus: 0 is a good sample.
        #[serde(default)]
        quality: u8,
    },
    Advance {
        ms: u64,
    },
    State,
    /// Ends a hold.
    Release,
    Fault {
        before_command: Option<String>,
        after_command: Option<String>,
        subcommand: Option<u8>,
        action: Action,
    },
}

/// Carries out one line and gives the answer.
pub fn obey(device: &Device, line: &str) -> Value {
    match serde_json::from_str(line)
        .map_err(|error| error.to_string())
        .and_then(|order| carry_out(device, order))
    {
        Ok(answer) => answer,
        Err(error) => json!({ "error": error }),
    }
}

fn carry_out(device: &Device, order: Order) -> Result<Value, String> {
    match order {
        Order::Plug => device.plug(),
        Order::Unplug => device.unplug(),
        Order::Touch => device.touch().map_err(|error| error.to_string())?,
        Order::TouchPolicy { policy } => device.set_touch_policy(policy),
        Order::Finger { finger, quality } => device.set_finger(Sample {
            finger,
            quality: quality.into(),
        }),
        Order::Advance { ms } => device.advance(Duration::from_millis(ms)),
        Order::Release => device.release(),
        Order::State => {
            return serde_json::to_value(device.state()).map_err(|error| error.to_string());
        }
        Order::Fault {
            before_command,
            after_command,
            subcommand,
            action,
        } => {
            let (moment, name) = match (before_command, after_command) {
                (Some(name), None) => (Moment::Before, name),
                (None, Some(name)) => (Moment::After, name),
                _ => return Err("say either before_command or after_command".into()),
            };
            device.arm(Fault {
                moment,
                command: command(&name)?,
                subcommand,
                action,
            });
        }
    }
    Ok(json!({ "ok": true }))
}

fn command(name: &str) -> Result<u8, String> {
    COMMANDS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|&(_, byte)| byte)
        .ok_or_else(|| {
            let known: Vec<_> = COMMANDS.iter().map(|(known, _)| *known).collect();
            format!(
                "unknown command `{name}`, expected one of {}",
                known.join(", ")
            )
        })
}

#[cfg(test)]
mod tests;
