use super::*;
use crate::authenticator::Environment;
use crate::device::{Device, TouchPolicy};
use keysteward_core::nfcctap::Version;
use std::net::TcpListener;
use std::sync::Arc;

/// Answers every message with status 0x01.
struct Deaf;

impl Handler for Deaf {
    fn version(&self) -> Version {
        Version::Fido2_0
    }

    fn power_up(&mut self, _: Millis) {}

    fn ctap2<'r>(&mut self, _: &[u8], _: &mut dyn Environment, response: &'r mut [u8]) -> &'r [u8] {
        response[0] = 0x01;
        &response[..1]
    }
}

/// vpcd's side.
struct Vpcd(TcpStream);

impl Vpcd {
    fn order(&mut self, bytes: &[u8]) {
        let len = u16::try_from(bytes.len()).unwrap();
        self.0.write_all(&len.to_be_bytes()).unwrap();
        self.0.write_all(bytes).unwrap();
    }

    fn answer(&mut self) -> Vec<u8> {
        let mut len = [0; 2];
        self.0.read_exact(&mut len).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
        self.0.read_exact(&mut answer).unwrap();
        answer
    }

    fn ask(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.order(bytes);
        self.answer()
    }
}

/// A reader with a card on it.
fn reader() -> (TcpListener, Arc<Device>, Vpcd) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let device = Device::new(TouchPolicy::Always);
    let powered = Arc::clone(&device);
    std::thread::spawn(move || {
        powered.run(&mut AtReader::new(Deaf, Presence::Field, address));
    });
    device.plug();
    let vpcd = accept(&listener);
    (listener, device, vpcd)
}

fn accept(listener: &TcpListener) -> Vpcd {
    let (stream, _) = listener.accept().unwrap();
    let patience = Duration::from_secs(20);
    stream.set_read_timeout(Some(patience)).unwrap();
    Vpcd(stream)
}

const SELECT: &[u8] = b"\x00\xA4\x04\x00\x08\xA0\x00\x00\x06\x47\x2F\x00\x01\x00";
const MSG: &[u8] = b"\x80\x10\x80\x00\x01\x04\x00";

#[test]
fn the_answer_to_reset_is_told_with_and_without_power() {
    let (_listener, _device, mut vpcd) = reader();
    assert_eq!(vpcd.ask(&[TELL_ATR]), ATR);
    vpcd.order(&[POWER_ON]);
    assert_eq!(vpcd.ask(&[TELL_ATR]), ATR);
}

#[test]
fn power_and_reset_deselect_the_applet() {
    let (_listener, _device, mut vpcd) = reader();
    for orders in [[POWER_ON].as_slice(), &[RESET], &[POWER_OFF, POWER_ON]] {
        for order in orders {
            vpcd.order(&[*order]);
        }
        assert_eq!(vpcd.ask(MSG), b"\x6D\x00", "{orders:?}");
        assert_eq!(vpcd.ask(SELECT), b"FIDO_2_0\x90\x00");
        assert_eq!(vpcd.ask(MSG), b"\x01\x90\x00");
    }
}

#[test]
fn an_unknown_order_is_passed_over() {
    let (_listener, _device, mut vpcd) = reader();
    vpcd.order(&[POWER_ON]);
    vpcd.order(&[0x07]);
    assert_eq!(vpcd.ask(SELECT), b"FIDO_2_0\x90\x00");
}

#[test]
fn a_command_longer_than_any_is_refused() {
    let (_listener, _device, mut vpcd) = reader();
    vpcd.order(&[POWER_ON]);
    assert_eq!(vpcd.ask(&[0; 20_000]), WRONG_LENGTH);
    assert_eq!(vpcd.ask(SELECT), b"FIDO_2_0\x90\x00");
}

#[test]
fn a_reader_that_comes_back_is_found() {
    let (listener, _device, vpcd) = reader();
    drop(vpcd);
    let mut vpcd = accept(&listener);
    assert_eq!(vpcd.ask(&[TELL_ATR]), ATR);
}

#[test]
fn a_card_that_is_pulled_out_leaves_the_reader() {
    let (listener, device, mut vpcd) = reader();
    assert_eq!(vpcd.ask(&[TELL_ATR]), ATR);
    device.unplug();
    assert_eq!(vpcd.0.read(&mut [0; 8]).unwrap(), 0, "the end");
    device.plug();
    let mut vpcd = accept(&listener);
    assert_eq!(vpcd.ask(&[TELL_ATR]), ATR);
}
