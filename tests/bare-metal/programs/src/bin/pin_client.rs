//! The platform's half of PIN/UV auth protocol two: from the token's key and its answer to the MAC
//! of a request.

#![no_std]
#![no_main]

use core::hint::black_box;

use keysteward_bare_metal::pin::{ANSWER, HASH, PIN, TOKEN_X, TOKEN_Y};
use keysteward_bare_metal::{Seeded, begin, done, entry, fail, measure};
use keysteward_core::crypto::{Error, PublicPoint, RustCrypto};
use keysteward_core::pin_protocol::{Pin, PinProtocol, PinUvAuthToken};

#[entry]
fn main() -> ! {
    begin();
    if measure("pin-protocol", authenticate).is_err() {
        fail("the PIN protocol");
    }
    done()
}

#[inline(never)]
fn authenticate() -> Result<(), Error> {
    let mut crypto = RustCrypto(Seeded::new());
    let peer = PublicPoint {
        x: *black_box(&TOKEN_X),
        y: *black_box(&TOKEN_Y),
    };
    let pin = Pin::new(black_box(PIN)).map_err(|_| Error)?;
    let (platform, secret) = PinProtocol::Two.encapsulate(&mut crypto, &peer)?;
    let hash = pin.hash(&mut crypto);
    let pin_hash_enc = secret.encrypt(&mut crypto, &hash.0)?;
    let token = PinUvAuthToken::decrypt(&mut crypto, &secret, black_box(ANSWER))?;
    let param = token.authenticate(&mut crypto, &[black_box(&HASH)]);
    black_box((&platform, &pin_hash_enc, &param));
    Ok(())
}
