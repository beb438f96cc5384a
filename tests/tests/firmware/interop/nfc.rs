//! Our client with a key that is a card, over NFC framing: at a reader of vpcd's, with the real pcscd
//! between them. The areas are those of `ours`, each with the card put on anew.

use super::ours::{Problem, Sitting, areas, cell};
use super::{Cell, Row, cells};
use keysteward_agent::transport::pcsc::{PcscLink, Reader, Service};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::iso7816::CardTransport;
use keysteward_core::nfcctap::NfcTransport;
use keysteward_core::session::{Buffers, Session};
use keysteward_tests::pcscd::{FIRST_READER, beside_pcscd, tell};
use keysteward_virtual_token::authenticator::Authenticator;
use keysteward_virtual_token::authenticator::profile::Profile;
use keysteward_virtual_token::card::Presence;
use keysteward_virtual_token::device::{Device, TouchPolicy};
use keysteward_virtual_token::front_end::vpcd::AtReader;
use keysteward_virtual_token::manufacture::{Manufacturer, Order};
use keysteward_virtual_token::storage::MemoryStorage;
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a reader may take to see a card come or go.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn rows() -> Vec<Row> {
    let test = "interop::nfc::a_key_at_a_reader_is_understood";
    let output = beside_pcscd(&std::env::current_exe().unwrap())
        .unwrap()
        .args(["--exact", test, "--nocapture"])
        .output()
        .unwrap();
    vec![Row {
        client: "keysteward",
        key: "ours, nfc-only",
        cells: cells(&String::from_utf8_lossy(&output.stdout)),
    }]
}

#[test]
fn a_key_at_a_reader_is_understood() {
    let name = concat!(module_path!(), "::a_key_at_a_reader_is_understood");
    tell(name, every_area);
}

/// Prints what [`cells`] reads.
fn every_area() {
    let key = card();
    let mut failed = Vec::new();
    for (area, attempt) in areas() {
        let outcome = at_reader(&key, attempt);
        match &outcome {
            Cell::Works => println!("cell: {area} works"),
            Cell::Lacks(what) => println!("cell: {area} lacks {what}"),
            Cell::Fails(why) => {
                println!("cell: {area} fails {why}");
                failed.push(area);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// A card that nobody has put on yet.
fn card() -> Arc<Device> {
    let mut crypto = RustCrypto(OsRng);
    let mut storage = MemoryStorage::new();
    let order = Order {
        profile: Profile::NfcOnly,
        ..Order::default()
    };
    let made = Manufacturer::found().unwrap().make(&order, &mut crypto);
    made.unwrap().burn_in(&mut storage, &mut crypto).unwrap();
    let authenticator = Authenticator::new(storage, crypto).unwrap();
    let device = Device::new(TouchPolicy::Always);
    let powered = Arc::clone(&device);
    // Firmware never ends; without power it sleeps.
    std::thread::spawn(move || {
        let reader = FIRST_READER.into();
        powered.run(&mut AtReader::new(authenticator, Presence::Field, reader));
    });
    device
}

/// Puts the card on, holds a session of a minute, and takes the card off.
fn at_reader(
    key: &Device,
    attempt: fn(&mut Sitting<'_, NfcTransport<PcscLink>>) -> Result<(), Problem>,
) -> Cell {
    let service = Service::connect().unwrap();
    key.plug();
    let reader = wait_for(&service, true);
    let mut link = service.open(&reader).unwrap().hold().unwrap();
    let deadline = link.now().after(60_000);
    let mut transport = NfcTransport::open(link, deadline).unwrap();
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::<Buffers>::default());
    let mut wait = |_| ControlFlow::Continue(());
    let outcome = attempt(&mut Session::new(
        &mut transport,
        &mut crypto,
        &mut buffers,
        deadline,
        &mut wait,
    ));
    drop(transport);
    key.unplug();
    wait_for(&service, false);
    cell(outcome)
}

/// A reader with a card, or without.
fn wait_for(service: &Service, with_card: bool) -> Reader {
    let begun = Instant::now();
    loop {
        let readers = service.readers().unwrap();
        let first = readers.into_iter().next();
        if let Some(reader) = first.filter(|reader| reader.has_card() == with_card) {
            return reader;
        }
        assert!(begun.elapsed() < PATIENCE, "no such reader");
        std::thread::sleep(Duration::from_millis(50));
    }
}
