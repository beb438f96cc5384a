//! A card, the hand that holds it, and a key on HID.

use keysteward_core::crypto::RustCrypto;
use keysteward_core::iso7816::{Command, Status};
use keysteward_virtual_token::authenticator::Authenticator;
use keysteward_virtual_token::card::{Applet, Applets, Card, Presence};
use keysteward_virtual_token::device::{Device, TouchPolicy};
use keysteward_virtual_token::firmware::Firmware;
use keysteward_virtual_token::front_end::vpcd::AtReader;
use keysteward_virtual_token::front_end::{Identity, socket};
use keysteward_virtual_token::manufacture::{Manufacturer, Order, Profile};
use keysteward_virtual_token::security_key::SecurityKey;
use keysteward_virtual_token::storage::MemoryStorage;
use rand_core::OsRng;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A key of `profile`, new from the factory.
fn made(profile: Profile) -> Authenticator<MemoryStorage, RustCrypto<OsRng>> {
    static MANUFACTURER: OnceLock<Manufacturer> = OnceLock::new();
    let manufacturer = MANUFACTURER.get_or_init(|| Manufacturer::found().unwrap());
    let mut crypto = RustCrypto(OsRng);
    let mut storage = MemoryStorage::new();
    let order = Order {
        profile,
        ..Order::default()
    };
    manufacturer
        .make(&order, &mut crypto)
        .unwrap()
        .burn_in(&mut storage, &mut crypto)
        .unwrap();
    Authenticator::new(storage, crypto).unwrap()
}

fn powered(mut firmware: impl Firmware + Send + 'static) -> Arc<Device> {
    let device = Device::new(TouchPolicy::Always);
    let powered = Arc::clone(&device);
    // Firmware never ends; without power it sleeps.
    std::thread::spawn(move || powered.run(&mut firmware));
    device
}

/// A FIDO card on the reader at `reader`, held there by somebody who is there.
pub(crate) fn fido_card(reader: &str, profile: Profile) -> Arc<Device> {
    let card = AtReader::new(made(profile), Presence::Field, reader.to_owned());
    let device = powered(card);
    device.plug();
    device
}

/// The reader's side of a key: its FIDO applet, and a PIV applet that tells its serial number and
/// no more.
pub(crate) fn key_at_reader(reader: &str, serial: u32) -> Arc<Device> {
    let authenticator = made(Profile::default());
    let card = Box::new(Card::with_applets(
        authenticator,
        Presence::Field,
        OnlySerial(serial),
    ));
    let device = powered(AtReader::with(card, reader.to_owned()));
    device.plug();
    device
}

/// An applet of Yubico's PIV, as far as it names the key.
struct OnlySerial(u32);

impl Applets for OnlySerial {
    fn applet(&mut self, number: usize) -> Option<&mut dyn Applet> {
        (number == 0).then_some(self)
    }
}

impl Applet for OnlySerial {
    fn is_named(&self, aid: &[u8]) -> bool {
        aid == b"\xA0\x00\x00\x03\x08\x00\x00\x10\x00"
    }

    /// An application property template with the AID alone. SP 800-73-5 part 2 §3.1.1.
    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
        let template = b"\x61\x08\x4F\x06\x00\x00\x10\x00\x01\x00";
        let answer = &mut response[..template.len()];
        answer.copy_from_slice(template);
        (answer, Status::Success)
    }

    fn deselect(&mut self) {}

    /// GET SERIAL, and GET DATA of nothing.
    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        match command.ins {
            0xF8 => {
                let answer = &mut response[..4];
                answer.copy_from_slice(&self.0.to_be_bytes());
                (answer, Status::Success)
            }
            0xCB => (&[], Status::NotFound),
            _ => (&[], Status::InsNotSupported),
        }
    }
}

/// A FIDO key on HID, of a host whose keys are plugged in at `hid`.
pub(crate) fn key(hid: &Path, serial: &str) -> Arc<Device> {
    let device = powered(SecurityKey::new(made(Profile::default())));
    let linked = Arc::clone(&device);
    let identity = Identity {
        name: "key".to_owned(),
        vendor_id: 0x1234,
        product_id: 1,
        manufacturer: "Keysteward".to_owned(),
        product: "Virtual Key".to_owned(),
        serial: Some(serial.to_owned()),
    };
    let hid = hid.to_owned();
    std::thread::spawn(move || socket::run(&linked, &identity, &hid));
    device.plug();
    device
}
