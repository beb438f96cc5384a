//! Command chaining: data that one short command does not carry. ISO/IEC 7816-4 §5.3.3.

use super::{Command, MAX_SHORT_DATA};
use core::{fmt, mem};

/// The bit of CLA that says: more follows.
pub(super) const CHAINED: u8 = 0x10;

/// The commands that carry one long command, in order.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    command: Command<'a>,
    block: usize,
    ended: bool,
}

impl<'a> Blocks<'a> {
    /// Cuts `command` into blocks of `block` bytes, 1 to 255.
    #[must_use]
    pub fn new(command: Command<'a>, block: usize) -> Self {
        Self::of(command, block.clamp(1, MAX_SHORT_DATA))
    }

    pub(super) const fn of(command: Command<'a>, block: usize) -> Self {
        Self {
            command,
            block,
            ended: false,
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Command<'a>;

    fn next(&mut self) -> Option<Command<'a>> {
        if self.ended {
            return None;
        }
        match self.command.data.split_at_checked(self.block) {
            Some((data, rest @ [_, ..])) => {
                self.command.data = rest;
                Some(Command {
                    cla: self.command.cla | CHAINED,
                    data,
                    le: None,
                    ..self.command
                })
            }
            _ => {
                self.ended = true;
                Some(self.command)
            }
        }
    }
}

/// Puts a chain together again, on the card. The buffer is the caller's, the same for all blocks
/// of a chain.
///
/// ```text
///          CLA | 10                 CLA
///   Idle -----------> Collecting ---------> Idle + Whole
///    ^                  |     |
///    '--- too long -----'     '- another CLA, INS, P1 or P2: a new command, the chain is dropped
/// ```
#[derive(Debug, Default)]
pub struct Reassembly {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Collecting {
        header: [u8; 4],
        len: usize,
    },
}

/// What a command meant for the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Block {
    /// A part; to be answered with 9000.
    Part,
    /// The command is whole: its data are the first `len` bytes of the buffer.
    Whole {
        /// Bytes.
        len: usize,
    },
}

impl Reassembly {
    /// Nothing was received.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Idle }
    }

    /// Whether the end of a chain is due.
    #[must_use]
    pub const fn is_collecting(&self) -> bool {
        matches!(self.state, State::Collecting { .. })
    }

    /// Drops what was received.
    pub const fn clear(&mut self) {
        self.state = State::Idle;
    }

    /// Takes one command in, chained or not.
    pub fn handle_command(
        &mut self,
        command: &Command<'_>,
        buffer: &mut [u8],
    ) -> Result<Block, ChainTooLong> {
        let header = [command.cla & !CHAINED, command.ins, command.p1, command.p2];
        // Taken, so that an error leaves `Idle`.
        let before = match mem::take(&mut self.state) {
            State::Collecting { header: of, len } if of == header => len,
            State::Collecting { .. } | State::Idle => 0,
        };
        let too_long = ChainTooLong { room: buffer.len() };
        let len = before.checked_add(command.data.len()).ok_or(too_long)?;
        buffer
            .get_mut(before..len)
            .ok_or(too_long)?
            .copy_from_slice(command.data);
        if command.cla & CHAINED == 0 {
            return Ok(Block::Whole { len });
        }
        self.state = State::Collecting { header, len };
        Ok(Block::Part)
    }
}

/// A chain longer than the card has room for; it was dropped. A card answers 6700.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChainTooLong {
    /// Bytes of room.
    pub room: usize,
}

impl fmt::Display for ChainTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a command does not fit {} bytes", self.room)
    }
}

impl core::error::Error for ChainTooLong {}
