//! The core's half of what `ctap-types` does: every request decoded and every response encoded,
//! of the commands that it has, down to the items of lists and the parameters of subcommands.
//! What it leaves to others is read as well: authenticator data and COSE keys.

#![no_std]
#![no_main]

use core::hint::black_box;

use keysteward_bare_metal::codec;
use keysteward_bare_metal::{MAKE_CREDENTIAL, begin, done, entry, fail, measure};

#[entry]
fn main() -> ! {
    begin();
    let request = black_box(MAKE_CREDENTIAL);
    let decoded = measure("decode-make-credential", || codec::decode(request));
    if !decoded {
        fail("the request cannot be decoded");
    }
    codec::encode();
    codec::read_authenticator_data(black_box(&[]));
    done()
}
