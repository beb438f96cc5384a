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
#[cfg(feature = "std")]
mod in_process;
#[cfg(all(test, feature = "std"))]
mod tests;

pub use applet::{Applet, Applets};
#[cfg(feature = "std")]
pub use in_process::{InProcessCard, TakenAway};

use applet::{Beside, Turn};

use crate::authenticator::{Authenticator, Environment, Touch};
#[cfg(feature = "std")]
use crate::firmware::Contents;
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctaphid::{Keepalive, MAX_MESSAGE};
use keysteward_core::iso7816::{Command, Status};
use keysteward_core::nfcctap::device::{Applet as FidoApplet, Event};
use keysteward_core::nfcctap::{self, Version};
use keysteward_core::time::Millis;

/// Answer to reset of a contactless card (PC/SC 3 §3.1.3.2.3.1): commands may be chained and
/// extended; the card's name.
pub const ATR: [u8; 19] = [
    0x3B, 0x8E, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x58, b'K', b'S', b'-', b'T', b'O', b'K',
    b'E', b'N', 0xEB,
];

/// Executes the messages of a card: an authenticator, ours or other people's.
pub trait Handler {
    /// What SELECT answers.
    fn version(&self) -> Version;

    /// The card enters the field.
    fn power_up(&mut self, now: Millis);

    /// Executes one CTAP2 message; the answer lies at the front of `response`.
    fn ctap2<'r>(
        &mut self,
        request: &[u8],
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> &'r [u8];

    /// Executes one U2F message, of a card whose version is [`Version::U2fV2`].
    fn ctap1<'r>(
        &mut self,
        _command: &Command<'_>,
        _environment: &mut dyn Environment,
        _response: &'r mut [u8],
    ) -> (&'r [u8], Status) {
        (&[], Status::InsNotSupported)
    }

    /// What is stored, for the control socket's `state`.
    #[cfg(feature = "std")]
    fn contents(&self) -> Contents {
        Contents::default()
    }
}

impl<S: Storage, C: Crypto> Handler for Authenticator<S, C> {
    fn version(&self) -> Version {
        if self.offers_ctap1() {
            Version::U2fV2
        } else {
            Version::Fido2_0
        }
    }

    fn power_up(&mut self, now: Millis) {
        self.power_up(now);
    }

    fn ctap2<'r>(
        &mut self,
        request: &[u8],
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> &'r [u8] {
        self.process(request, environment, response)
    }

    fn ctap1<'r>(
        &mut self,
        command: &Command<'_>,
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> (&'r [u8], Status) {
        self.execute_ctap1(command, environment, response)
    }

    #[cfg(feature = "std")]
    fn contents(&self) -> Contents {
        self.contents()
    }
}

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

/// The handler's view of the world while it executes one message.
struct Hand<'c, R: Reader> {
    reader: &'c mut R,
    applet: &'c mut FidoApplet,
    apdu: &'c mut [u8],
    reply: &'c mut [u8],
    presence: Presence,
    entered: Millis,
    ended: Option<Ended<R::Gone>>,
}

/// Why nobody wants the message any more.
enum Ended<G> {
    Gone(G),
    /// By the command in the first `len` bytes of `apdu`.
    Interrupted {
        len: usize,
    },
}

impl<R: Reader> Environment for Hand<'_, R> {
    fn now(&mut self) -> Millis {
        self.reader.now()
    }

    fn wait_for_touch(&mut self) -> Touch {
        match self.presence {
            Presence::Field => self.in_field(),
            Presence::Button => self.at_button(|hand| hand.wait_at_button()),
        }
    }

    fn wait_for_long_touch(&mut self) -> Touch {
        match self.presence {
            Presence::Field => self.in_field(),
            Presence::Button => self.at_button(|hand| match hand.wait_at_button()? {
                // People here do not let go before the time is over.
                Touch::Touched => hand.serve(LONG_TOUCH, Touch::Touched, &mut |_| Ok(false)),
                touch => Ok(touch),
            }),
        }
    }

    fn touched(&mut self) -> bool {
        let touch = match self.presence {
            Presence::Field => self.in_field(),
            Presence::Button => self.at_button(|hand| match hand.reader.touched()? {
                true => Ok(Touch::Touched),
                false => Ok(Touch::TimedOut),
            }),
        };
        touch == Touch::Touched
    }
}

impl<R: Reader> Hand<'_, R> {
    fn in_field(&mut self) -> Touch {
        if self.reader.now().since(self.entered) <= FIELD_COUNTS {
            Touch::Touched
        } else {
            Touch::TimedOut
        }
    }

    /// Lights the lamp for as long as it takes.
    fn at_button(&mut self, wait: impl FnOnce(&mut Self) -> Result<Touch, R::Gone>) -> Touch {
        self.reader.lamp(true);
        let touch = wait(self).unwrap_or_else(|gone| {
            self.ended = Some(Ended::Gone(gone));
            Touch::Cancelled
        });
        self.reader.lamp(false);
        touch
    }

    fn wait_at_button(&mut self) -> Result<Touch, R::Gone> {
        self.serve(TOUCH_TIMEOUT, Touch::TimedOut, &mut R::touched)
    }

    /// Answers the client's polls until the button is touched, or so many milliseconds are over,
    /// which ends in `late`.
    fn serve(
        &mut self,
        milliseconds: u64,
        late: Touch,
        touched: &mut dyn FnMut(&mut R) -> Result<bool, R::Gone>,
    ) -> Result<Touch, R::Gone> {
        let end = self.reader.now().after(milliseconds);
        loop {
            if touched(self.reader)? {
                return Ok(Touch::Touched);
            }
            let now = self.reader.now();
            if now >= end {
                return Ok(late);
            }
            let needed = Keepalive::UserPresenceNeeded;
            if let Some(len) = self.applet.keepalive(needed, self.reply) {
                send(self.reader, self.reply, len)?;
            }
            let until = now.after(GLANCE).min(end);
            let Some(len) = self.reader.receive(Some(until), self.apdu)? else {
                continue;
            };
            let apdu = self.apdu.get(..len).unwrap_or_default();
            // While an operation runs the applet takes no message and hands none out.
            match self.applet.handle_command(apdu, &mut [], &[], self.reply) {
                Event::Reply { len } => send(self.reader, self.reply, len)?,
                Event::Poll => {}
                Event::Cancel => return Ok(Touch::Cancelled),
                Event::Interrupted | Event::Ctap1 { .. } | Event::Ctap2 { .. } => {
                    self.ended = Some(Ended::Interrupted { len });
                    return Ok(Touch::Cancelled);
                }
            }
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
/// Milliseconds that holding the card to the reader counts for, as long as any evidence of user
/// presence does.
const FIELD_COUNTS: u64 = 120_000;
/// Milliseconds that a person has to touch the button.
const TOUCH_TIMEOUT: u64 = 30_000;
/// Milliseconds. CTAP 2.3 §6.6.
const LONG_TOUCH: u64 = 5_000;
/// Milliseconds between looks at the button.
const GLANCE: u64 = 20;
