//! Faults on demand: what happens to a key or its cable just before or just after a command.
//!
//! The packets are watched, not the firmware, so the same faults strike anybody's firmware.
//! CTAP 2.3 §11.2.4 gives the packet layout, §6 the command bytes.

use keysteward_core::ctaphid::{ChannelId, Command, Packet, Report};
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};

/// A fault, armed until a command fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    pub moment: Moment,
    pub command: u8,
    /// Only this subcommand of clientPIN, bioEnrollment, credentialManagement or
    /// authenticatorConfig.
    pub subcommand: Option<u8>,
    pub action: Action,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// The request is complete; firmware does not see the end of it.
    Before,
    /// Firmware has done its work and begins to answer; the host sees nothing of the answer.
    After,
}

/// What happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The key is pulled out.
    Unplug,
    /// This one answer is lost (before: this one request).
    DropResponse,
    /// Nothing comes or goes until the next power-up.
    Silent,
    /// Nothing comes or goes until the fault is released; nothing is lost meanwhile.
    Hold,
}

/// The names of the commands as the control socket spells them.
pub const COMMANDS: [(&str, u8); 11] = [
    ("make_credential", 0x01),
    ("get_assertion", 0x02),
    ("get_info", 0x04),
    ("client_pin", 0x06),
    ("reset", 0x07),
    ("get_next_assertion", 0x08),
    ("bio_enrollment", 0x09),
    ("credential_management", 0x0A),
    ("selection", 0x0B),
    ("large_blobs", 0x0C),
    ("authenticator_config", 0x0D),
];

/// A CTAP2 request that came whole.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Seen {
    /// As it was sent: a preview's command is not taken for the final one.
    pub command: u8,
    /// Of clientPIN, bioEnrollment, credentialManagement or authenticatorConfig.
    pub subcommand: Option<u8>,
}

/// What is to be done with a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Pass,
    Drop,
    Unplug,
    Hold,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<Fault>,
    /// The newest requests.
    seen: VecDeque<Seen>,
    channels: HashMap<u32, Exchange>,
    silent: bool,
    holding: bool,
}

/// What is going on on one channel.
///
/// ```text
///   INIT, BCNT bytes due        last CONT            answer begins
///  -------------------> Request ---------> Executing -------------> (none)
///                                                     '-- dropped -> Discarding
/// ```
#[derive(Debug)]
enum Exchange {
    Request { due: usize, bytes: Vec<u8> },
    Executing { command: u8, subcommand: Option<u8> },
    Discarding,
}

impl Faults {
    pub(super) fn arm(&mut self, fault: Fault) {
        self.armed.push(fault);
    }

    pub(super) fn take_seen(&mut self) -> Vec<Seen> {
        self.seen.drain(..).collect()
    }

    pub(super) fn power_up(&mut self) {
        self.silent = false;
        self.holding = false;
        self.channels.clear();
    }

    /// Whether a hold has struck and was not released.
    pub(super) fn holding(&self) -> bool {
        self.holding
    }

    pub(super) fn release(&mut self) {
        self.holding = false;
    }

    pub(super) fn incoming(&mut self, report: &Report) -> Verdict {
        if self.silent {
            return Verdict::Drop;
        }
        if self.holding {
            return Verdict::Hold;
        }
        let packet = Packet::parse(report);
        let ChannelId(channel) = packet.channel();
        let (due, mut bytes, data) = match packet {
            Packet::Init {
                command: Command::Cbor,
                bcnt,
                data,
                ..
            } => (
                usize::from(bcnt),
                Vec::with_capacity(bcnt.into()),
                data.as_slice(),
            ),
            Packet::Init {
                command: Command::Cancel,
                ..
            } => return Verdict::Pass,
            Packet::Init { .. } => {
                self.channels.remove(&channel);
                return Verdict::Pass;
            }
            Packet::Cont { data, .. } => match self.channels.remove(&channel) {
                Some(Exchange::Request { due, bytes }) => (due, bytes, data.as_slice()),
                Some(other) => {
                    self.channels.insert(channel, other);
                    return Verdict::Pass;
                }
                None => return Verdict::Pass,
            },
        };
        let take = due.saturating_sub(bytes.len()).min(data.len());
        bytes.extend_from_slice(data.get(..take).unwrap_or_default());
        if bytes.len() < due {
            self.channels
                .insert(channel, Exchange::Request { due, bytes });
            return Verdict::Pass;
        }
        let Some(&command) = bytes.first() else {
            return Verdict::Pass;
        };
        let subcommand = subcommand(&bytes);
        if self.seen.len() == MOST_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen {
            command,
            subcommand,
        });
        self.channels.insert(
            channel,
            Exchange::Executing {
                command,
                subcommand,
            },
        );
        match self.strike(Moment::Before, command, subcommand) {
            None => Verdict::Pass,
            Some(Action::Unplug) => Verdict::Unplug,
            Some(Action::DropResponse | Action::Silent) => Verdict::Drop,
            Some(Action::Hold) => Verdict::Hold,
        }
    }

    pub(super) fn outgoing(&mut self, report: &Report) -> Verdict {
        if self.silent {
            return Verdict::Drop;
        }
        if self.holding {
            return Verdict::Hold;
        }
        let packet = Packet::parse(report);
        let ChannelId(channel) = packet.channel();
        match (packet, self.channels.get(&channel)) {
            (Packet::Cont { .. }, Some(Exchange::Discarding)) => Verdict::Drop,
            (
                Packet::Init {
                    command: Command::Cbor,
                    ..
                },
                Some(&Exchange::Executing {
                    command,
                    subcommand,
                }),
            ) => {
                self.channels.remove(&channel);
                match self.strike(Moment::After, command, subcommand) {
                    None => Verdict::Pass,
                    Some(Action::Unplug) => Verdict::Unplug,
                    Some(Action::Silent) => Verdict::Drop,
                    Some(Action::Hold) => Verdict::Hold,
                    Some(Action::DropResponse) => {
                        self.channels.insert(channel, Exchange::Discarding);
                        Verdict::Drop
                    }
                }
            }
            _ => Verdict::Pass,
        }
    }

    /// Takes the first armed fault that fits.
    fn strike(&mut self, moment: Moment, command: u8, subcommand: Option<u8>) -> Option<Action> {
        let fits = |fault: &Fault| {
            fault.moment == moment
                && fault.command == final_number(command)
                && (fault.subcommand.is_none() || fault.subcommand == subcommand)
        };
        let index = self.armed.iter().position(fits)?;
        let action = self.armed.remove(index).action;
        self.silent = action == Action::Silent;
        self.holding = action == Action::Hold;
        Some(action)
    }
}

/// The subcommand of a request: member 0x02 of clientPIN and bioEnrollment, 0x01 of the others
/// that have any.
/// It stands among the first members, and all before it are small integers.
pub(crate) fn subcommand(request: &[u8]) -> Option<u8> {
    let (command, map) = request.split_first()?;
    let wanted = match command {
        0x06 | 0x09 | 0x40 => 0x02,
        0x0A | 0x41 | 0x0D => 0x01,
        _ => return None,
    };
    let (_, members) = map.split_first()?;
    members
        .chunks_exact(2)
        .take(2)
        .find_map(|member| match *member {
            [key, value] if key == wanted && value < 0x18 => Some(value),
            _ => None,
        })
}

/// The previews of bioEnrollment and credentialManagement count as the commands themselves.
fn final_number(command: u8) -> u8 {
    match command {
        0x40 => 0x09,
        0x41 => 0x0A,
        other => other,
    }
}

/// Requests that are remembered: those of a whole story, and no flood.
const MOST_SEEN: usize = 1024;
