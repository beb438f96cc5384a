//! The button, the lamp and the clock of a card that executes a message, and the client's polls
//! meanwhile. CTAP 2.3 §11.3.

use super::{Presence, Reader, send};
use crate::authenticator::{Environment, Touch};
use keysteward_core::ctaphid::Keepalive;
use keysteward_core::nfcctap::device::{Applet as FidoApplet, Event};
use keysteward_core::time::Millis;

/// The handler's view of the world while it executes one message.
pub(super) struct Hand<'c, R: Reader> {
    pub(super) reader: &'c mut R,
    pub(super) applet: &'c mut FidoApplet,
    pub(super) apdu: &'c mut [u8],
    pub(super) reply: &'c mut [u8],
    pub(super) presence: Presence,
    pub(super) entered: Millis,
    pub(super) ended: Option<Ended<R::Gone>>,
}

/// Why nobody wants the message any more.
pub(super) enum Ended<G> {
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

/// Milliseconds that holding the card to the reader counts for, as long as any evidence of user
/// presence does.
pub(super) const FIELD_COUNTS: u64 = 120_000;
/// Milliseconds that a person has to touch the button.
pub(super) const TOUCH_TIMEOUT: u64 = 30_000;
/// Milliseconds. CTAP 2.3 §6.6.
const LONG_TOUCH: u64 = 5_000;
/// Milliseconds between looks at the button.
const GLANCE: u64 = 20;
