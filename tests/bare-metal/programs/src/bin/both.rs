//! Client and authenticator against each other, from RAM buffers: getInfo, a PIN, makeCredential,
//! getAssertion, and the signature is checked. Each half is measured while the other stands.

#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;
use core::ops::ControlFlow;

use keysteward_bare_metal::flow::{Client, PIN, wait};
use keysteward_bare_metal::token::{FLASH, Finger, Token, manufacture};
use keysteward_bare_metal::{Gauge, Seeded, begin, done, entry, fail, report};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::pin_protocol::Pin;
use keysteward_core::session::{Buffers, CtapTransport, Keepalive, Millis};

/// From one half to the other.
struct InRam<'g, 'm> {
    token: Token<'m>,
    client: &'g Gauge,
    authenticator: &'g Gauge,
}

impl CtapTransport for InRam<'_, '_> {
    type Error = Infallible;

    #[inline(never)]
    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        _: Millis,
        _: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Infallible> {
        self.client.stop();
        self.authenticator.start();
        let answer = self.token.process(request, &mut Finger, response);
        self.authenticator.stop();
        self.client.resume();
        Ok(answer)
    }
}

#[entry]
fn main() -> ! {
    begin();
    let (client, authenticator) = (Gauge::new(), Gauge::new());
    let halves = |name: [&'static str; 2]| {
        let [of_client, of_authenticator] = name;
        report(of_client, client.take());
        report(of_authenticator, authenticator.take());
    };
    let mut memory = [0; FLASH];
    let mut link = InRam {
        token: manufacture(&mut memory),
        client: &client,
        authenticator: &authenticator,
    };
    let (mut crypto, mut buffers) = (RustCrypto(Seeded::new()), Buffers::new());
    let mut wait = wait;
    let pin = Pin::new(black_box(PIN)).unwrap_or_else(|_| fail("the PIN"));
    let mut session = Client::new(&mut link, &mut crypto, &mut buffers, &mut wait, &client);

    session.get_info();
    halves(["both-client-get-info", "both-authenticator-get-info"]);
    session.set_pin(&pin);
    halves(["both-client-set-pin", "both-authenticator-set-pin"]);
    let token = session.pin_token(&pin, Permissions::MAKE_CREDENTIAL);
    halves(["both-client-pin-token", "both-authenticator-pin-token"]);
    let made = session.make_credential(token);
    halves([
        "both-client-make-credential",
        "both-authenticator-make-credential",
    ]);
    let token = session.pin_token(&pin, Permissions::GET_ASSERTION);
    (client.take(), authenticator.take());
    let asserted = session.get_assertion(&made, token);
    halves([
        "both-client-get-assertion",
        "both-authenticator-get-assertion",
    ]);
    asserted.verify(&made, &RustCrypto(Seeded::new()));
    done()
}
