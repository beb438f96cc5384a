//! Cards and U2F keys that answer from a script.

use std::ops::ControlFlow;

use keysteward_core::iso7816::{CardTransport, Command, Response, ResponseTooShort, Status};
use keysteward_core::session::Keepalive;
use keysteward_core::session::ctap1::U2fTransport;
use keysteward_core::time::Millis;

use crate::Script;

/// A card at a reader. Each APDU takes it a millisecond.
#[derive(Debug)]
pub struct ScriptedCard<'s> {
    pub script: Script<'s>,
    pub now: Millis,
    pub max_command: Option<usize>,
    /// What SELECT is answered; `None`: the script says.
    pub select_answer: Option<&'static [u8]>,
    /// Whether two steps stand for the answers that no fuzzer would guess often enough:
    /// [`Self::DONE`] and [`Self::NOT_FOUND`].
    pub is_brief: bool,
}

/// The script has ended, or what it says does not fit.
#[derive(Debug)]
pub enum Gone {
    Ended,
    TooLong,
    /// The reader takes no commands of the extended form.
    Extended,
}

impl<'s> ScriptedCard<'s> {
    /// SW 9000, and no data.
    pub const DONE: u8 = 0xFE;
    /// SW 6A82.
    pub const NOT_FOUND: u8 = 0xFD;

    pub const fn new(script: Script<'s>) -> Self {
        Self {
            script,
            now: Millis(0),
            max_command: None,
            select_answer: None,
            is_brief: false,
        }
    }

    fn answer<'r>(&mut self, response: &'r mut [u8]) -> Result<&'r [u8], Gone> {
        let answer = self.script.rest_of_step();
        self.say(answer, response)
    }

    fn say<'r>(&mut self, answer: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Gone> {
        self.now = self.now.after(1);
        let response = response.get_mut(..answer.len()).ok_or(Gone::TooLong)?;
        response.copy_from_slice(answer);
        Ok(response)
    }
}

impl CardTransport for ScriptedCard<'_> {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn pause(&mut self, until: Millis) {
        self.now = self.now.max(until);
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Gone> {
        assert!(self.max_command.is_none_or(|max| command.len() <= max));
        Command::parse(command).expect("a command");
        if let Some(answer) = self.select_answer
            && command.get(1) == Some(&0xA4)
        {
            return self.say(answer, response);
        }
        match self.script.byte() {
            None => Err(Gone::Ended),
            Some(0xFF) => Err(Gone::Extended),
            Some(Self::DONE) if self.is_brief => self.say(b"\x90\x00", response),
            Some(Self::NOT_FOUND) if self.is_brief => self.say(b"\x6A\x82", response),
            Some(_) => self.answer(response),
        }
    }

    fn max_command(&self) -> Option<usize> {
        self.max_command
    }

    fn refused_extended(error: &Gone) -> bool {
        matches!(error, Gone::Extended)
    }
}

impl U2fTransport for ScriptedCard<'_> {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn pause(&mut self, until: Millis) -> Result<(), Gone> {
        self.now = self.now.max(until);
        Ok(())
    }

    fn exchange_apdu<'r>(
        &mut self,
        _command: Command<'_>,
        response: &'r mut [u8],
        _deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<Response<'r>, Gone> {
        let answer = loop {
            match self.script.byte() {
                None => return Err(Gone::Ended),
                // Not touched yet.
                Some(0xFF) => {
                    self.now = self.now.after(1);
                    let status = Status::ConditionsNotSatisfied;
                    return Ok(Response { data: &[], status });
                }
                // At work, whether it was told to end or not.
                Some(0xFE) => {
                    self.now = self.now.after(1);
                    let _ = on_keepalive(Keepalive::UserPresenceNeeded);
                }
                Some(_) => break self.answer(response)?,
            }
        };
        Response::parse(answer).map_err(|ResponseTooShort { .. }| Gone::TooLong)
    }
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ended => "the script has ended",
            Self::TooLong => "what the script says does not fit",
            Self::Extended => "the reader takes no commands of the extended form",
        })
    }
}

impl std::error::Error for Gone {}
