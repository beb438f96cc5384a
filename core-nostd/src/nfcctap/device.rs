//! The token's side, sans-IO. CTAP 2.3 §11.3.
//!
//! The applet answers SELECT, GET RESPONSE and every error itself, puts chains together, and hands
//! out whole messages. The firmware around it executes them and sends what it is told to.

#[cfg(test)]
mod tests;

use super::{
    AID, BY_NAME, CANCEL, CLA, CONTROL, END, GETRESPONSE, GETRESPONSE_KNOWN, KEEPALIVE, MSG,
    SELECT, Version,
};
use crate::ctaphid::Keepalive;
use crate::iso7816::{Block, Command, Form, Le, Outbox, Reassembly, Response, Status};

/// The applet of one token. Buffers are the caller's.
///
/// ```text
///            SELECT             MSG, U2F                respond
/// Deselected -----> Selected --------------> Executing ----------> Selected
///      ^               | ^                     |   ^
///      '-- CONTROL end-' |           keepalive |   | GETRESPONSE
///                        |                     v   |
///                        '-- anything else -- Pending
/// ```
#[derive(Debug)]
pub struct Applet {
    version: Version,
    reassembly: Reassembly,
    outbox: Outbox,
    state: State,
}

/// The form and Le of the command that waits for an answer.
type Asked = (Form, Option<Le>);

#[derive(Clone, Copy, Debug)]
enum State {
    Deselected,
    Selected,
    /// A command waits for its answer.
    Executing {
        asked: Asked,
        operation: Operation,
    },
    /// The operation goes on, and no command waits.
    Pending,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operation {
    /// The client knows NFCCTAP_GETRESPONSE.
    Polled,
    /// The client waits for as long as it takes.
    Held,
}

/// What the firmware does about a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Event {
    /// Send the first `len` bytes of the reply.
    Reply {
        /// Bytes.
        len: usize,
    },
    /// Execute the CTAP2 message in the first `len` bytes of the request buffer, then
    /// [`respond`](Applet::respond).
    Ctap2 {
        /// Bytes.
        len: usize,
    },
    /// Execute the U2F command whose data are the first `len` bytes of the request buffer, then
    /// [`respond`](Applet::respond).
    Ctap1 {
        /// Instruction.
        ins: u8,
        /// First parameter.
        p1: u8,
        /// Second parameter.
        p2: u8,
        /// Bytes.
        len: usize,
    },
    /// The client asks for the running operation: [`respond`](Applet::respond), or
    /// [`keepalive`](Applet::keepalive) again.
    Poll,
    /// The client wants the running operation to end: [`respond`](Applet::respond) with status
    /// 0x2D, or with what won the race.
    Cancel,
    /// The client gave the running operation up. End it, drop its result, and hand the same
    /// command in again.
    Interrupted,
}

impl Applet {
    /// A token that just entered the field. `version` is what SELECT answers; CTAP1 is offered
    /// with [`Version::U2fV2`].
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self {
            version,
            reassembly: Reassembly::new(),
            outbox: Outbox::new(),
            state: State::Deselected,
        }
    }

    /// Whether an operation is executed, polled or held.
    #[must_use]
    pub const fn is_executing(&self) -> bool {
        matches!(self.state, State::Executing { .. } | State::Pending)
    }

    /// Takes one command APDU in. `request` is the same for all commands; `message` is what was
    /// last responded, as long as it was not fetched whole. `reply` has room for two bytes at
    /// least, and for as much of an answer as is to go out in one APDU.
    pub fn handle_command(
        &mut self,
        apdu: &[u8],
        request: &mut [u8],
        message: &[u8],
        reply: &mut [u8],
    ) -> Event {
        match (self.state, Command::parse(apdu)) {
            (State::Executing { .. }, _) => {
                self.state = State::Selected;
                Event::Interrupted
            }
            (_, Err(_)) => refuse(Status::WrongLength, reply),
            (State::Pending, Ok((command, form))) => {
                self.pending(&command, (form, command.le), reply)
            }
            (State::Deselected, Ok((command, _))) if !is_select(&command) => {
                refuse(Status::InsNotSupported, reply)
            }
            (State::Deselected | State::Selected, Ok((command, form))) => {
                self.idle(&command, (form, command.le), request, message, reply)
            }
        }
    }

    /// Answers the command that waits. CTAP2 messages go with [`Status::Success`], whatever their
    /// own status says. Gives the length of the reply; `None` when no command waits: then the
    /// next [`Event::Poll`] wants the answer, or nobody does.
    pub fn respond(&mut self, message: &[u8], status: Status, reply: &mut [u8]) -> Option<usize> {
        let State::Executing { asked, .. } = self.state else {
            return None;
        };
        self.state = State::Selected;
        match self.outbox.begin(message, status, asked, reply) {
            Some(part) => Some(part.len()),
            None => reply_with(&[], Status::NoDiagnosis, reply),
        }
    }

    /// Tells a waiting client how the operation stands; it asks again later. Gives the length of
    /// the reply; `None` when the client cannot ask again: it is to be left waiting.
    pub fn keepalive(&mut self, status: Keepalive, reply: &mut [u8]) -> Option<usize> {
        let State::Executing {
            operation: Operation::Polled,
            ..
        } = self.state
        else {
            return None;
        };
        let len = reply_with(&[status.into()], KEEPALIVE, reply)?;
        self.state = State::Pending;
        Some(len)
    }

    fn pending(&mut self, command: &Command<'_>, asked: Asked, reply: &mut [u8]) -> Event {
        let event = match (command.cla, command.ins, command.p1, command.p2) {
            (CLA, GETRESPONSE, 0x00, 0x00) => Event::Poll,
            (CLA, GETRESPONSE, CANCEL, 0x00) => Event::Cancel,
            (CLA, GETRESPONSE, ..) => return refuse(Status::IncorrectP1P2, reply),
            _ => {
                self.state = State::Selected;
                return Event::Interrupted;
            }
        };
        self.state = State::Executing {
            asked,
            operation: Operation::Polled,
        };
        event
    }

    fn idle(
        &mut self,
        command: &Command<'_>,
        asked: Asked,
        request: &mut [u8],
        message: &[u8],
        reply: &mut [u8],
    ) -> Event {
        // GET RESPONSE, of either class: clients differ.
        if matches!(command.cla, 0x00 | CLA) && command.ins == 0xC0 {
            return match self.outbox.get_response(message, command.le, reply) {
                Some(part) => Event::Reply { len: part.len() },
                None => refuse(Status::ConditionsNotSatisfied, reply),
            };
        }
        self.outbox.clear();
        let offers_ctap1 = self.version == Version::U2fV2;
        match (command.cla, command.ins, command.p1, command.p2) {
            (0x80 | 0x90, MSG, p1, 0x00) if p1 & !GETRESPONSE_KNOWN == 0 => {
                let operation = if p1 & GETRESPONSE_KNOWN == 0 {
                    Operation::Held
                } else {
                    Operation::Polled
                };
                self.collect(command, asked, operation, request, reply)
            }
            (0x00 | 0x10, 0x01..=0x03, ..) if offers_ctap1 => {
                self.collect(command, asked, Operation::Held, request, reply)
            }
            _ => {
                self.reassembly.clear();
                self.manage(command, reply)
            }
        }
    }

    /// What takes no message.
    fn manage(&mut self, command: &Command<'_>, reply: &mut [u8]) -> Event {
        match (command.cla, command.ins, command.p1, command.p2) {
            (0x00, SELECT, BY_NAME, 0x00) if command.data == AID => {
                self.state = State::Selected;
                answer(self.version.as_bytes(), reply)
            }
            (0x00, SELECT, BY_NAME, 0x00) => refuse(Status::NotFound, reply),
            (CLA, GETRESPONSE, 0x00 | CANCEL, 0x00) => {
                refuse(Status::ConditionsNotSatisfied, reply)
            }
            (CLA, CONTROL, END, 0x00) if command.data.is_empty() => {
                self.state = State::Deselected;
                answer(&[], reply)
            }
            (CLA, CONTROL, END, 0x00) => refuse(Status::WrongLength, reply),
            (CLA, GETRESPONSE | CONTROL, ..) | (0x80 | 0x90, MSG, ..) | (0x00, SELECT, ..) => {
                refuse(Status::IncorrectP1P2, reply)
            }
            (0x00 | 0x10 | 0x80 | 0x90, ..) => refuse(Status::InsNotSupported, reply),
            _ => refuse(Status::ClaNotSupported, reply),
        }
    }

    fn collect(
        &mut self,
        command: &Command<'_>,
        asked: Asked,
        operation: Operation,
        request: &mut [u8],
        reply: &mut [u8],
    ) -> Event {
        let len = match self.reassembly.handle_command(command, request) {
            Ok(Block::Part) => return answer(&[], reply),
            Ok(Block::Whole { len }) => len,
            Err(_) => return refuse(Status::WrongLength, reply),
        };
        let event = if command.ins == MSG {
            if len == 0 {
                return refuse(Status::WrongLength, reply);
            }
            Event::Ctap2 { len }
        } else {
            Event::Ctap1 {
                ins: command.ins,
                p1: command.p1,
                p2: command.p2,
                len,
            }
        };
        self.state = State::Executing { asked, operation };
        event
    }
}

fn is_select(command: &Command<'_>) -> bool {
    command.cla == 0x00 && command.ins == SELECT
}

fn refuse(status: Status, reply: &mut [u8]) -> Event {
    let len = reply_with(&[], status, reply).unwrap_or(0);
    Event::Reply { len }
}

fn answer(data: &[u8], reply: &mut [u8]) -> Event {
    let len = reply_with(data, Status::Success, reply).unwrap_or(0);
    Event::Reply { len }
}

fn reply_with(data: &[u8], status: Status, reply: &mut [u8]) -> Option<usize> {
    Response { data, status }.encode(reply).map(<[u8]>::len)
}
