//! The client half alone: sessions, PIN protocol, codec and primitives, against a script.

#![no_std]
#![no_main]

use core::hint::black_box;

use keysteward_bare_metal::flow::{Client, PIN, wait};
use keysteward_bare_metal::{
    Gauge, SCRIPT_BYTES, Script, Seeded, begin, done, entry, fail, report, room,
};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::pin_protocol::Pin;
use keysteward_core::session::Buffers;

#[entry]
fn main() -> ! {
    begin();
    room("answers-of-the-script", SCRIPT_BYTES);
    room("message-buffers", size_of::<Buffers>());
    let gauge = Gauge::new();
    let (mut link, mut crypto) = (Script::default(), RustCrypto(Seeded::new()));
    let (mut buffers, mut wait) = (Buffers::new(), wait);
    let pin = Pin::new(black_box(PIN)).unwrap_or_else(|_| fail("the PIN"));
    let mut client = Client::new(&mut link, &mut crypto, &mut buffers, &mut wait, &gauge);

    client.get_info();
    report("client-get-info", gauge.take());
    client.set_pin(&pin);
    report("client-set-pin", gauge.take());
    let token = client.pin_token(&pin, Permissions::MAKE_CREDENTIAL);
    report("client-pin-token", gauge.take());
    let made = client.make_credential(token);
    report("client-make-credential", gauge.take());
    let token = client.pin_token(&pin, Permissions::GET_ASSERTION);
    gauge.take();
    black_box(client.get_assertion(&made, token));
    report("client-get-assertion", gauge.take());
    done()
}
