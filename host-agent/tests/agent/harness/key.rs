//! A security key.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    thread,
};

use keysteward_core::crypto::RustCrypto;
use keysteward_virtual_token::{
    authenticator::Authenticator,
    device::{Device, TouchPolicy},
    front_end::{Identity, socket},
    manufacture::{Manufacturer, Order},
    security_key::SecurityKey,
    storage::MemoryStorage,
};
use rand_core::OsRng;

use super::{RP, host::virtual_tokens, until};

/// A security key in software, plugged in and out by the test.
pub(crate) struct Key {
    pub(crate) device: Arc<Device>,
}

impl Key {
    /// Made, plugged into the host of `folder`, and touched whenever it asks.
    pub(crate) fn new(folder: &Path, serial: Option<&str>) -> Self {
        static MANUFACTURER: OnceLock<Manufacturer> = OnceLock::new();
        let manufacturer = MANUFACTURER.get_or_init(|| Manufacturer::found().unwrap());
        let order = Order {
            serial: serial.map(str::to_owned),
            enterprise_rp_ids: vec![RP.to_owned()],
            ..Order::default()
        };
        let mut crypto = RustCrypto(OsRng);
        let made = manufacturer.make(&order, &mut crypto).unwrap();
        let mut storage = MemoryStorage::new();
        made.burn_in(&mut storage, &mut crypto).unwrap();
        let device = Device::new(TouchPolicy::Always);
        let powered = Arc::clone(&device);
        thread::spawn(move || {
            let authenticator = Authenticator::new(storage, RustCrypto(OsRng)).unwrap();
            powered.run(&mut SecurityKey::new(authenticator))
        });
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
