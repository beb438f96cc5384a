//! Cards and services that come and go, and programs that want the same card.

use crate::reader::{Card, connect, hold, impatient_session, reader};
use keysteward_agent::transport::pcsc::{PcscError, Reader, Service};
use keysteward_core::iso7816::{CardError, CardTransport, Framing};
use keysteward_core::nfcctap::{NfcError, NfcTransport, Version};
use keysteward_core::session::Error;
use keysteward_virtual_token::card::Presence;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::CString;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

stories! {
    an_empty_reader_is_told_from_one_with_a_card
    a_card_that_is_taken_off_is_told
    a_card_that_is_held_is_waited_for
    a_card_that_another_program_keeps_is_told
    a_card_that_another_program_reset_is_taken_as_it_is
    the_extended_form_is_tried_where_the_reader_does_not_say
    a_service_that_stops_is_told
}

fn an_empty_reader_is_told_from_one_with_a_card() {
    let service = Service::connect().unwrap();
    let empty = reader(&service, |_| true);
    assert!(!empty.has_card());
    assert!(empty.name().contains("Virtual PCD"), "{}", empty.name());
    let refused = service.open(&empty).err().unwrap();
    assert!(matches!(refused, PcscError::NoCard { .. }), "{refused:?}");

    let _card = Card::on_reader(Presence::Field);
    let full = reader(&service, Reader::has_card);
    let card = service.open(&full).unwrap();
    assert_eq!(hold(card).version(), Version::U2fV2);
}

fn a_card_that_is_taken_off_is_told() {
    let card_in_hand = Card::on_reader(Presence::Field);
    let service = Service::connect().unwrap();
    let at = reader(&service, Reader::has_card);
    let card = service.open(&at).unwrap();
    let mut transport = hold(card);
    card_in_hand.take_off();
    let begun = Instant::now();
    // The service looks every 400 ms; until then the reader fails in ways of its own.
    loop {
        let mut wait = |_| ControlFlow::Continue(());
        let info = impatient_session(&mut transport, 5_000, &mut wait, |session| {
            session.info().map(drop)
        });
        if let Err(Error::Transport(NfcError::Card(CardError::Transport(gone)))) = info
            && matches!(gone, PcscError::Removed { .. })
        {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "still there");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(transport);

    reader(&service, |now| now.name() == at.name() && !now.has_card());
    card_in_hand.put_on();
    let at = reader(&service, Reader::has_card);
    let card = service.open(&at).unwrap();
    assert_eq!(hold(card).version(), Version::U2fV2);
}

fn a_card_that_is_held_is_waited_for() {
    let _card = Card::on_reader(Presence::Field);
    let (ours, theirs) = (connect(), connect());
    let held = hold(ours);
    let waiting = std::thread::spawn(move || {
        drop(hold(theirs));
        Instant::now()
    });
    std::thread::sleep(Duration::from_millis(300));
    let let_go = Instant::now();
    drop(held);
    assert!(waiting.join().unwrap() >= let_go);
}

fn a_card_that_another_program_keeps_is_told() {
    let _card = Card::on_reader(Presence::Field);
    let service = Service::connect().unwrap();
    let at = reader(&service, Reader::has_card);
    let name = CString::new(at.name()).unwrap();
    let theirs = pcsc::Context::establish(pcsc::Scope::User)
        .unwrap()
        .connect(&name, pcsc::ShareMode::Exclusive, pcsc::Protocols::ANY)
        .unwrap();
    let reader = at.name();
    assert_eq!(service.open(&at).err(), Some(PcscError::InUse { reader }));
    drop(theirs);
    assert!(service.open(&at).is_ok());
}

fn a_card_that_another_program_reset_is_taken_as_it_is() {
    let _card = Card::on_reader(Presence::Field);
    let (ours, mut theirs) = (connect(), connect());
    let ours = hold(ours).into_card().release();
    theirs.power_cycle().unwrap();
    assert_eq!(hold(ours).version(), Version::U2fV2);
}

fn the_extended_form_is_tried_where_the_reader_does_not_say() {
    let _card = Card::on_reader(Presence::Field);
    let mut link = connect().hold().unwrap();
    let deadline = link.now().after(10_000);
    let mut transport = NfcTransport::open(link, deadline).unwrap();
    assert_eq!(transport.framing(), Framing::Extended);
    let mut wait = |_| ControlFlow::Continue(());
    impatient_session(&mut transport, 10_000, &mut wait, |session| {
        session.info().unwrap();
    });
    assert_eq!(transport.framing(), Framing::Extended, "and it works");
}

fn a_service_that_stops_is_told() {
    let _card = Card::on_reader(Presence::Field);
    let mut link = connect().hold().unwrap();
    let pcscd = std::env::var("PCSCD").unwrap().parse().unwrap();
    kill(Pid::from_raw(pcscd), Signal::SIGKILL).unwrap();
    let begun = Instant::now();
    let stopped = loop {
        match link.transmit(&[0x00, 0xA4, 0x04, 0x00], &mut [0; 258]) {
            Err(error) => break error,
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(10), "still there"),
        }
    };
    assert!(
        matches!(stopped, PcscError::ServiceStopped | PcscError::NoService),
        "{stopped:?}"
    );
    // A pcscd that dies may still take a caller's connection, to drop it.
    while Service::connect().err() != Some(PcscError::NoService) {
        assert!(begun.elapsed() < Duration::from_secs(10), "still there");
    }
}
