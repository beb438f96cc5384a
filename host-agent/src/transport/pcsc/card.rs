//! One card: connected to, held, spoken to.

use std::{fmt, thread, time::Duration};

use keysteward_core::{
    iso7816::{CardTransport, Command, Form},
    session::Millis,
};
use pcsc::{Card, Disposition, Error, Protocol, Protocols, ShareMode, Transaction};
use self_cell::{MutBorrow, self_cell};

use super::{
    super::now,
    error::{self, PcscError},
    properties,
};

/// A card that is connected to. Dropped, it is left as it was let go.
pub struct PcscCard {
    /// `None` only while it is dropped.
    card: Option<Card>,
    reader: String,
}

impl PcscCard {
    pub(super) const fn new(card: Card, reader: String) -> Self {
        Self {
            card: Some(card),
            reader,
        }
    }

    /// Keeps other programs out until the link is dropped; waits until they let the card go. The
    /// applet is to be selected: another program may have selected one of its own.
    pub fn hold(self) -> Result<PcscLink, PcscError> {
        let reader = self.reader.clone();
        let mut protocol = None;
        let held = Held::try_new(MutBorrow::new(self), |card| {
            let (transaction, found) = begin(card.borrow_mut().connected()?)
                .map_err(|error| PcscError::of_open_card(error, &reader))?;
            protocol = found;
            Ok(Turn {
                transaction: Some(transaction),
                unlocked: false,
            })
        })?;
        let max_command = match (protocol, held.borrow_dependent().transaction()) {
            // Its extended form goes by ENVELOPE, which few cards know.
            (Some(Protocol::T0), _) | (_, Err(_)) => Some(properties::MAX_SHORT_COMMAND),
            (_, Ok(transaction)) => properties::max_command(transaction),
        };
        Ok(PcscLink {
            held,
            reader,
            max_command,
            is_t0: protocol == Some(Protocol::T0),
            extended: Extended::Untried,
            lost: false,
        })
    }

    /// Cuts the card's power and gives it back, as if it was taken away and put on again.
    pub fn power_cycle(&mut self) -> Result<(), PcscError> {
        let reader = self.reader.clone();
        self.connected()?
            .reconnect(ShareMode::Shared, Protocols::ANY, Disposition::UnpowerCard)
            .map_err(|error| PcscError::of_open_card(error, &reader))
    }

    fn connected(&mut self) -> Result<&mut Card, PcscError> {
        let reader = &self.reader;
        self.card.as_mut().ok_or_else(|| PcscError::Removed {
            reader: reader.clone(),
        })
    }
}

/// Begins a transaction. A card that was reset by another program since is taken as it is now.
fn begin(mut card: &mut Card) -> Result<(Transaction<'_>, Option<Protocol>), Error> {
    for _ in 0..RESETS {
        match card.transaction2() {
            Ok(transaction) => {
                let protocol = transaction.status2_owned()?.protocol2();
                return Ok((transaction, protocol));
            }
            Err((reset, Error::ResetCard | Error::UnpoweredCard)) => {
                card = reset;
                card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)?;
            }
            Err((_, error)) => return Err(error),
        }
    }
    Err(Error::ResetCard)
}

impl Drop for PcscCard {
    fn drop(&mut self) {
        if let Some(card) = self.card.take()
            && let Err((card, error)) = card.disconnect(Disposition::LeaveCard)
        {
            tracing::debug!(reader = self.reader, %error, "left a card");
            // Disconnecting again would fail again, and do no more.
            std::mem::forget(card);
        }
    }
}

impl fmt::Debug for PcscCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcscCard")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

self_cell!(
    /// A card with the transaction that borrows it, so that both can be kept for as long as a
    /// lease lasts.
    struct Held {
        owner: MutBorrow<PcscCard>,

        #[covariant]
        dependent: Turn,
    }
);

/// The time in which the card is ours alone. A card that was shown a secret is reset at its end:
/// the next program must not find open what we opened.
struct Turn<'c> {
    /// `None` only while it is dropped.
    transaction: Option<Transaction<'c>>,
    unlocked: bool,
}

impl<'c> Turn<'c> {
    const fn transaction(&self) -> Result<&Transaction<'c>, Error> {
        match &self.transaction {
            Some(transaction) => Ok(transaction),
            None => Err(Error::RemovedCard),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let disposition = if self.unlocked {
            Disposition::ResetCard
        } else {
            Disposition::LeaveCard
        };
        if let Some(transaction) = self.transaction.take()
            && let Err((_, error)) = transaction.end(disposition)
        {
            tracing::debug!(%error, "let a card go");
        }
    }
}

/// Whether the command shows the card a PIN, a PUK or an admin key, or answers for one.
/// ISO/IEC 7816-4 §11.5.
fn unlocks(command: &Command<'_>) -> bool {
    const VERIFY: u8 = 0x20;
    const CHANGE_REFERENCE_DATA: u8 = 0x24;
    const RESET_RETRY_COUNTER: u8 = 0x2C;
    const EXTERNAL_AUTHENTICATE: u8 = 0x82;
    const GENERAL_AUTHENTICATE: u8 = 0x87;
    matches!(
        command.ins,
        VERIFY
            | CHANGE_REFERENCE_DATA
            | RESET_RETRY_COUNTER
            | EXTERNAL_AUTHENTICATE
            | GENERAL_AUTHENTICATE
    )
}

/// A card that is held: nobody else's commands reach it until this is dropped.
pub struct PcscLink {
    held: Held,
    reader: String,
    max_command: Option<usize>,
    is_t0: bool,
    extended: Extended,
    lost: bool,
}

/// What is known of commands of the extended form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Extended {
    Untried,
    Works,
}

impl PcscLink {
    /// Lets other programs at the card, and keeps it connected to.
    #[must_use]
    pub fn release(self) -> PcscCard {
        self.held.into_owner().into_inner()
    }

    /// Whether the card was taken away or reset, or the service stopped, since it is held: nothing
    /// reaches it by this link any more, and whatever was selected or unlocked is not.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Tells the service that the card is still wanted. To be called every few seconds while
    /// nothing is sent to it: Windows resets a card that is held for five without a call.
    pub fn keep(&mut self) -> Result<(), PcscError> {
        let turn = self.held.borrow_dependent();
        match turn
            .transaction()
            .and_then(|transaction| transaction.status2_owned())
        {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fails(error)),
        }
    }

    fn fails(&mut self, error: Error) -> PcscError {
        let error = PcscError::of_open_card(error, &self.reader);
        self.lost |= error.ends_link();
        error
    }
}

impl CardTransport for PcscLink {
    type Error = PcscError;

    fn now(&mut self) -> Millis {
        now()
    }

    fn pause(&mut self, until: Millis) {
        thread::sleep(Duration::from_millis(until.since(now())));
    }

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], PcscError> {
        let parsed = Command::parse(command).ok();
        let extended = matches!(parsed, Some((_, Form::Extended)));
        if parsed.is_none_or(|(command, _)| unlocks(&command)) {
            self.held.with_dependent_mut(|_, turn| turn.unlocked = true);
        }
        let turn = self.held.borrow_dependent();
        match turn
            .transaction()
            .and_then(|transaction| transaction.transmit(command, response))
        {
            // pcscd says so of a card that was taken away.
            Ok([]) => Err(self.fails(Error::RemovedCard)),
            Ok(answer) => {
                self.lost |= answer.len() < 2;
                if extended {
                    self.extended = Extended::Works;
                }
                Ok(answer)
            }
            // A reader that took one such command has another reason, and may have carried this.
            Err(error)
                if extended
                    && self.extended == Extended::Untried
                    && error::is_refusal_of_form(error) =>
            {
                Err(PcscError::ExtendedRefused)
            }
            Err(error) => Err(self.fails(error)),
        }
    }

    /// Where the reader does not say, it is tried.
    fn max_command(&self) -> Option<usize> {
        Some(self.max_command.unwrap_or(usize::MAX))
    }

    fn is_t0(&self) -> bool {
        self.is_t0
    }

    fn refused_extended(error: &PcscError) -> bool {
        matches!(error, PcscError::ExtendedRefused)
    }
}

impl fmt::Debug for PcscLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcscLink")
            .field("reader", &self.reader)
            .field("max_command", &self.max_command)
            .field("is_t0", &self.is_t0)
            .field("extended", &self.extended)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

/// How often a card may be reset by others before we give up.
const RESETS: usize = 3;
