//! Applets beside FIDO's on one card: chosen by name, one at a time. ISO/IEC 7816-4 §8.2.1, §11.
//!
//! What all of them share is done here: SELECT, chains of commands, answers that are fetched in
//! parts. An applet sees whole commands.
//!
//! ```
//! use keysteward_core::iso7816::{Command, Status};
//! use keysteward_virtual_token::card::Applet;
//!
//! /// Answers every command with what it was told.
//! struct Echo;
//!
//! impl Applet for Echo {
//!     fn is_named(&self, aid: &[u8]) -> bool {
//!         aid == b"\xF0echo"
//!     }
//!
//!     fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
//!         (&response[..0], Status::Success)
//!     }
//!
//!     fn deselect(&mut self) {}
//!
//!     fn execute<'r>(
//!         &mut self,
//!         command: &Command<'_>,
//!         response: &'r mut [u8],
//!     ) -> (&'r [u8], Status) {
//!         let answer = &mut response[..command.data.len()];
//!         answer.copy_from_slice(command.data);
//!         (answer, Status::Success)
//!     }
//! }
//! # let mut echo = Echo;
//! # let command = Command { cla: 0, ins: 1, p1: 0, p2: 0, data: b"hi", le: None };
//! # assert_eq!(echo.execute(&command, &mut [0; 4]), (&b"hi"[..], Status::Success));
//! ```

#[cfg(all(test, feature = "std"))]
mod tests;

use keysteward_core::iso7816::{Block, Command, Form, Outbox, Reassembly, Response, Status};

/// An applet of a card.
pub trait Applet {
    /// Whether SELECT by this name means it.
    fn is_named(&self, aid: &[u8]) -> bool;

    /// It is selected, or selected again; answers what SELECT does.
    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status);

    /// Another applet is selected, or the card lost power: what was verified is forgotten.
    fn deselect(&mut self);

    /// Executes one command, put together from its chain; its class has no chaining bit.
    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status);
}

/// The applets of a card that stand beside FIDO's, by number from 0.
pub trait Applets {
    /// The one of this number; `None`: there are no more.
    fn applet(&mut self, number: usize) -> Option<&mut dyn Applet>;
}

/// FIDO's alone.
impl Applets for () {
    fn applet(&mut self, _: usize) -> Option<&mut dyn Applet> {
        None
    }
}

impl<A: Applet> Applets for (A,) {
    fn applet(&mut self, number: usize) -> Option<&mut dyn Applet> {
        match number {
            0 => Some(&mut self.0),
            _ => None,
        }
    }
}

impl<A: Applet, B: Applet> Applets for (A, B) {
    fn applet(&mut self, number: usize) -> Option<&mut dyn Applet> {
        match number {
            0 => Some(&mut self.0),
            1 => Some(&mut self.1),
            _ => None,
        }
    }
}

#[cfg(feature = "std")]
impl Applets for Vec<Box<dyn Applet + Send>> {
    fn applet(&mut self, number: usize) -> Option<&mut dyn Applet> {
        match self.get_mut(number) {
            Some(applet) => Some(&mut **applet),
            None => None,
        }
    }
}

/// Which of the applets is selected, and what of its dialogue is open.
///
/// ```text
///             SELECT by its name           SELECT FIDO, power
///   FIDO's ---------------------> one of ours ------------> FIDO's
/// ```
pub(super) struct Beside<A> {
    applets: A,
    selected: Option<usize>,
    reassembly: Reassembly,
    outbox: Outbox,
    /// Bytes of the last answer, as long as it was not fetched whole.
    answered: usize,
}

/// Whose a command is.
pub(super) enum Turn {
    /// Answered with as many bytes of the reply.
    Replied { len: usize },
    /// FIDO's.
    Fido,
}

impl<A: Applets> Beside<A> {
    pub(super) fn new(applets: A) -> Self {
        Self {
            applets,
            selected: None,
            reassembly: Reassembly::new(),
            outbox: Outbox::new(),
            answered: 0,
        }
    }

    pub(super) fn power_up(&mut self) {
        self.leave();
    }

    /// Whether the command selects an applet that is not FIDO's.
    pub(super) fn is_called(&mut self, apdu: &[u8]) -> bool {
        matches!(Command::parse(apdu), Ok((command, _)) if self.named(&command).is_some())
    }

    /// Takes a command, if it is not FIDO's. `fido` is FIDO's own name, if the card has it; the
    /// buffers are the same for all commands.
    pub(super) fn handle_command(
        &mut self,
        apdu: &[u8],
        fido: Option<&[u8]>,
        (request, message, reply): (&mut [u8], &mut [u8], &mut [u8]),
    ) -> Turn {
        let Ok((command, form)) = Command::parse(apdu) else {
            return match (self.selected, fido) {
                (None, Some(_)) => Turn::Fido,
                _ => refuse(Status::WrongLength, reply),
            };
        };
        if let Some(number) = self.named(&command) {
            if self.selected != Some(number) {
                self.leave();
                self.selected = Some(number);
            }
            self.reassembly.clear();
            return self.answer(command, form, message, reply, true);
        }
        match (self.selected, fido) {
            (None, Some(_)) => return Turn::Fido,
            (None, None) if !is_select(&command) => {
                return refuse(Status::CommandNotAllowed, reply);
            }
            (Some(_), Some(aid)) if is_select(&command) && command.data == aid => {
                self.leave();
                return Turn::Fido;
            }
            _ => {}
        }
        if command.cla & LOGICAL_CHANNEL != 0 {
            return refuse(Status::LogicalChannelNotSupported, reply);
        }
        if command.ins == GET_RESPONSE {
            let waiting = message.get(..self.answered).unwrap_or_default();
            return match self.outbox.get_response(waiting, command.le, reply) {
                Some(part) => Turn::Replied { len: part.len() },
                None => refuse(Status::ConditionsNotSatisfied, reply),
            };
        }
        self.outbox.clear();
        let whole = match self.reassembly.handle_command(&command, request) {
            Ok(Block::Part) => return refuse(Status::Success, reply),
            Ok(Block::Whole { len }) => Command {
                data: request.get(..len).unwrap_or_default(),
                ..command
            },
            Err(_) => return refuse(Status::WrongLength, reply),
        };
        if is_select(&whole) {
            return refuse(Status::NotFound, reply);
        }
        self.answer(whole, form, message, reply, false)
    }

    fn answer(
        &mut self,
        command: Command<'_>,
        form: Form,
        message: &mut [u8],
        reply: &mut [u8],
        selects: bool,
    ) -> Turn {
        let applet = self.selected.and_then(|number| self.applets.applet(number));
        let Some(applet) = applet else {
            return refuse(Status::NotFound, reply);
        };
        let (data, status) = if selects {
            applet.select(message)
        } else {
            applet.execute(&command, message)
        };
        self.answered = data.len();
        match self.outbox.begin(data, status, (form, command.le), reply) {
            Some(part) => Turn::Replied { len: part.len() },
            None => refuse(Status::NoDiagnosis, reply),
        }
    }

    fn named(&mut self, command: &Command<'_>) -> Option<usize> {
        if !is_select(command) {
            return None;
        }
        let mut number: usize = 0;
        while let Some(applet) = self.applets.applet(number) {
            if applet.is_named(command.data) {
                return Some(number);
            }
            number = number.saturating_add(1);
        }
        None
    }

    fn leave(&mut self) {
        if let Some(number) = self.selected.take()
            && let Some(applet) = self.applets.applet(number)
        {
            applet.deselect();
        }
        self.reassembly.clear();
        self.outbox.clear();
        self.answered = 0;
    }
}

fn is_select(command: &Command<'_>) -> bool {
    (command.cla, command.ins, command.p1) == (0x00, SELECT, BY_NAME)
        && matches!(command.p2, 0x00 | WITHOUT_ANSWER)
}

fn refuse(status: Status, reply: &mut [u8]) -> Turn {
    let response = Response { data: &[], status };
    let len = response.encode(reply).map_or(0, <[u8]>::len);
    Turn::Replied { len }
}

const SELECT: u8 = 0xA4;
const BY_NAME: u8 = 0x04;
const WITHOUT_ANSWER: u8 = 0x0C;
const GET_RESPONSE: u8 = 0xC0;
/// Bits of the class that name another channel than the first.
const LOGICAL_CHANNEL: u8 = 0x03;
