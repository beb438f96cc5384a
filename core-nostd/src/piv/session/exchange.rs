//! One command there and back.

use super::{Error, Instruction, PivSession};
use crate::iso7816::tlv::EncodeError;
use crate::iso7816::{self, CardError, CardTransport, Command, Framing, MAX_SHORT_DATA, Status};
use crate::piv::MAX_OBJECT;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Room for the longest command and the longest answer. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "may hold secrets")]
pub struct Buffers {
    data: [u8; MAX_DATA],
    apdu: [u8; MAX_APDU],
    response: [u8; MAX_RESPONSE],
}

impl Buffers {
    /// Empty ones.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            data: [0; MAX_DATA],
            apdu: [0; MAX_APDU],
            response: [0; MAX_RESPONSE],
        }
    }

    /// The first bytes of the last answer.
    pub(super) fn answer(&self, len: usize) -> &[u8] {
        self.response.get(..len).unwrap_or_default()
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: CardTransport + ?Sized, C: ?Sized> PivSession<'_, T, C> {
    /// Says a command that stands on its own: its status, and how long the answer is.
    pub(super) fn say(
        &mut self,
        instruction: Instruction,
        command: Command<'_>,
    ) -> Result<(Status, usize), Error<T::Error>> {
        let Buffers { apdu, response, .. } = &mut *self.buffers;
        let said = one(
            self.card,
            command,
            Framing::Short,
            (apdu, response),
            self.deadline,
        );
        apdu.zeroize();
        finish(instruction, said)
    }

    /// Says a command whose data are built in the buffers, which are wiped after it.
    pub(super) fn build_and_say(
        &mut self,
        instruction: Instruction,
        build: impl for<'b> FnOnce(&'b mut [u8]) -> Result<Command<'b>, EncodeError>,
    ) -> Result<(Status, usize), Error<T::Error>> {
        let Buffers {
            data,
            apdu,
            response,
        } = &mut *self.buffers;
        let command = build(data).map_err(|_| Error::TooLong(instruction))?;
        let said = one(
            self.card,
            command,
            Framing::Short,
            (apdu, response),
            self.deadline,
        );
        data.zeroize();
        apdu.zeroize();
        finish(instruction, said)
    }

    /// The same, for a command around content that is encoded first, where the answer comes later.
    pub(super) fn encode_and_say(
        &mut self,
        instruction: Instruction,
        encode: impl for<'b> FnOnce(&'b mut [u8]) -> Result<&'b [u8], EncodeError>,
        build: impl for<'b> FnOnce(&[u8], &'b mut [u8]) -> Result<Command<'b>, EncodeError>,
    ) -> Result<(Status, usize), Error<T::Error>> {
        let Buffers {
            data,
            apdu,
            response,
        } = &mut *self.buffers;
        let command = encode(response)
            .and_then(|content| build(content, data))
            .map_err(|_| Error::TooLong(instruction))?;
        let said = one(
            self.card,
            command,
            Framing::Short,
            (apdu, response),
            self.deadline,
        );
        finish(instruction, said)
    }

    /// Says a command that only reads: with the extended form where reader and card take it, so
    /// that a long answer comes in one piece.
    pub(super) fn read(
        &mut self,
        instruction: Instruction,
        command: Command<'_>,
    ) -> Result<(Status, usize), Error<T::Error>> {
        let Buffers { apdu, response, .. } = &mut *self.buffers;
        let mut said = one(
            self.card,
            command,
            self.reading,
            (apdu, response),
            self.deadline,
        );
        if self.reading == Framing::Extended && refused_extended::<T>(&said) {
            log::debug!("commands of the extended form are refused; short ones from now on");
            self.reading = Framing::Short;
            said = one(
                self.card,
                command,
                Framing::Short,
                (apdu, response),
                self.deadline,
            );
        }
        finish(instruction, said)
    }
}

type Said<E> = Result<(Status, usize), CardError<E>>;

fn one<T: CardTransport + ?Sized>(
    card: &mut T,
    command: Command<'_>,
    framing: Framing,
    (apdu, response): (&mut [u8], &mut [u8]),
    deadline: crate::time::Millis,
) -> Said<T::Error> {
    iso7816::exchange(card, command, framing, apdu, response, deadline)
        .map(|answer| (answer.status, answer.data.len()))
}

fn finish<E>(instruction: Instruction, said: Said<E>) -> Result<(Status, usize), Error<E>> {
    match said {
        Ok(said) => {
            log::trace!("{instruction}: {}", said.0);
            Ok(said)
        }
        Err(CardError::Command(_)) => Err(Error::TooLong(instruction)),
        Err(error) => Err(error.into()),
    }
}

fn refused_extended<T: CardTransport + ?Sized>(said: &Said<T::Error>) -> bool {
    match said {
        Ok((status, 0)) => matches!(
            status,
            Status::WrongLength
                | Status::LogicalChannelNotSupported
                | Status::SecureMessagingNotSupported
                | Status::LastCommandExpected
                | Status::ChainingNotSupported
                | Status::NoDiagnosis
        ),
        Ok(_) => false,
        Err(CardError::Transport(error)) => T::refused_extended(error),
        Err(_) => false,
    }
}

/// An object with its tag list and its wrapping.
const MAX_DATA: usize = MAX_OBJECT.saturating_add(16);
/// The longest command of the short form; those of the extended form that are sent are shorter.
const MAX_APDU: usize = MAX_SHORT_DATA.saturating_add(6);
/// An object in its wrapping, and a status.
const MAX_RESPONSE: usize = MAX_OBJECT.saturating_add(16);
