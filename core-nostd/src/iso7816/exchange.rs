//! The reader's side of one command, however many APDUs it takes: command chaining there, GET
//! RESPONSE back, a second try with the right Le. ISO/IEC 7816-4 §5.3.3, §5.3.4; ISO/IEC 7816-3
//! §12.2.

use super::chaining::{Blocks, CHAINED};
use super::{Command, Form, Le, MAX_SHORT_DATA, Response, ResponseTooShort, Status};
use core::{fmt, mem};

/// How a reader and a card carry what a short command does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// In chains of short commands.
    Short,
    /// In commands of the extended form.
    Extended,
}

impl Framing {
    /// The form of its commands.
    #[must_use]
    pub const fn form(self) -> Form {
        match self {
            Self::Short => Form::Short,
            Self::Extended => Form::Extended,
        }
    }
}

/// One command and its answer.
///
/// ```text
///            9000             last block: 61xx               anything else
///   Sending ------> Sending -------------------> Collecting ---------> Done
///      |                                          ^  ^   |  |
///      |---- last block: 6Cxx ----> Corrected ----'  |   |  '-- 61xx with data
///      |                                             |   '----- 6Cxx
///      |                             61xx with data  |           v
///      |                                             '--- CollectingCorrected --> Done
///      '---- anything else --------------------------------------------> Done
/// ```
///
/// The answers are put together by whoever receives them: each one lies in the buffer from
/// [`len`](Self::len) on.
#[derive(Debug)]
pub struct Exchange<'c> {
    form: Form,
    /// What is to be sent; `None` when the exchange is over.
    due: Option<Command<'c>>,
    state: State<'c>,
    len: usize,
}

#[derive(Debug)]
enum State<'c> {
    Sending(Blocks<'c>),
    /// The last block was sent again with the Le that the card gave.
    Corrected,
    Collecting,
    /// GET RESPONSE was sent again with the Le that the card gave.
    CollectingCorrected,
    Done,
}

impl<'c> Exchange<'c> {
    /// Begins with `command`.
    #[must_use]
    pub fn new(command: Command<'c>, framing: Framing) -> Self {
        let block = match framing {
            Framing::Short => MAX_SHORT_DATA,
            Framing::Extended => usize::MAX,
        };
        let mut blocks = Blocks::of(command, block);
        Self {
            form: framing.form(),
            due: blocks.next(),
            state: State::Sending(blocks),
            len: 0,
        }
    }

    /// The command to send now, and its form; `None` when the exchange is over.
    #[must_use]
    pub fn command(&self) -> Option<(Command<'c>, Form)> {
        self.due.map(|command| (command, self.form))
    }

    /// Bytes of the answer that came.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing of the answer came.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes an answer in. With its status the exchange is over; `None`: there is another command
    /// to send. An error ends the exchange.
    pub fn handle_response(&mut self, apdu: &[u8]) -> Result<Option<Status>, ExchangeError> {
        let Some(sent) = self.due.take() else {
            return Err(ExchangeError::NothingSent);
        };
        // Taken, so that an error leaves `Done`.
        let state = mem::replace(&mut self.state, State::Done);
        let response = Response::parse(apdu)?;
        let got = response.data.len();
        let asked = sent.le.map_or(0, |le| le.min(self.form.max_le()).bytes());
        if got > asked {
            return Err(ExchangeError::MoreThanAsked { asked, got });
        }
        match (state, response.status) {
            (State::Sending(mut blocks), status) if sent.cla & CHAINED != 0 => {
                if status != Status::Success {
                    return Ok(Some(status));
                }
                self.due = blocks.next();
                self.state = State::Sending(blocks);
                Ok(None)
            }
            (State::Sending(_), Status::WrongLe { exact }) if sent.le.is_some() => {
                self.again(sent, exact);
                self.state = State::Corrected;
                Ok(None)
            }
            (State::Collecting, Status::WrongLe { exact }) if got == 0 => {
                self.again(sent, exact);
                self.state = State::CollectingCorrected;
                Ok(None)
            }
            (State::Collecting | State::CollectingCorrected, Status::MoreData { .. })
                if got == 0 =>
            {
                Err(ExchangeError::NoProgress)
            }
            (_, Status::MoreData { left }) => {
                self.len = self.len.saturating_add(got);
                // GET RESPONSE has no short cut: its own Le is short.
                self.form = Form::Short;
                self.due = Some(get_response(sent.cla, left));
                self.state = State::Collecting;
                Ok(None)
            }
            (_, status) => {
                self.len = self.len.saturating_add(got);
                Ok(Some(status))
            }
        }
    }

    const fn again(&mut self, sent: Command<'c>, exact: u8) {
        self.due = Some(Command {
            le: Some(of_one_byte(exact)),
            ..sent
        });
    }
}

const fn get_response(cla: u8, left: u8) -> Command<'static> {
    // Of a proprietary class only the owner knows the channel bits.
    let cla = if cla & 0x80 == 0 { cla & !CHAINED } else { 0 };
    Command {
        cla,
        ins: 0xC0,
        p1: 0,
        p2: 0,
        data: &[],
        le: Some(of_one_byte(left)),
    }
}

/// In 61xx and 6Cxx, as in a short Le, 0 means 256.
const fn of_one_byte(count: u8) -> Le {
    Le::from_short(count)
}

/// Why an exchange was broken off. The command may have had its effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ExchangeError {
    /// An answer without a status.
    ResponseTooShort(ResponseTooShort),
    /// The card answered more than Le.
    MoreThanAsked {
        /// Bytes asked for.
        asked: usize,
        /// Bytes that came.
        got: usize,
    },
    /// The card announces more and sends nothing.
    NoProgress,
    /// An answer that no command asked for.
    NothingSent,
}

impl From<ResponseTooShort> for ExchangeError {
    fn from(error: ResponseTooShort) -> Self {
        Self::ResponseTooShort(error)
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseTooShort(error) => error.fmt(f),
            Self::MoreThanAsked { asked, got } => {
                write!(f, "the card answered {got} bytes, {asked} were asked for")
            }
            Self::NoProgress => f.write_str("the card announces more data and sends none"),
            Self::NothingSent => f.write_str("an answer came that no command asked for"),
        }
    }
}

impl core::error::Error for ExchangeError {}
