//! A card that echoes what it gets, as long commands and long answers make it.

use super::super::*;
use crate::time::Millis;
use core::fmt;
use std::vec::Vec;

/// The reader is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gone")
    }
}

impl core::error::Error for Gone {}

/// Answers each command with its own data.
#[derive(Default)]
pub(super) struct Echo {
    pub(super) reassembly: Reassembly,
    pub(super) outbox: Outbox,
    pub(super) received: Vec<u8>,
    pub(super) message: Vec<u8>,
    /// Says 61xx before any data.
    pub(super) says_61_first: bool,
    /// Says 6Cxx to an Le that is not exact.
    pub(super) wants_exact_le: bool,
    pub(super) transmitted: Vec<Vec<u8>>,
    pub(super) now: u64,
}

impl Echo {
    pub(super) fn answer<'r>(&mut self, apdu: &[u8], reply: &'r mut [u8]) -> Option<&'r [u8]> {
        let (command, form) = Command::parse(apdu).unwrap();
        if command.ins == 0xC0 {
            return self.outbox.get_response(&self.message, command.le, reply);
        }
        self.received.resize(1024, 0);
        let block = self.reassembly.handle_command(&command, &mut self.received);
        let say = |data, status| Response { data, status };
        let Ok(Block::Whole { len }) = block else {
            let status = match block {
                Ok(_) => Status::Success,
                Err(_) => Status::WrongLength,
            };
            return say(&[], status).encode(reply);
        };
        let exact = Le::new(len);
        if self.wants_exact_le && command.le != Some(exact) && (1..=255).contains(&len) {
            let exact = u8::try_from(len).unwrap_or(0);
            return say(&[], Status::WrongLe { exact }).encode(reply);
        }
        self.message = self.received[..len].to_vec();
        if self.says_61_first && len > 0 {
            let left = u8::try_from(len).unwrap_or(0);
            self.outbox.hold(Status::Success);
            return say(&[], Status::MoreData { left }).encode(reply);
        }
        let whole = (form, command.le);
        self.outbox
            .begin(&self.message, Status::Success, whole, reply)
    }
}

impl CardTransport for Echo {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        Millis(self.now)
    }

    fn pause(&mut self, until: Millis) {
        self.now = until.0;
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Gone> {
        self.transmitted.push(command.to_vec());
        self.now += 1;
        self.answer(command, response).ok_or(Gone)
    }
}

/// A card that speaks T=0 and echoes: header and one count, then what that many bytes are of; data
/// go one way. ISO/IEC 7816-3 §12.2.
#[derive(Default)]
pub(super) struct T0 {
    pub(super) received: Vec<u8>,
    /// Waits for GET RESPONSE.
    pub(super) left: Vec<u8>,
    /// Says 6Cxx to a count that is not exact, at GET RESPONSE too.
    pub(super) wants_exact_le: bool,
    pub(super) transmitted: Vec<Vec<u8>>,
}

impl T0 {
    fn more(&self) -> Status {
        let left = u8::try_from(self.left.len()).unwrap_or(0);
        match left {
            0 if self.left.is_empty() => Status::Success,
            left => Status::MoreData { left },
        }
    }

    fn answer(&mut self, command: &[u8]) -> (Vec<u8>, Status) {
        let &[cla, ins, _, _, count, ref data @ ..] = command else {
            return (Vec::new(), Status::WrongLength);
        };
        if ins == 0xC0 {
            let wanted = if count == 0 { 256 } else { usize::from(count) };
            let part = wanted.min(self.left.len());
            if self.wants_exact_le && part < wanted {
                let exact = u8::try_from(part).unwrap_or(0);
                return (Vec::new(), Status::WrongLe { exact });
            }
            let part: Vec<u8> = self.left.drain(..part).collect();
            return (part, self.more());
        }
        // A count beyond its data is an Le, which has no place here.
        if !data.is_empty() && data.len() != usize::from(count) {
            return (Vec::new(), Status::WrongLength);
        }
        self.received.extend(data);
        if cla & 0x10 != 0 {
            return (Vec::new(), Status::Success);
        }
        self.left = core::mem::take(&mut self.received);
        (Vec::new(), self.more())
    }
}

impl CardTransport for T0 {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        Millis(0)
    }

    fn pause(&mut self, _: Millis) {}

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Gone> {
        self.transmitted.push(command.to_vec());
        let (data, status) = self.answer(command);
        let data = &data;
        Response { data, status }.encode(response).ok_or(Gone)
    }

    fn is_t0(&self) -> bool {
        true
    }
}
