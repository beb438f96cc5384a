//! A card for each story, and the hand that holds it.

use keysteward_agent::transport::pcsc::{PcscCard, PcscError, PcscLink, Reader, Service};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::iso7816::{CardTransport, Framing};
use keysteward_core::nfcctap::{NfcError, NfcTransport};
use keysteward_core::session::{Buffers, Keepalive, Session};
use keysteward_tests::pcscd::FIRST_READER;
use keysteward_virtual_token::authenticator::Authenticator;
use keysteward_virtual_token::card::Presence;
use keysteward_virtual_token::device::{Device, TouchPolicy};
use keysteward_virtual_token::front_end::vpcd::AtReader;
use keysteward_virtual_token::manufacture::{Manufacturer, Order, Profile};
use keysteward_virtual_token::storage::MemoryStorage;
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A card, and the hand that holds it.
pub(crate) struct Card {
    device: Arc<Device>,
}

impl Card {
    /// A new card on the reader, held there by somebody who is there.
    pub(crate) fn on_reader(presence: Presence) -> Self {
        let mut crypto = RustCrypto(OsRng);
        let mut storage = MemoryStorage::new();
        let order = Order {
            profile: Profile::NfcOnly,
            ..Order::default()
        };
        Manufacturer::found()
            .unwrap()
            .make(&order, &mut crypto)
            .unwrap()
            .burn_in(&mut storage, &mut crypto)
            .unwrap();
        let authenticator = Authenticator::new(storage, crypto).unwrap();
        let device = Device::new(TouchPolicy::Always);
        let powered = Arc::clone(&device);
        // Firmware never ends; without power it sleeps.
        std::thread::spawn(move || {
            powered.run(&mut AtReader::new(
                authenticator,
                presence,
                FIRST_READER.into(),
            ));
        });
        let card = Self { device };
        card.put_on();
        card
    }

    pub(crate) fn put_on(&self) {
        self.device.plug();
    }

    pub(crate) fn take_off(&self) {
        self.device.unplug();
    }

    pub(crate) fn touches(&self, policy: TouchPolicy) {
        self.device.set_touch_policy(policy);
    }

    pub(crate) fn touch(&self) {
        self.device.touch().unwrap();
    }

    /// Lets time pass for the card.
    pub(crate) fn skip(&self, time: Duration) {
        self.device.advance(time);
    }
}

/// The first reader that is as wanted, as soon as there is one.
pub(crate) fn reader(service: &Service, wanted: impl Fn(&Reader) -> bool) -> Reader {
    let begun = Instant::now();
    loop {
        let readers = service.readers().unwrap();
        if let Some(reader) = readers.into_iter().find(&wanted) {
            return reader;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no such reader");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Connects to the card that is put on, as soon as it is.
pub(crate) fn connect() -> PcscCard {
    let service = Service::connect().unwrap();
    let reader = reader(&service, Reader::has_card);
    service.open(&reader).unwrap()
}

pub(crate) type Transport = NfcTransport<PcscLink>;
pub(crate) type Error = keysteward_core::session::Error<NfcError<PcscError>>;
pub(crate) type CardSession<'t> = Session<'t, Transport, RustCrypto<OsRng>>;

/// Holds the card, and selects its applet.
pub(crate) fn hold(card: PcscCard) -> Transport {
    let mut link = card.hold().unwrap();
    let deadline = link.now().after(10_000);
    NfcTransport::open(link, deadline).unwrap()
}

/// Holds a session that has a minute and does not mind waiting.
pub(crate) fn session<R>(
    card: PcscCard,
    framing: Framing,
    act: impl FnOnce(&mut CardSession<'_>) -> R,
) -> R {
    let mut transport = hold(card);
    transport.set_framing(framing);
    impatient_session(
        &mut transport,
        60_000,
        &mut |_| ControlFlow::Continue(()),
        act,
    )
}

pub(crate) fn impatient_session<R>(
    transport: &mut Transport,
    milliseconds: u64,
    on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    act: impl FnOnce(&mut CardSession<'_>) -> R,
) -> R {
    let deadline = transport.card_mut().now().after(milliseconds);
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::<Buffers>::default());
    act(&mut Session::new(
        transport,
        &mut crypto,
        &mut buffers,
        deadline,
        on_keepalive,
    ))
}
