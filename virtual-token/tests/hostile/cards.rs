//! Our clients against cards that lie in APDUs and in what is in them: FIDO's applet in both framings
//! and by U2F, PIV, GIDS.

mod shown;

use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap1::register;
use keysteward_core::gids::pin::Pin as GidsPin;
use keysteward_core::gids::session as gids;
use keysteward_core::iso7816::{CardTransport, Framing};
use keysteward_core::nfcctap::{NfcError, NfcTransport};

use keysteward_core::piv::certificate::{Certificate, Format};
use keysteward_core::piv::container_map::Record;
use keysteward_core::piv::session as piv;
use keysteward_core::piv::{Algorithm, KeyReference, Pin as PivPin, PinReference};
use keysteward_core::session::ctap1::{U2fBuffers, U2fSession};
use keysteward_core::session::{CtapTransport as _, Millis};
use keysteward_virtual_token::card::{Applet, InProcessCard};
use keysteward_virtual_token::gids::GidsCard;
use keysteward_virtual_token::hostile::cards::{self, HonestCard, HostileCard, LyingCard, Mute};
use keysteward_virtual_token::piv::{Piv, Product};
use keysteward_virtual_token::storage::MemoryStorage;
use rand_core::OsRng;
use shown::SHOWN;
use std::ops::ControlFlow;

/// A reader with a hostile card, and a clock that APDUs move.
struct Reader<H> {
    card: LyingCard<H>,
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

impl<H: HonestCard> CardTransport for Reader<H> {
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
        let answer = self.card.transmit(self.now, command);
        let response = response.get_mut(..answer.len()).ok_or(TooLong)?;
        response.copy_from_slice(&answer);
        Ok(response)
    }
}

impl<H: HonestCard> Reader<H> {
    fn with(card: &'static HostileCard, honest: H) -> Self {
        Self {
            card: LyingCard::new(card, honest),
            now: Millis(0),
        }
    }

    /// Asserts that whatever was done has ended in time.
    fn has_ended(&self, card: &HostileCard) {
        let end = DEADLINE.after(LAST_WORDS);
        assert!(self.now <= end, "{}: {:?}", card.name, self.now);
    }
}

/// How a message of 600 bytes ends, in one framing.
fn fido(card: &'static HostileCard, framing: Framing) -> String {
    let mut transport = match NfcTransport::open(Reader::with(card, Mute), DEADLINE) {
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
    transport.card_mut().has_ended(card);
    assert!(heard <= DEADLINE.0 / PER_APDU, "{}: {heard}", card.name);
    end
}

/// How a registration by U2F ends.
fn u2f(card: &'static HostileCard) -> String {
    let mut transport = match NfcTransport::open(Reader::with(card, Mute), DEADLINE) {
        Ok(transport) => transport,
        Err(error) => return format!("open: {error:?}"),
    };
    let mut buffers = Box::new(U2fBuffers::new());
    let mut go_on = |_| ControlFlow::Continue(());
    let request = register::Request {
        challenge: &[1; 32],
        application: &[2; 32],
    };
    let end = match U2fSession::new(&mut transport, &mut buffers, DEADLINE, &mut go_on)
        .register(&request)
    {
        Ok(made) => format!("ok: a key handle of {} bytes", made.key_handle.len()),
        Err(error) => format!("{error:?}"),
    };
    transport.card_mut().has_ended(card);
    end
}

type Applets = Vec<Box<dyn Applet + Send>>;

fn with(applet: impl Applet + Send + 'static) -> InProcessCard<Applets> {
    InProcessCard::new(vec![Box::new(applet)])
}

/// A PIV card with an identity, a certificate and a container map.
fn piv_card() -> InProcessCard<Applets> {
    let applet = Piv::new(MemoryStorage::new(), RustCrypto(OsRng), Product::default());
    let mut card = with(applet.unwrap());
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(piv::Buffers::new()));
    let end = Millis(u64::MAX);
    let mut session = piv::PivSession::select(&mut card, &mut crypto, &mut buffers, end).unwrap();
    let factory = [1, 2, 3, 4, 5, 6, 7, 8].repeat(3);
    let mut key = LocalAdminKey::new(Cipher::Aes192, &factory).unwrap();
    let admin = session.authenticate_admin(&mut key).unwrap();
    let certificate = Certificate {
        format: Format::Plain,
        bytes: &[0x30; 100],
    };
    let place = KeyReference::Authentication;
    session
        .write_certificate(&admin, place, &certificate)
        .unwrap();
    let record = Record::new(&[0x9A; 16], place, Algorithm::P256);
    session.write_container(&admin, record).unwrap();
    card
}

/// How a PIV card is looked at, and its PIN changed.
fn piv(card: &'static HostileCard) -> String {
    let mut reader = Reader::with(card, piv_card());
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(piv::Buffers::new()));
    let pin = |text| PivPin::new(text).unwrap();
    let done = piv::PivSession::select(&mut reader, &mut crypto, &mut buffers, DEADLINE).and_then(
        |mut session| {
            let mut places = 0;
            session.inspect(&mut |_| places += 1)?;
            let map = session.container_map()?.len();
            session.change_pin(PinReference::Pin, &pin("123456"), &pin("654321"))?;
            Ok((places, map))
        },
    );
    reader.has_ended(card);
    match done {
        Ok((places, map)) => format!("ok: {places} places, {map} in the map"),
        Err(error) => format!("{error:?}"),
    }
}

/// A GIDS card that is initialised.
fn gids_card() -> InProcessCard<Applets> {
    let mut card = with(GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng)));
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(gids::Buffers::new()));
    let end = Millis(u64::MAX);
    let mut session = gids::Session::new(&mut card, &mut crypto, &mut buffers, end);
    session.select().unwrap();
    session
        .initialise(&gids::Initialisation {
            pin: &GidsPin::new(b"4711").unwrap(),
            admin_key: &gids::NewAdminKey::new(b"keysteward admin key 3ds").unwrap(),
            card_id: b"keysteward-gids!",
        })
        .unwrap();
    card
}

/// How a GIDS card is looked at, and its PIN shown.
fn gids(card: &'static HostileCard) -> String {
    let mut reader = Reader::with(card, gids_card());
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(gids::Buffers::new()));
    let mut session = gids::Session::new(&mut reader, &mut crypto, &mut buffers, DEADLINE);
    let done = session
        .select()
        .and_then(|()| session.facts())
        .and_then(|facts| {
            let pin = GidsPin::new(b"4711").unwrap();
            session.verify_pin(&pin).map(|_| facts)
        });
    reader.has_ended(card);
    match done {
        Ok(facts) if facts.card_id.is_some() => "ok: known".to_owned(),
        Ok(_) => "ok: blank".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn every_hostile_card_is_survived_in_every_applet() {
    let mut unlike = Vec::new();
    for card in cards::all() {
        let shown = SHOWN
            .iter()
            .find(|shown| shown.card == card.name)
            .unwrap_or_else(|| panic!("nothing is shown of {}", card.name));
        for (what, end, expected) in [
            ("short", fido(card, Framing::Short), shown.short),
            ("extended", fido(card, Framing::Extended), shown.extended),
            ("U2F", u2f(card), shown.u2f),
            ("PIV", piv(card), shown.piv),
            ("GIDS", gids(card), shown.gids),
        ] {
            if end != expected {
                unlike.push(format!("{}, {what}: {end}", card.name));
            }
        }
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
    assert_eq!(SHOWN.len(), cards::all().count());
}

const DEADLINE: Millis = Millis(3_000);
/// Milliseconds that an APDU takes.
const PER_APDU: u64 = 2;
/// An APDU that is under way, and the CANCEL after the deadline.
const LAST_WORDS: u64 = 6 * PER_APDU;
