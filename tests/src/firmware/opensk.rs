//! `opensk`: the environment that its library asks for, on the virtual token's device.

mod sensor;

pub use sensor::SAMPLES;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use keysteward_core::session::Millis;
use keysteward_virtual_token::{
    device::{Io, PowerCut, TouchRequest},
    firmware::{Contents, Firmware, StoredCredential},
};
use opensk::{
    Ctap, Transport,
    api::{
        clock::Clock,
        connection::{HidConnection, RecvStatus, UsbEndpoint},
        crypto::software_crypto::SoftwareCrypto,
        customization::{CustomizationImpl, DEFAULT_CUSTOMIZATION},
        key_store,
        persist::{Attestation, AttestationId, Persist, PersistIter},
        rng::Rng,
        user_presence::{UserPresence, UserPresenceError, UserPresenceWaitResult},
    },
    ctap::{
        data_formats::EnterpriseAttestationMode,
        status_code::{Ctap2StatusCode, CtapResult},
    },
    env::Env,
};
use rand_core::{CryptoRng, OsRng, RngCore};
use sensor::Sensor;

/// The AAGUID that this build of the firmware carries.
pub const AAGUID: [u8; 16] = *b"opensk-0.1.0-key";

/// How often a host lets a finger try before it asks for the PIN.
pub const UV_ATTEMPTS: usize = 3;

/// How often fingers may fail before only the PIN helps.
pub const UV_RETRIES: u8 = 5;

/// A key that runs `opensk`.
#[derive(Debug, Default)]
pub struct OpenSk {
    flash: Rc<RefCell<Flash>>,
    enterprise_attestation: Option<EnterpriseAttestationMode>,
    strangers: usize,
}

impl OpenSk {
    /// A key on which, after each power-up, so many fingers are laid that it does not know.
    pub fn among_strangers(strangers: usize) -> Self {
        Self {
            strangers,
            ..Self::default()
        }
    }

    /// A key with a key and a certificate for enterprise attestation by the
    /// platform. The firmware does not look into the certificate.
    pub fn for_enterprises() -> Self {
        let key = Self {
            enterprise_attestation: Some(EnterpriseAttestationMode::PlatformManaged),
            ..Self::default()
        };
        let attestation = Attestation {
            wrapped_private_key: vec![0x42; 32],
            certificate: b"certificate".to_vec(),
        };
        // A map takes every value.
        let _ = FlashHandle(Rc::clone(&key.flash))
            .set_attestation(AttestationId::Enterprise, Some(&attestation));
        key
    }
}

impl Firmware for OpenSk {
    fn run(&mut self, io: &Io) -> PowerCut {
        let mut ctap = Ctap::new(World::new(io.clone(), self));
        loop {
            let report = match io.receive_any() {
                Ok(report) => report,
                Err(cut) => return cut,
            };
            for answer in ctap.process_hid_packet(&report, Transport::MainHid) {
                if let Err(cut) = io.send(&answer) {
                    return cut;
                }
            }
            io.publish(self.contents());
        }
    }

    fn contents(&self) -> Contents {
        let flash = FlashHandle(Rc::clone(&self.flash));
        Contents {
            // How a credential is stored is the firmware's own affair: its presence is
            // told, what it is for is asked of the key in CTAP.
            credentials: flash
                .iter_credentials()
                .map(|found| found.filter_map(Result::ok).map(|_| opaque()).collect())
                .unwrap_or_default(),
            pin_set: flash.pin_hash().is_ok_and(|hash| hash.is_some()),
            pin_retries: flash
                .pin_fails()
                .map_or(0, |fails| 8_u8.saturating_sub(fails)),
        }
    }
}

fn opaque() -> StoredCredential {
    StoredCredential {
        rp_id: String::new(),
        credential_id: Vec::new(),
        user_id: Vec::new(),
    }
}

type Flash = BTreeMap<usize, Vec<u8>>;

/// Key-value storage that outlives power cycles.
struct FlashHandle(Rc<RefCell<Flash>>);

impl Persist for FlashHandle {
    fn find(&self, key: usize) -> CtapResult<Option<Vec<u8>>> {
        Ok(self.0.borrow().get(&key).cloned())
    }

    fn insert(&mut self, key: usize, value: &[u8]) -> CtapResult<()> {
        self.0.borrow_mut().insert(key, value.to_vec());
        Ok(())
    }

    fn remove(&mut self, key: usize) -> CtapResult<()> {
        self.0.borrow_mut().remove(&key);
        Ok(())
    }

    fn iter(&self) -> CtapResult<PersistIter<'_>> {
        let keys: Vec<usize> = self.0.borrow().keys().copied().collect();
        Ok(Box::new(keys.into_iter().map(Ok)))
    }
}

/// All that the firmware knows of the world, for one power-up.
struct World {
    io: Io,
    flash: FlashHandle,
    presence: Presence,
    clock: KeyClock,
    rng: KeyRng,
    customization: CustomizationImpl,
    sensor: Sensor,
}

impl World {
    fn new(io: Io, key: &OpenSk) -> Self {
        let mut flash = FlashHandle(Rc::clone(&key.flash));
        if !matches!(flash.aaguid(), Ok(AAGUID)) {
            // A map takes every value.
            let _ = flash.set_aaguid(&AAGUID);
        }
        Self {
            presence: Presence {
                io: io.clone(),
                lamp: None,
            },
            clock: KeyClock(io.clone()),
            sensor: Sensor::new(io.clone(), key.strangers),
            io,
            flash,
            rng: KeyRng,
            customization: CustomizationImpl {
                enterprise_attestation_mode: key.enterprise_attestation,
                preferred_platform_uv_attempts: UV_ATTEMPTS,
                max_uv_retries: UV_RETRIES,
                ..DEFAULT_CUSTOMIZATION
            },
        }
    }
}

impl key_store::Helper for World {}

impl HidConnection for World {
    fn send(&mut self, report: &[u8; 64], _: UsbEndpoint) -> CtapResult<()> {
        self.io.send(report).map_err(powerless)
    }

    fn recv(&mut self, report: &mut [u8; 64], timeout_ms: usize) -> CtapResult<RecvStatus> {
        receive(&self.io, report, timeout_ms)
    }
}

impl Env for World {
    type Rng = KeyRng;
    type UserPresence = Presence;
    type Persist = FlashHandle;
    type KeyStore = Self;
    type Write = Silent;
    type Customization = CustomizationImpl;
    type HidConnection = Self;
    type Clock = KeyClock;
    type Crypto = SoftwareCrypto;
    type Fingerprint = Sensor;

    fn rng(&mut self) -> &mut KeyRng {
        &mut self.rng
    }

    fn user_presence(&mut self) -> &mut Presence {
        &mut self.presence
    }

    fn persist(&mut self) -> &mut FlashHandle {
        &mut self.flash
    }

    fn key_store(&mut self) -> &mut Self {
        self
    }

    fn clock(&mut self) -> &mut KeyClock {
        &mut self.clock
    }

    fn fingerprint(&mut self) -> &mut Sensor {
        &mut self.sensor
    }

    fn write(&mut self) -> Silent {
        Silent
    }

    fn customization(&self) -> &CustomizationImpl {
        &self.customization
    }

    fn hid_connection(&mut self) -> &mut Self {
        self
    }

    fn boots_after_soft_reset(&self) -> bool {
        false
    }
}

struct Presence {
    io: Io,
    lamp: Option<TouchRequest>,
}

impl UserPresence for Presence {
    fn check_init(&mut self) {
        self.lamp = Some(self.io.ask_for_touch());
    }

    fn wait_with_timeout(
        &mut self,
        report: &mut [u8; 64],
        timeout_ms: usize,
    ) -> UserPresenceWaitResult {
        if self.touched()? {
            return Ok((Ok(()), RecvStatus::Timeout));
        }
        let received = receive(&self.io, report, timeout_ms)?;
        let touch = if self.touched()? {
            Ok(())
        } else {
            Err(UserPresenceError::Timeout)
        };
        Ok((touch, received))
    }

    fn check_complete(&mut self) {
        self.lamp = None;
    }
}

impl Presence {
    fn touched(&self) -> CtapResult<bool> {
        self.lamp
            .as_ref()
            .map_or(Ok(false), |lamp| lamp.touched().map_err(powerless))
    }
}

fn receive(io: &Io, report: &mut [u8; 64], timeout_ms: usize) -> CtapResult<RecvStatus> {
    let until = Millis(io.now().0.saturating_add(timeout_ms as u64));
    match io.receive(until).map_err(powerless)? {
        Some(received) => {
            *report = received;
            Ok(RecvStatus::Received(UsbEndpoint::MainHid))
        }
        None => Ok(RecvStatus::Timeout),
    }
}

/// The firmware has no word for it: the command ends, and nothing can be sent any more.
fn powerless(_: PowerCut) -> Ctap2StatusCode {
    Ctap2StatusCode::CTAP2_ERR_KEEPALIVE_CANCEL
}

struct KeyClock(Io);

/// Ends when the key's clock shows this many milliseconds.
#[derive(Default)]
struct Timer(u64);

impl Clock for KeyClock {
    type Timer = Timer;

    fn make_timer(&mut self, milliseconds: usize) -> Timer {
        Timer(self.0.now().0.saturating_add(milliseconds as u64))
    }

    fn is_elapsed(&mut self, timer: &Timer) -> bool {
        self.0.now().0 >= timer.0
    }
}

struct KeyRng;

impl Rng for KeyRng {}
impl CryptoRng for KeyRng {}

impl RngCore for KeyRng {
    fn next_u32(&mut self) -> u32 {
        OsRng.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        OsRng.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        OsRng.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        OsRng.try_fill_bytes(bytes)
    }
}

struct Silent;

impl core::fmt::Write for Silent {
    fn write_str(&mut self, _: &str) -> core::fmt::Result {
        Ok(())
    }
}
