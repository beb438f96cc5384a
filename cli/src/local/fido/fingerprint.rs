//! `keysteward --agent ADDRESS token fido fingerprint`: fingers that a key knows.

use clap::Subcommand;
use keysteward_proto::agent::v1::{
    self as wire, fingerprint_sensor::Kind, step::Verb, step_result::Result as Outcome,
};
use serde::Serialize;

use super::{
    Key, OTHER, Which, open, prove,
    user::{Proven, Wanted},
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::{Output, View},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What kind of sensor the key has
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido fingerprint sensor")]
    Sensor {
        #[command(flatten)]
        which: Which,
    },
    /// The fingers that are enrolled
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido fingerprint list")]
    List {
        #[command(flatten)]
        key: Key,
    },
    /// Enrol a finger; the person at the key hears after each touch how it was
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido fingerprint enroll --name left

Ctrl-C ends the enrolment, and the key forgets the finger.")]
    Enroll {
        #[command(flatten)]
        key: Key,
        /// How the finger is called
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
    },
    /// Call a finger otherwise
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido fingerprint rename 0a3f left")]
    Rename {
        /// As `list` shows it: hexadecimal
        id: String,
        name: String,
        #[command(flatten)]
        key: Key,
    },
    /// Let the key forget a finger
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token fido fingerprint remove 0a3f")]
    Remove {
        /// As `list` shows it: hexadecimal
        id: String,
        #[command(flatten)]
        key: Key,
    },
}

#[derive(Debug, Serialize)]
struct Sensor {
    kind: &'static str,
    max_samples: Option<u32>,
    max_name_length: Option<u32>,
}

impl View for Sensor {
    const COLUMNS: &'static [&'static str] = &["kind", "max_samples", "max_name_length"];
}

#[derive(Debug, Serialize)]
struct Finger {
    /// Hexadecimal.
    id: String,
    name: String,
}

impl View for Finger {
    const COLUMNS: &'static [&'static str] = &["id", "name"];
}

impl From<wire::Fingerprint> for Finger {
    fn from(finger: wire::Fingerprint) -> Self {
        Self {
            id: hex::encode(finger.template_id),
            name: finger.name,
        }
    }
}

pub(super) async fn run(command: Command, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::Sensor { which } => {
            let (_, mut lease) = open(agent, &which, "look at the sensor").await?;
            let verb = Verb::DescribeFingerprintSensor(wire::DescribeFingerprintSensor {});
            match lease.read(verb).await? {
                Outcome::FingerprintSensor(sensor) => output.show(&Sensor {
                    kind: match sensor.kind() {
                        Kind::Touch => "touch",
                        Kind::Swipe => "swipe",
                        Kind::Unspecified => "unknown",
                    },
                    max_samples: told(sensor.max_samples),
                    max_name_length: told(sensor.max_name_length),
                }),
                _ => Err(OTHER),
            }
        }
        Command::List { key } => {
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let mut lease = proven.lease(agent, "list fingerprints").await?;
            let verb = Verb::ListFingerprints(wire::ListFingerprints { pin: proven.pin });
            match lease.read(verb).await? {
                Outcome::FingerprintList(list) => {
                    let rows: Vec<Finger> =
                        list.fingerprints.into_iter().map(Finger::from).collect();
                    output.list("fingerprints", &rows, None)
                }
                _ => Err(OTHER),
            }
        }
        Command::Enroll { key, name } => {
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let mut lease = proven.lease(agent, "enrol a finger").await?;
            let verb = Verb::EnrollFingerprint(wire::EnrollFingerprint {
                pin: proven.pin,
                name: name.unwrap_or_default(),
            });
            match lease.change("enroll-fingerprint", verb).await? {
                Outcome::FingerprintEnrolled(finger) => output.show(&Finger::from(finger)),
                _ => Err(OTHER),
            }
        }
        Command::Rename { id, name, key } => {
            let template_id = template(&id)?;
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let verb = Verb::RenameFingerprint(wire::RenameFingerprint {
                template_id,
                pin: proven.pin.clone(),
                name,
            });
            prove(agent, proven, "rename-fingerprint", verb, output).await
        }
        Command::Remove { id, key } => {
            let template_id = template(&id)?;
            let proven = Proven::find(agent, &key, Wanted::Always).await?;
            let verb = Verb::RemoveFingerprint(wire::RemoveFingerprint {
                template_id,
                pin: proven.pin.clone(),
            });
            prove(agent, proven, "remove-fingerprint", verb, output).await
        }
    }
}

/// 0 is what a sensor that does not say says.
fn told(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

fn template(id: &str) -> Result<Vec<u8>> {
    hex::decode(id).map_err(|_| {
        Failure::wrong(
            "fingerprint",
            id,
            "an id of `fingerprint list`, hexadecimal",
        )
    })
}
