//! What the holder and the administrator set up: PIN, PUK, admin key. One record, replaced as a
//! whole.

use crate::authenticator::secret::Key;
use crate::storage::{Change, FORMAT, Failure, Record, Storage, whole};
use keysteward_core::admin_key::{Cipher, MAX_KEY};
use keysteward_core::piv::PADDED_PIN;
use zeroize::Zeroizing;

/// A PIN or PUK with its counter.
#[derive(Clone)]
pub(super) struct Counted {
    pub secret: Key<PADDED_PIN>,
    pub total: u8,
    pub left: u8,
    /// It is the one of the factory.
    pub is_default: bool,
}

/// The admin key.
#[derive(Clone)]
pub(super) struct Admin {
    pub cipher: Cipher,
    pub key: Key<MAX_KEY>,
    pub touch: bool,
    /// It is the one of the factory.
    pub is_default: bool,
}

#[derive(Clone)]
pub(super) struct State {
    pub pin: Counted,
    pub puk: Counted,
    pub admin: Admin,
}

impl Counted {
    fn factory(secret: &[u8; PADDED_PIN], total: u8) -> Self {
        Self {
            secret: Key(*secret),
            total,
            left: total,
            is_default: true,
        }
    }
}

impl Admin {
    pub(super) fn bytes(&self) -> &[u8] {
        self.key.0.get(..self.cipher.key_len()).unwrap_or_default()
    }

    pub(super) fn new(cipher: Cipher, bytes: &[u8], touch: bool) -> Self {
        let mut key = Key([0; MAX_KEY]);
        for (to, from) in key.0.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self {
            cipher,
            key,
            touch,
            is_default: false,
        }
    }
}

impl State {
    /// As the card leaves the factory, and after a reset.
    pub(super) fn factory(cipher: Cipher) -> Self {
        let mut key = Zeroizing::new([0; MAX_KEY]);
        for (to, from) in key.iter_mut().zip(FACTORY_KEY.iter().cycle()) {
            *to = *from;
        }
        Self {
            pin: Counted::factory(FACTORY_PIN, TRIES),
            puk: Counted::factory(FACTORY_PUK, TRIES),
            admin: Admin {
                is_default: true,
                ..Admin::new(cipher, &*key, false)
            },
        }
    }

    /// PIN and PUK as they left the factory, with other counters.
    pub(super) fn reset_pins(&mut self, pin: u8, puk: u8) {
        self.pin = Counted::factory(FACTORY_PIN, pin);
        self.puk = Counted::factory(FACTORY_PUK, puk);
    }

    pub(super) fn read(storage: &impl Storage) -> Result<Option<Self>, Failure> {
        let mut record = Zeroizing::new([0; LENGTH]);
        match whole(storage, Record::PivState, &mut *record)? {
            None => Ok(None),
            Some(bytes) => Self::parse(bytes).map(Some).ok_or(Failure::Length),
        }
    }

    pub(super) fn write(&self, storage: &mut impl Storage) -> Result<(), Failure> {
        let record = self.encode();
        storage.commit(&[Change::replace(Record::PivState, &*record)])
    }

    fn parse(record: &[u8]) -> Option<Self> {
        let (&[FORMAT, cipher, touch, key_default], rest) = record.split_first_chunk()? else {
            return None;
        };
        let (key, rest) = rest.split_first_chunk::<MAX_KEY>()?;
        let (pin, puk) = rest.split_at_checked(COUNTED)?;
        Some(Self {
            pin: parse_counted(pin)?,
            puk: parse_counted(puk)?,
            admin: Admin {
                cipher: Cipher::from_piv_id(cipher)?,
                key: Key(*key),
                touch: touch != 0,
                is_default: key_default != 0,
            },
        })
    }

    fn encode(&self) -> Zeroizing<[u8; LENGTH]> {
        let admin = &self.admin;
        let head = [
            FORMAT,
            admin.cipher.piv_id(),
            admin.touch.into(),
            admin.is_default.into(),
        ];
        let mut record = Zeroizing::new([0; LENGTH]);
        let mut places = record.iter_mut();
        let mut put = |bytes: &[u8]| {
            // The places come second: a zip takes one too many of what comes first.
            for (from, to) in bytes.iter().zip(places.by_ref()) {
                *to = *from;
            }
        };
        put(&head);
        put(&admin.key.0);
        for counted in [&self.pin, &self.puk] {
            put(&[counted.total, counted.left, counted.is_default.into()]);
            put(&counted.secret.0);
        }
        record
    }
}

fn parse_counted(bytes: &[u8]) -> Option<Counted> {
    let (&[total, left, is_default], secret) = bytes.split_first_chunk()?;
    Some(Counted {
        secret: Key(secret.try_into().ok()?),
        total,
        left,
        is_default: is_default != 0,
    })
}

const COUNTED: usize = 3 + PADDED_PIN;
const LENGTH: usize = 4 + MAX_KEY + 2 * COUNTED;
/// Tries of PIN and PUK.
const TRIES: u8 = 3;
const FACTORY_PIN: &[u8; PADDED_PIN] = b"123456\xFF\xFF";
const FACTORY_PUK: &[u8; PADDED_PIN] = b"12345678";
/// Over and over, until the key is full.
const FACTORY_KEY: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
