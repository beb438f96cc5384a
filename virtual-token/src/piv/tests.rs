//! The card, through the core's own client. What foreign clients make of it is told in the
//! project's `tests/`.

mod administration;
mod certificates;
mod inventory;
mod keys;
mod pins;

use super::{Piv, Product};
use crate::card::{InProcessCard, TakenAway};
use crate::storage::MemoryStorage;
use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::piv::Pin;
use keysteward_core::piv::session::{self, Buffers, PivSession};
use keysteward_core::time::Millis;
use rand_core::OsRng;

pub(super) type Card = InProcessCard<(Piv<MemoryStorage, RustCrypto<OsRng>>,)>;
pub(super) type Session<'s> = PivSession<'s, Card, RustCrypto<OsRng>>;
pub(super) type Error = session::Error<TakenAway>;

pub(super) const FACTORY_KEY: [u8; 24] = [
    1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8,
];

/// A new card.
pub(super) fn card() -> Card {
    card_of(MemoryStorage::new(), Cipher::Aes192)
}

pub(super) fn card_of(storage: MemoryStorage, admin_cipher: Cipher) -> Card {
    let product = Product {
        serial: 0x8000_1234,
        admin_cipher,
        ..Product::default()
    };
    let applet = Piv::new(storage, RustCrypto(OsRng), product).unwrap();
    InProcessCard::new((applet,))
}

/// Holds a session with it.
pub(super) fn with<R>(card: &mut Card, act: impl FnOnce(&mut Session<'_>) -> R) -> R {
    let mut buffers = Box::new(Buffers::new());
    let mut crypto = RustCrypto(OsRng);
    let mut session = PivSession::select(card, &mut crypto, &mut buffers, Millis(60_000)).unwrap();
    act(&mut session)
}

pub(super) fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap()
}

pub(super) fn factory_key() -> LocalAdminKey {
    LocalAdminKey::new(Cipher::Aes192, &FACTORY_KEY).unwrap()
}
