//! A security key.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{Arc, OnceLock},
    thread,
};

use keysteward_core::{
    crypto::RustCrypto,
    ctap2::bio_enrollment::SampleStatus,
    pin_protocol::Pin,
    session::{Buffers, Millis, Session},
};
use keysteward_virtual_token::{
    authenticator::{Authenticator, Sample, Scan},
    card::{Card, Presence},
    device::{Device, TouchPolicy},
    firmware::Firmware,
    front_end::{Identity, socket, vpcd::AtReader},
    hostile::{
        Hostile, HostileKey,
        cards::{HostileCard, LyingCard},
    },
    in_process::InProcess,
    manufacture::{Manufacturer, Order, Profile},
    security_key::SecurityKey,
    storage::MemoryStorage,
};
use rand_core::OsRng;

use super::{PIN, RP, host::virtual_tokens, until};
use crate::pcscd::FIRST_READER;

/// A security key in software, plugged in and out by the test.
pub(crate) struct Key {
    pub(crate) device: Arc<Device>,
}

impl Key {
    /// Made, plugged into the host of `folder`, and touched whenever it asks.
    pub(crate) fn new(folder: &Path, serial: Option<&str>) -> Self {
        Self::of_profile(folder, serial, Profile::default())
    }

    /// The same, of another profile than the newest.
    pub(crate) fn of_profile(folder: &Path, serial: Option<&str>, profile: Profile) -> Self {
        Self::of_storage(folder, serial, made(serial, profile, MemoryStorage::new()))
    }

    /// The same with what was stored on it before. The storage's clones tell what it stores later.
    pub(crate) fn of_storage(folder: &Path, serial: Option<&str>, storage: MemoryStorage) -> Self {
        Self::plug(folder, serial, || {
            let authenticator = Authenticator::new(storage, RustCrypto(OsRng)).unwrap();
            SecurityKey::new(authenticator)
        })
    }

    /// The same as a card at the first reader of this story's pcscd.
    pub(crate) fn at_reader(profile: Profile) -> Self {
        let storage = made(Some("KS-1"), profile, MemoryStorage::new());
        let device = Device::new(TouchPolicy::Always);
        let powered = Arc::clone(&device);
        thread::spawn(move || {
            let authenticator = Authenticator::new(storage, RustCrypto(OsRng)).unwrap();
            let address = FIRST_READER.to_owned();
            powered.run(&mut AtReader::new(authenticator, Presence::Button, address));
        });
        device.plug();
        Self { device }
    }

    /// The same, with APDUs that lie.
    pub(crate) fn lying_at_reader(hostile: &'static HostileCard) -> Self {
        let storage = made(None, Profile::NfcOnly, MemoryStorage::new());
        let device = Device::new(TouchPolicy::Always);
        let powered = Arc::clone(&device);
        thread::spawn(move || {
            let authenticator = Authenticator::new(storage, RustCrypto(OsRng)).unwrap();
            let card = Card::new(authenticator, Presence::Field);
            let lying = Box::new(LyingCard::new(hostile, card));
            powered.run(&mut AtReader::with(lying, FIRST_READER.to_owned()));
        });
        device.plug();
        Self { device }
    }

    /// Lies, has the PIN of these tests, and its name as its serial number.
    pub(crate) fn hostile(folder: &Path, hostile: &'static Hostile) -> Self {
        Self::hostile_of(folder, hostile, Profile::default(), Some(PIN))
    }

    /// The same for a kind of key and another PIN or none. Where it has a sensor, one finger is laid
    /// on it, well.
    pub(crate) fn hostile_of(
        folder: &Path,
        hostile: &'static Hostile,
        profile: Profile,
        pin: Option<&'static str>,
    ) -> Self {
        let serial = Some(hostile.name);
        let storage = made(serial, profile, MemoryStorage::new());
        Self::plug(folder, serial, move || {
            let mut honest = InProcess::plug_in(storage, RustCrypto(OsRng)).unwrap();
            honest.world().scans.extend([FINGER; 8]);
            if let Some(pin) = pin {
                let (mut crypto, mut buffers) = (RustCrypto(OsRng), Buffers::default());
                let mut go_on = |_| ControlFlow::Continue(());
                let end = Millis(u64::MAX);
                Session::new(&mut honest, &mut crypto, &mut buffers, end, &mut go_on)
                    .set_pin(&Pin::new(pin).unwrap())
                    .unwrap();
            }
            HostileKey::new(hostile, honest)
        })
    }

    /// A key that runs other firmware on what the factory gave one of this kind.
    pub(crate) fn of_firmware<F: Firmware>(
        folder: &Path,
        profile: Profile,
        firmware: impl FnOnce(MemoryStorage) -> F + Send + 'static,
    ) -> Self {
        let serial = Some("KS-1");
        let storage = made(serial, profile, MemoryStorage::new());
        Self::plug(folder, serial, move || firmware(storage))
    }

    fn plug<F: Firmware>(
        folder: &Path,
        serial: Option<&str>,
        firmware: impl FnOnce() -> F + Send + 'static,
    ) -> Self {
        let device = Device::new(TouchPolicy::Always);
        let powered = Arc::clone(&device);
        thread::spawn(move || powered.run(&mut firmware()));
        let linked = Arc::clone(&device);
        let path = virtual_tokens(folder);
        let identity = Identity {
            name: "key".to_owned(),
            vendor_id: 0x1234,
            product_id: 1,
            manufacturer: "Keysteward".to_owned(),
            product: "Virtual Key".to_owned(),
            serial: serial.map(str::to_owned),
        };
        thread::spawn(move || socket::run(&linked, &identity, &path));
        device.plug();
        Self { device }
    }

    pub(crate) fn replug(&self) {
        self.device.unplug();
        self.device.plug();
    }

    pub(crate) fn pin_set(&self) -> bool {
        self.device.state().contents.pin_set
    }

    pub(crate) fn credentials(&self) -> usize {
        self.device.state().contents.credentials.len()
    }

    pub(crate) async fn waits_for_touch(&self) {
        until("the key waits for a touch", || {
            self.device.state().waiting_for_touch
        })
        .await;
    }
}

/// A blank storage, as a key of this kind has it on the day it is bought.
pub(crate) fn made(
    serial: Option<&str>,
    profile: Profile,
    mut storage: MemoryStorage,
) -> MemoryStorage {
    static MANUFACTURER: OnceLock<Manufacturer> = OnceLock::new();
    let manufacturer = MANUFACTURER.get_or_init(|| Manufacturer::found().unwrap());
    let order = Order {
        serial: serial.map(str::to_owned),
        enterprise_rp_ids: vec![RP.to_owned()],
        profile,
        ..Order::default()
    };
    let mut crypto = RustCrypto(OsRng);
    let made = manufacturer.make(&order, &mut crypto).unwrap();
    made.burn_in(&mut storage, &mut crypto).unwrap();
    storage
}

const FINGER: Scan = Scan::Sample(Sample {
    finger: 1,
    quality: SampleStatus::Good,
});
