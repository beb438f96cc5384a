//! What the owner made since the last reset, as far as it is small: it is kept in RAM, and its
//! record is replaced as a whole. A reset replaces it by a fresh one. CTAP 2.3 §6.6.

use super::profile::Features;
use super::record::record;
use super::secret::{Key, random};
use crate::storage::{Bank, FORMAT};
use keysteward_core::cbor::{self, BufferFull, Encode, MapWriter, Parse, Reader, Writer};
use keysteward_core::crypto::{self, Crypto};
use zeroize::Zeroizing;

/// What the owner set up.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Owner {
    /// Non-discoverable credentials are derived from it, so that a reset ends them too.
    pub master: Key<32>,
    pub pin: Option<StoredPin>,
    pub pin_retries: u8,
    /// Code points.
    pub min_pin_length: u8,
    /// How many RP IDs the extensions minPinLength and pinComplexityPolicy answer.
    pub min_pin_length_rp_ids: u8,
    pub force_pin_change: bool,
    pub enterprise_attestation: bool,
    pub always_uv: bool,
    /// Plaintext of encIdentifier: changes at a reset only.
    pub device_identifier: [u8; 16],
    /// Plaintext of encCredStoreState: changes with every discoverable credential too.
    pub store_state: [u8; 16],
    /// The pcmr token.
    pub persistent_token: Key<32>,
    pub signature_counter: u32,
    /// Discoverable credentials made so far: tells the age of each.
    pub credentials_made: u32,
    /// Where the large-blob array lies.
    pub large_blobs: Bank,
    /// A reset wants a touch of five seconds.
    pub long_touch_for_reset: bool,
    pub pin_complexity_policy: bool,
    /// Fingers enrolled.
    pub fingerprints: u8,
    /// Tries of a finger that are left; they come back with the PIN.
    pub uv_retries: u8,
    /// Fingers tried since the PIN was entered.
    pub uv_count: u32,
}

/// What is kept of a PIN.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct StoredPin {
    /// The first half of its SHA-256.
    pub hash: Key<16>,
    pub code_points: u8,
    /// It meets the complexity policy, enforced or not.
    pub complex: bool,
}

impl Owner {
    /// As after a reset.
    pub fn fresh(features: &Features, crypto: &mut impl Crypto) -> Result<Self, crypto::Error> {
        Ok(Self {
            master: Key::random(crypto)?,
            pin: None,
            pin_retries: PIN_RETRIES,
            min_pin_length: features.min_pin_length,
            min_pin_length_rp_ids: 0,
            force_pin_change: false,
            enterprise_attestation: false,
            always_uv: features.always_uv,
            device_identifier: random(crypto)?,
            store_state: random(crypto)?,
            persistent_token: Key::random(crypto)?,
            signature_counter: 0,
            credentials_made: 0,
            large_blobs: Bank::A,
            long_touch_for_reset: false,
            pin_complexity_policy: features.pin_complexity_policy,
            fingerprints: 0,
            uv_retries: UV_RETRIES,
            uv_count: 0,
        })
    }

    /// Encodes the record into `room`.
    pub(super) fn record<'b>(&self, room: &'b mut Room) -> Result<&'b [u8], BufferFull> {
        record(self, room.as_mut_slice())
    }
}

impl Encode for Owner {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.master.0)?;
            if let Some(pin) = &self.pin {
                m.entry(0x02, pin.hash.0)?;
                m.entry(0x03, pin.code_points)?;
            }
            m.entry(0x04, self.pin_retries)?;
            m.entry(0x05, self.min_pin_length)?;
            m.entry(0x06, self.min_pin_length_rp_ids)?;
            set(m, 0x07, self.force_pin_change)?;
            set(m, 0x08, self.enterprise_attestation)?;
            set(m, 0x09, self.always_uv)?;
            m.entry(0x0A, self.device_identifier)?;
            m.entry(0x0B, self.store_state)?;
            m.entry(0x0C, self.persistent_token.0)?;
            m.entry(0x0D, self.signature_counter)?;
            m.entry(0x0E, self.credentials_made)?;
            set(m, 0x0F, self.large_blobs == Bank::B)?;
            set(m, 0x10, self.long_touch_for_reset)?;
            set(m, 0x11, self.pin_complexity_policy)?;
            set(m, 0x12, self.pin.as_ref().is_some_and(|pin| pin.complex))?;
            m.entry(0x13, self.fingerprints)?;
            m.entry(0x14, self.uv_retries)?;
            m.entry(0x15, self.uv_count)
        })
    }
}

/// Writes what is not so by default.
fn set(m: &mut MapWriter<'_, '_>, key: i32, value: bool) -> Result<(), BufferFull> {
    m.optional(key, value.then_some(true))
}

impl<'b> Parse<'b> for Owner {
    fn read(r: &mut Reader<'b>) -> Result<Self, cbor::Error> {
        let (mut hash, mut code_points, mut complex) = (None, 0, false);
        let mut owner = Self {
            master: Key([0; 32]),
            pin: None,
            pin_retries: 0,
            min_pin_length: 0,
            min_pin_length_rp_ids: 0,
            force_pin_change: false,
            enterprise_attestation: false,
            always_uv: false,
            device_identifier: [0; 16],
            store_state: [0; 16],
            persistent_token: Key([0; 32]),
            signature_counter: 0,
            credentials_made: 0,
            large_blobs: Bank::A,
            long_touch_for_reset: false,
            pin_complexity_policy: false,
            fingerprints: 0,
            uv_retries: UV_RETRIES,
            uv_count: 0,
        };
        r.map(|key, r| {
            match key {
                cbor::Key::Int(0x01) => owner.master = Key(*r.byte_array()?),
                cbor::Key::Int(0x02) => hash = Some(Key(*r.byte_array()?)),
                cbor::Key::Int(0x03) => code_points = r.read()?,
                cbor::Key::Int(0x04) => owner.pin_retries = r.read()?,
                cbor::Key::Int(0x05) => owner.min_pin_length = r.read()?,
                cbor::Key::Int(0x06) => owner.min_pin_length_rp_ids = r.read()?,
                cbor::Key::Int(0x07) => owner.force_pin_change = r.read()?,
                cbor::Key::Int(0x08) => owner.enterprise_attestation = r.read()?,
                cbor::Key::Int(0x09) => owner.always_uv = r.read()?,
                cbor::Key::Int(0x0A) => owner.device_identifier = *r.byte_array()?,
                cbor::Key::Int(0x0B) => owner.store_state = *r.byte_array()?,
                cbor::Key::Int(0x0C) => owner.persistent_token = Key(*r.byte_array()?),
                cbor::Key::Int(0x0D) => owner.signature_counter = r.read()?,
                cbor::Key::Int(0x0E) => owner.credentials_made = r.read()?,
                cbor::Key::Int(0x0F) => {
                    owner.large_blobs = if r.read()? { Bank::B } else { Bank::A };
                }
                cbor::Key::Int(0x10) => owner.long_touch_for_reset = r.read()?,
                cbor::Key::Int(0x11) => owner.pin_complexity_policy = r.read()?,
                cbor::Key::Int(0x12) => complex = r.read()?,
                cbor::Key::Int(0x13) => owner.fingerprints = r.read()?,
                cbor::Key::Int(0x14) => owner.uv_retries = r.read()?,
                cbor::Key::Int(0x15) => owner.uv_count = r.read()?,
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        owner.pin = hash.map(|hash| StoredPin {
            hash,
            code_points,
            complex,
        });
        Ok(owner)
    }
}

/// Takes the record.
pub(super) type Room = Zeroizing<[u8; 320]>;

/// CTAP 2.3 §6.5.2: at most 8.
pub const PIN_RETRIES: u8 = 8;
/// Tries of a finger. CTAP 2.3 §6.5.2: at most 25.
pub const UV_RETRIES: u8 = 5;
/// Code points; bytes are limited to the same number. CTAP 2.3 §6.5.1.
pub const MAX_PIN_LENGTH: u8 = 63;
/// RP IDs that setMinPINLength takes.
pub const MAX_MIN_PIN_LENGTH_RP_IDS: u8 = 8;

const _: () = assert!(FORMAT == 2, "the members above are those of this format");
