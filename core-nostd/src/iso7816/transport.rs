//! A blocking client over any reader.

use super::{Command, EncodeError, Exchange, ExchangeError, Framing, Le, Response, Status};
use crate::time::Millis;
use core::fmt;

/// Carries APDUs: through a reader, to a card in the same process, from a script.
pub trait CardTransport {
    /// Why an APDU was not carried; usually the card is gone.
    type Error: core::error::Error + Send + Sync + 'static;

    /// The transport's clock, on which every deadline is given.
    fn now(&mut self) -> Millis;

    /// Lets time pass until the clock shows `until`.
    fn pause(&mut self, until: Millis);

    /// Sends one command APDU and puts the response APDU at the front of `response`. One that
    /// does not fit is an error.
    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Self::Error>;

    /// Longest command APDU that the reader takes, in bytes; `None` where it does not say.
    fn max_command(&self) -> Option<usize> {
        None
    }

    /// Whether reader and card speak T=0, which knows no command with data both ways: one goes out
    /// without its Le, and the card holds its answer for GET RESPONSE.
    fn is_t0(&self) -> bool {
        false
    }

    /// Whether the reader refused a command because it was of the extended form: nothing reached
    /// the card, and chaining may help.
    fn refused_extended(_error: &Self::Error) -> bool {
        false
    }
}

impl<T: CardTransport + ?Sized> CardTransport for &mut T {
    type Error = T::Error;

    fn now(&mut self) -> Millis {
        (**self).now()
    }

    fn pause(&mut self, until: Millis) {
        (**self).pause(until);
    }

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Self::Error> {
        (**self).transmit(command, response)
    }

    fn max_command(&self) -> Option<usize> {
        (**self).max_command()
    }

    fn is_t0(&self) -> bool {
        (**self).is_t0()
    }

    fn refused_extended(error: &Self::Error) -> bool {
        T::refused_extended(error)
    }
}

/// One command there and back, however many APDUs it takes. The answer lies at the front of
/// `response`, which needs two bytes more than it for the status. `scratch` holds the longest
/// command APDU: 261 bytes for [`Framing::Short`], 9 more than the data for
/// [`Framing::Extended`].
///
/// `deadline` is looked at between APDUs; how long one may take is for the reader to say.
pub fn exchange<'r, T: CardTransport + ?Sized>(
    card: &mut T,
    command: Command<'_>,
    framing: Framing,
    scratch: &mut [u8],
    response: &'r mut [u8],
    deadline: Millis,
) -> Result<Response<'r>, CardError<T::Error>> {
    let mut exchange = Exchange::new(command, framing);
    while let Some((next, form)) = exchange.command() {
        if card.now() >= deadline {
            return Err(CardError::Deadline);
        }
        let said = if card.is_t0() { in_t0(next) } else { next };
        let apdu = said.encode(form, scratch).map_err(CardError::Command)?;
        let room = response
            .get_mut(exchange.len()..)
            .filter(|room| room.len() >= 2)
            .ok_or(CardError::AnswerTooLong)?;
        let answer = card.transmit(apdu, room).map_err(CardError::Transport)?;
        if let Some(status) = exchange
            .handle_response(answer)
            .map_err(CardError::Exchange)?
        {
            return Ok(answered(response, exchange.len(), status));
        }
    }
    Err(CardError::Exchange(ExchangeError::NothingSent))
}

/// As T=0 carries it. ISO/IEC 7816-3 §12.2.2, §12.2.5: its header has a fifth byte always, which
/// counts what goes one way.
const fn in_t0(command: Command<'_>) -> Command<'_> {
    let le = match (command.data.is_empty(), command.le) {
        // The fifth byte is 0, which is how Le of 256 is written.
        (true, None) => Some(Le::SHORT),
        (true, le) => le,
        (false, _) => None,
    };
    Command { le, ..command }
}

fn answered(response: &[u8], len: usize, status: Status) -> Response<'_> {
    Response {
        data: response.get(..len).unwrap_or_default(),
        status,
    }
}

/// Why a command has no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CardError<E> {
    /// The reader failed; usually the card is gone.
    Transport(E),
    /// The card does not keep to the protocol.
    Exchange(ExchangeError),
    /// The card's answer is longer than there is room for.
    AnswerTooLong,
    /// The command could not be encoded; nothing of it was sent.
    Command(EncodeError),
    /// The card did not answer in time.
    Deadline,
}

impl<E: fmt::Display> fmt::Display for CardError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Exchange(error) => error.fmt(f),
            Self::AnswerTooLong => f.write_str("the card's answer is longer than any is expected"),
            Self::Command(error) => error.fmt(f),
            Self::Deadline => f.write_str("the card did not answer in time"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for CardError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Exchange(error) => Some(error),
            Self::Command(error) => Some(error),
            Self::AnswerTooLong | Self::Deadline => None,
        }
    }
}
