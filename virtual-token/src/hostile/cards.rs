//! Cards that lie about APDUs and what is in them: at a reader, below the messages that the other
//! families lie in. ISO 7816-4 §5.2, §5.6, §11.8.1; CTAP 2.3 §11.3.
//!
//! | module | lies about |
//! |---|---|
//! | `apdus` | status words, lengths, answers that go on for ever |
//! | `objects` | BER-TLV, and what a card says once and then otherwise |
//! | `fido` | NFCCTAP: keep-alives, SELECT of FIDO's applet |
//!
//! A [`LyingCard`] has an honest half, as hostile keys do: it is selected, and then lies.
//!
//! ```
//! use keysteward_core::session::Millis;
//! use keysteward_virtual_token::hostile::cards::{self, HonestCard as _, LyingCard, Mute};
//!
//! let mut card = LyingCard::new(cards::find("more-for-ever").unwrap(), Mute);
//! card.power_up(Millis(0));
//! let select = [0x00, 0xA4, 0x04, 0x00, 0x08, 0xA0, 0, 0, 6, 0x47, 0x2F, 0, 1];
//! assert_eq!(card.transmit(Millis(0), &select), *b"FIDO_2_0\x90\x00");
//! let get_response = [0x00, 0xC0, 0x00, 0x00, 0x00];
//! assert!(card.transmit(Millis(0), &get_response).ends_with(&[0x61, 0x00]));
//! ```

mod apdus;
mod fido;
mod half;
mod objects;

pub use half::{HonestCard, Mute};

use crate::firmware::Contents;
use keysteward_core::session::Millis;

/// One way in which a card lies.
#[derive(Clone, Copy, Debug)]
pub struct HostileCard {
    pub name: &'static str,
    /// "The card ..".
    pub does: &'static str,
    stage: Stage,
    answer: fn(&mut Asked<'_>) -> Vec<u8>,
}

/// What the first lie is told about. Everything before is honest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Stage {
    Select,
    /// A command that goes on in the next.
    Chain,
    Message,
}

/// A command that is answered by a lie.
struct Asked<'a> {
    /// How many were before it.
    before: u64,
    command: &'a [u8],
    card: &'a mut dyn HonestCard,
    now: Millis,
}

impl Asked<'_> {
    /// Has the honest half carry the command out: data, then status.
    fn honest(&mut self) -> Vec<u8> {
        self.card.transmit(self.now, self.command)
    }
}

/// A hostile card in the field.
#[expect(
    missing_debug_implementations,
    reason = "its honest half holds secrets"
)]
pub struct LyingCard<H> {
    card: &'static HostileCard,
    honest: H,
    asked: u64,
}

impl<H: HonestCard> LyingCard<H> {
    pub const fn new(card: &'static HostileCard, honest: H) -> Self {
        Self {
            card,
            honest,
            asked: 0,
        }
    }
}

impl<H: HonestCard> HonestCard for LyingCard<H> {
    fn power_up(&mut self, now: Millis) {
        self.honest.power_up(now);
    }

    fn transmit(&mut self, now: Millis, command: &[u8]) -> Vec<u8> {
        let stage = match *command {
            [_, SELECT, ..] => Stage::Select,
            [cla, ..] if cla & CHAINED != 0 => Stage::Chain,
            _ => Stage::Message,
        };
        if stage < self.card.stage {
            return self.honest.transmit(now, command);
        }
        let before = self.asked;
        self.asked += 1;
        (self.card.answer)(&mut Asked {
            before,
            command,
            card: &mut self.honest,
            now,
        })
    }

    fn contents(&self) -> Contents {
        self.honest.contents()
    }
}

/// The hostile card of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static HostileCard> {
    all().find(|card| card.name == name)
}

/// Every way to lie in APDUs.
pub fn all() -> impl Iterator<Item = &'static HostileCard> {
    [apdus::ALL, objects::ALL, fido::ALL].into_iter().flatten()
}

/// Honest until a message is whole.
const fn card(
    name: &'static str,
    does: &'static str,
    answer: fn(&mut Asked<'_>) -> Vec<u8>,
) -> HostileCard {
    HostileCard {
        name,
        does,
        stage: Stage::Message,
        answer,
    }
}

/// Lies at SELECT already.
const fn selected(
    name: &'static str,
    does: &'static str,
    answer: fn(&mut Asked<'_>) -> Vec<u8>,
) -> HostileCard {
    HostileCard {
        stage: Stage::Select,
        ..card(name, does, answer)
    }
}

/// CLA: the command goes on in the next.
const CHAINED: u8 = 0x10;
const SELECT: u8 = 0xA4;
const GET_RESPONSE: u8 = 0xC0;
