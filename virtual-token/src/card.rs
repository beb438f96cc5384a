//! The key as a card: its FIDO applet, over NFC or at a contact reader. CTAP 2.3 §11.3.
//!
//! Other applets may stand beside it ([`Applet`]); SELECT chooses.
//!
//! Blocks inside a command while it waits for a touch, and answers the client's polls meanwhile.
//! Who polls not is left waiting. Needs neither `std` nor an allocator.
//!
//! ```text
//!   reader --receive--> [ applet ] --message--> Handler
//!      ^                    |                      |
//!      '----- respond ------'<---- keep-alive -----'
//! ```

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod applet;
mod hand;
mod handler;
#[cfg(feature = "std")]
mod in_process;
#[cfg(all(test, feature = "std"))]
mod tests;

pub use applet::{Applet, Applets};
pub use handler::Handler;
#[cfg(feature = "std")]
pub use in_process::{InProcessCard, TakenAway};

use applet::{Beside, Turn};
use hand::{Ended, Hand};

use keysteward_core::ctaphid::MAX_MESSAGE;
use keysteward_core::iso7816::{Command, Status};
use keysteward_core::nfcctap;
use keysteward_core::nfcctap::device::{Applet as FidoApplet, Event};
use keysteward_core::time::Millis;

/// Answer to reset of a contactless card (PC/SC 3 §3.1.3.2.3.1): commands may be chained and
/// extended; the card's name.
pub const ATR: [u8; 19] = [
    0x3B, 0x8E, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x58, b'K', b'S', b'-', b'T', b'O', b'K',
    b'E', b'N', 0xEB,
];

/// What the card cannot do itself.
pub trait Reader {
    /// Why no command comes any more: the field is gone, the card was reset.
    type Gone;

    /// The clock. It never goes back.
    fn now(&mut self) -> Millis;

    /// Waits for a command APDU and puts it at the front of `apdu`; longer ones it refuses
    /// itself. `None` when none came by `until`.
    fn receive(
        &mut self,
        until: Option<Millis>,
        apdu: &mut [u8],
    ) -> Result<Option<usize>, Self::Gone>;

    /// Sends a response APDU.
    fn respond(&mut self, apdu: &[u8]) -> Result<(), Self::Gone>;

    /// Switches the lamp on, which asks for a touch, or off.
    fn lamp(&mut self, lit: bool);

    /// Whether the button was touched since the lamp went on.
    fn touched(&mut self) -> Result<bool, Self::Gone>;
}

/// How a person shows that they are there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "std", derive(clap::ValueEnum))]
pub enum Presence {
    /// They touch the card's button.
    Button,
    /// They hold the card to the reader: it counts for two minutes.
    Field,
}

/// One card. Its buffers hold 30 KiB.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Card<H, A = ()> {
    handler: H,
    /// `None`: this card has no FIDO applet that could be selected.
    fido: Option<&'static [u8]>,
    beside: Beside<A>,
    presence: Presence,
    entered: Millis,
    applet: FidoApplet,
    apdu: [u8; MAX_APDU],
    /// Bytes of a command in `apdu` that ended another, and waits.
    waiting: Option<usize>,
    request: [u8; MAX_MESSAGE],
    message: [u8; MAX_MESSAGE],
    message_len: usize,
    message_status: Status,
    reply: [u8; MAX_REPLY],
}

impl<H: Handler> Card<H> {
    /// A card outside of any field.
    pub fn new(handler: H, presence: Presence) -> Self {
        Self::with_applets(handler, presence, ())
    }
}

impl<H: Handler, A: Applets> Card<H, A> {
    /// The same, with applets beside FIDO's.
    pub fn with_applets(handler: H, presence: Presence, applets: A) -> Self {
        let applet = FidoApplet::new(handler.version());
        Self {
            handler,
            fido: Some(&nfcctap::AID),
            beside: Beside::new(applets),
            presence,
            entered: Millis(0),
            applet,
            apdu: [0; MAX_APDU],
            waiting: None,
            request: [0; MAX_MESSAGE],
            message: [0; MAX_MESSAGE],
            message_len: 0,
            message_status: Status::Success,
            reply: [0; MAX_REPLY],
        }
    }

    /// Hides FIDO's applet: only those beside it can be selected.
    #[must_use]
    pub fn without_fido(self) -> Self {
        Self { fido: None, ..self }
    }

    /// Who executes the messages.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// The card enters the field, or is reset in it.
    pub fn power_up(&mut self, now: Millis) {
        self.handler.power_up(now);
        self.beside.power_up();
        self.entered = now;
        self.applet = FidoApplet::new(self.handler.version());
        self.waiting = None;
        self.message_len = 0;
    }

    /// Takes one command and answers it, and whatever comes until then.
    pub fn serve<R: Reader>(&mut self, reader: &mut R) -> Result<(), R::Gone> {
        let len = match self.waiting.take() {
            Some(len) => len,
            None => match reader.receive(None, &mut self.apdu)? {
                Some(len) => len,
                None => return Ok(()),
            },
        };
        let apdu = self.apdu.get(..len).unwrap_or_default();
        if self.beside.is_called(apdu) {
            // What FIDO's applet was asked last is of no interest any more.
            self.applet = FidoApplet::new(self.handler.version());
            self.message_len = 0;
        }
        let buffers = (
            &mut self.request[..],
            &mut self.message[..],
            &mut self.reply[..],
        );
        match self.beside.handle_command(apdu, self.fido, buffers) {
            Turn::Replied { len } => return send(reader, &self.reply, len),
            Turn::Fido => {}
        }
        let message = self.message.get(..self.message_len).unwrap_or_default();
        let event = self
            .applet
            .handle_command(apdu, &mut self.request, message, &mut self.reply);
        match event {
            Event::Reply { len } => send(reader, &self.reply, len),
            Event::Ctap2 { .. } | Event::Ctap1 { .. } => self.execute(reader, event),
            // The operation ended between two polls.
            Event::Poll | Event::Cancel => self.respond(reader),
            Event::Interrupted => {
                self.waiting = Some(len);
                Ok(())
            }
        }
    }

    fn execute<R: Reader>(&mut self, reader: &mut R, event: Event) -> Result<(), R::Gone> {
        let mut hand = Hand {
            reader,
            applet: &mut self.applet,
            apdu: &mut self.apdu,
            reply: &mut self.reply,
            presence: self.presence,
            entered: self.entered,
            ended: None,
        };
        let (message, status) = match event {
            Event::Ctap1 { ins, p1, p2, len } => {
                let command = Command {
                    cla: 0x00,
                    ins,
                    p1,
                    p2,
                    data: self.request.get(..len).unwrap_or_default(),
                    le: None,
                };
                self.handler.ctap1(&command, &mut hand, &mut self.message)
            }
            Event::Ctap2 { len } => {
                let request = self.request.get(..len).unwrap_or_default();
                let message = self.handler.ctap2(request, &mut hand, &mut self.message);
                (message, Status::Success)
            }
            _ => return Ok(()),
        };
        (self.message_len, self.message_status) = (message.len(), status);
        match hand.ended {
            None => self.respond(reader),
            Some(Ended::Gone(gone)) => Err(gone),
            Some(Ended::Interrupted { len }) => {
                self.message_len = 0;
                self.waiting = Some(len);
                Ok(())
            }
        }
    }

    /// Answers the command that waits; if none does, the next poll gets the message.
    fn respond<R: Reader>(&mut self, reader: &mut R) -> Result<(), R::Gone> {
        let message = self.message.get(..self.message_len).unwrap_or_default();
        match self
            .applet
            .respond(message, self.message_status, &mut self.reply)
        {
            Some(len) => send(reader, &self.reply, len),
            None => Ok(()),
        }
    }
}

fn send<R: Reader>(reader: &mut R, reply: &[u8], len: usize) -> Result<(), R::Gone> {
    reader.respond(reply.get(..len).unwrap_or_default())
}

/// Longest command: a message in the extended form.
const MAX_APDU: usize = MAX_MESSAGE + 9;
/// Longest response.
const MAX_REPLY: usize = MAX_MESSAGE + 2;
