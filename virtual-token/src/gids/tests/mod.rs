mod administrator;
mod containers;
mod life;
mod restore;
mod rules;

use super::GidsCard;
use super::rsa_key::RsaKey;
use crate::card::{Applet, InProcessCard, TakenAway};
use crate::storage::MemoryStorage;
use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::gids::pin::Pin;
use keysteward_core::gids::session::{Buffers, Error, Initialisation, NewAdminKey, Session};
use keysteward_core::iso7816::{CardTransport, Status};
use keysteward_core::time::Millis;
use rand_core::OsRng;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use zeroize::Zeroizing;

type Gids = GidsCard<MemoryStorage, RustCrypto<OsRng>>;
type Card = InProcessCard<Vec<Box<dyn Applet + Send>>>;
type Flow<'t> = Session<'t, Card, RustCrypto<OsRng>>;
type Failed = Error<TakenAway>;

const CARD_ID: [u8; 16] = *b"the card's own i";
const ADMIN_KEY: [u8; 24] = *b"an administrator's key..";

fn blank() -> Gids {
    GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng)).checking_keys()
}

/// Has its keys from a small stock: making one takes a second.
fn stocked() -> Gids {
    static STOCK: OnceLock<[Zeroizing<Vec<u8>>; 3]> = OnceLock::new();
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    blank().with_keys_made_by(|size| {
        let stock = STOCK.get_or_init(|| std::array::from_fn(|_| RsaKey::generate(size).unwrap()));
        Some(stock[TAKEN.fetch_add(1, Ordering::Relaxed) % stock.len()].clone())
    })
}

/// A card with this applet alone.
fn card(gids: Gids) -> Card {
    InProcessCard::new(vec![Box::new(gids)])
}

/// A selected applet, for as long as it takes.
fn select<R>(card: &mut Card, act: impl FnOnce(&mut Flow<'_>) -> R) -> R {
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
    let mut session = Session::new(card, &mut crypto, &mut buffers, Millis(1_000_000));
    session.select().unwrap();
    act(&mut session)
}

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn admin_key(bytes: &[u8; 24]) -> LocalAdminKey {
    LocalAdminKey::new(Cipher::TripleDes, bytes).unwrap()
}

fn initialise(session: &mut Flow<'_>) -> Result<(), Failed> {
    session.initialise(&Initialisation {
        pin: &pin("1234"),
        admin_key: &NewAdminKey::new(&ADMIN_KEY).unwrap(),
        card_id: &CARD_ID,
    })
}

/// A card that is initialised.
fn initialised() -> Card {
    initialised_as(blank())
}

fn initialised_as(gids: Gids) -> Card {
    let mut card = card(gids);
    select(&mut card, |session| initialise(session).unwrap());
    card
}

/// One command of the short form, as it is.
fn raw(card: &mut Card, apdu: &str) -> Status {
    let apdu = hex::decode(apdu.replace(' ', "")).unwrap();
    let mut response = [0; 258];
    let answer = card.transmit(&apdu, &mut response).unwrap();
    let [.., sw1, sw2] = *answer else {
        panic!("no status");
    };
    u16::from_be_bytes([sw1, sw2]).into()
}
