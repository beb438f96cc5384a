//! Our client against cards that lie in APDUs, in both framings.

use keysteward_core::iso7816::{CardTransport, Framing};
use keysteward_core::nfcctap::{NfcError, NfcTransport};
use keysteward_core::session::{CtapTransport as _, Millis};
use keysteward_virtual_token::hostile::cards::{self, HostileCard, LyingCard};
use std::ops::ControlFlow;

/// A reader with a hostile card, and a clock that APDUs move.
struct Reader {
    card: LyingCard,
    now: Millis,
}

/// What does not fit the room of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer does not fit")
    }
}

impl std::error::Error for TooLong {}

impl CardTransport for Reader {
    type Error = TooLong;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn pause(&mut self, until: Millis) {
        self.now = self.now.max(until);
    }

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], TooLong> {
        self.now = self.now.after(PER_APDU);
        let answer = self.card.transmit(command);
        let response = response.get_mut(..answer.len()).ok_or(TooLong)?;
        response.copy_from_slice(&answer);
        Ok(response)
    }
}

/// How a message of 600 bytes ends, in one framing. Asserts that it ends in time.
fn meet(card: &'static HostileCard, framing: Framing) -> String {
    let reader = Reader {
        card: LyingCard::new(card),
        now: Millis(0),
    };
    let mut transport = match NfcTransport::open(reader, DEADLINE) {
        Ok(transport) => transport,
        Err(error) => return format!("open: {error:?}"),
    };
    transport.set_framing(framing);
    let mut response = [0; 7609];
    let mut heard = 0_u64;
    let result = transport.exchange(&[0x04; 600], &mut response, DEADLINE, &mut |_| {
        heard += 1;
        ControlFlow::Continue(())
    });
    let end = match result {
        Ok(answer) => format!("ok: {} bytes", answer.len()),
        Err(NfcError::Deadline) => "Deadline".to_owned(),
        Err(error) => format!("{error:?}"),
    };
    let now = transport.card_mut().now();
    assert!(now <= DEADLINE.after(LAST_WORDS), "{}: {now:?}", card.name);
    assert!(heard <= DEADLINE.0 / PER_APDU, "{}: {heard}", card.name);
    end
}

#[test]
fn every_hostile_card_is_survived_in_both_framings() {
    let mut unlike = Vec::new();
    for card in cards::ALL {
        let (_, expected) = SHOWN
            .iter()
            .find(|(name, _)| *name == card.name)
            .unwrap_or_else(|| panic!("nothing is shown of {}", card.name));
        for framing in [Framing::Short, Framing::Extended] {
            let end = meet(card, framing);
            if !end.starts_with(expected) {
                unlike.push(format!("{}, {framing:?}: {end}", card.name));
            }
        }
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
    assert_eq!(SHOWN.len(), cards::ALL.len());
}

const SHOWN: &[(&str, &str)] = &[
    ("more-for-ever", "Card(Transport(TooLong))"),
    ("more-of-nothing", "Card(Exchange(NoProgress))"),
    ("more-and-then-not", "Refused(InsNotSupported)"),
    ("busy-for-ever", "Deadline"),
    ("touch-for-ever", "Deadline"),
    ("busy-speechless", "Deadline"),
    ("busy-and-more", "Deadline"),
    ("length-for-ever", "Refused(WrongLe { exact: 1 })"),
    ("status-half", "Card(Exchange(ResponseTooShort"),
    ("status-missing", "Card(Exchange(ResponseTooShort"),
    ("success-empty", "ok: 0 bytes"),
    ("refuses", "Refused(ConditionsNotSatisfied)"),
    ("status-unknown", "Refused(Other(4660))"),
    ("chaining-refused", "Refused(ChainingNotSupported)"),
    ("warns", "Refused(EndOfFile)"),
    ("select-refused", "open: NoApplet"),
    ("select-unreadable", "Refused(ConditionsNotSatisfied)"),
    ("select-for-ever", "open: "),
];

const DEADLINE: Millis = Millis(3_000);
/// Milliseconds that an APDU takes.
const PER_APDU: u64 = 2;
/// An APDU that is under way, and the CANCEL after the deadline.
const LAST_WORDS: u64 = 6 * PER_APDU;
