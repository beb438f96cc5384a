//! A card that is held, which remembers what was done to it, and can be given up between two
//! commands, never in the middle of one.

use std::fmt;

use keysteward_core::{
    iso7816::{CardTransport, Command},
    time::Millis,
};

use crate::verb::{conduct::Conduct, watched::Effect};

/// Passes everything on, and keeps what it may have done.
pub(super) struct Watched<'c, C> {
    inner: &'c mut C,
    conduct: &'c Conduct,
    /// Whether using up tries is what was asked for.
    tries_count: bool,
    /// The last APDU was a part of a command, or its answer was one.
    in_command: bool,
    changed: bool,
    /// The last change was sent, and no answer says whether it was made.
    open: bool,
    /// The link has failed: nothing that followed a change was seen to its end.
    lost: bool,
}

impl<'c, C> Watched<'c, C> {
    pub(super) const fn new(inner: &'c mut C, conduct: &'c Conduct, tries_count: bool) -> Self {
        Self {
            inner,
            conduct,
            tries_count,
            in_command: false,
            changed: false,
            open: false,
            lost: false,
        }
    }

    /// What it did to the card. A link that failed after a change leaves the step open, however
    /// harmless the command that it failed at: what was still to follow was not seen.
    pub(super) const fn effect(&self) -> Effect {
        Effect {
            changed: self.changed,
            open: self.open || self.lost && self.changed,
        }
    }

    fn changes(&self, command: &[u8]) -> bool {
        Command::parse(command).map_or(true, |(command, _)| changes(&command, self.tries_count))
    }
}

/// Why an APDU was not carried.
#[derive(Debug)]
pub(super) enum Interrupted<E> {
    Link(E),
    /// The link carried it, and brought nothing back.
    NoAnswer,
    /// The caller gave up, and nothing was sent.
    Cancelled,
}

impl<E: fmt::Display> fmt::Display for Interrupted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(error) => error.fmt(f),
            Self::NoAnswer => f.write_str("the card does not answer; it was taken away, or reset"),
            Self::Cancelled => f.write_str("the step was cancelled between two commands"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Interrupted<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Link(error) => Some(error),
            Self::NoAnswer | Self::Cancelled => None,
        }
    }
}

impl<C: CardTransport> CardTransport for Watched<'_, C> {
    type Error = Interrupted<C::Error>;

    fn now(&mut self) -> Millis {
        self.inner.now()
    }

    fn pause(&mut self, until: Millis) {
        self.inner.pause(until);
    }

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Self::Error> {
        if !self.in_command && self.conduct.is_cancelled() {
            return Err(Interrupted::Cancelled);
        }
        let changes = self.changes(command);
        let chained = is_chained(command);
        match self.inner.transmit(command, response) {
            // As pcscd answers for a card that was taken away.
            Ok([] | [_]) => {
                self.open = changes && !chained;
                self.lost = true;
                Err(Interrupted::NoAnswer)
            }
            Ok(answer) => {
                let sw1 = answer.len().checked_sub(2).and_then(|at| answer.get(at));
                self.open = false;
                let carried_out = sw1.is_some_and(|sw1| was_carried_out(*sw1, self.tries_count));
                self.changed |= changes && !chained && carried_out;
                self.in_command = chained || matches!(sw1, Some(0x61 | 0x6C));
                Ok(answer)
            }
            Err(error) => {
                // Refused by the reader, or a part of a command that the card then forgets.
                self.open = changes && !chained && !C::refused_extended(&error);
                self.lost |= !C::refused_extended(&error);
                self.in_command = false;
                Err(Interrupted::Link(error))
            }
        }
    }

    fn max_command(&self) -> Option<usize> {
        self.inner.max_command()
    }

    fn is_t0(&self) -> bool {
        self.inner.is_t0()
    }

    fn refused_extended(error: &Self::Error) -> bool {
        match error {
            Interrupted::Link(error) => C::refused_extended(error),
            Interrupted::NoAnswer | Interrupted::Cancelled => false,
        }
    }
}

/// Another part of the same command follows. ISO/IEC 7816-4 §5.3.3.
fn is_chained(command: &[u8]) -> bool {
    command.first().is_some_and(|cla| cla & 0x90 == 0x10)
}

/// Whether SW1 says that the card has done it. A wrong try has been used up, too.
const fn was_carried_out(sw1: u8, tries_count: bool) -> bool {
    matches!(sw1, 0x90 | 0x61 | 0x62) || tries_count && matches!(sw1, 0x63)
}

/// Whether a command can change more than counters of tries. What is not known is taken to.
/// SP 800-73-5 part 2 §3; GIDS 2.0; Yubico's extensions.
const fn changes(command: &Command<'_>, tries_count: bool) -> bool {
    match command.ins {
        // SELECT, GET DATA, GET RESPONSE, GET CHALLENGE, GENERAL AUTHENTICATE, MANAGE SECURITY
        // ENVIRONMENT, PERFORM SECURITY OPERATION.
        0xA4 | 0xCB | 0xC0 | 0x84 | 0x86 | 0x87 | 0x22 | 0x2A => false,
        // GET VERSION, GET SERIAL, GET METADATA, ATTEST.
        0xFD | 0xF8 | 0xF7 | 0xF9 => false,
        // VERIFY counts tries, which is no change that anybody asked for, unless somebody did.
        0x20 => tries_count && !command.data.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
