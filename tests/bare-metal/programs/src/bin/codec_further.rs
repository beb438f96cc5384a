//! All commands of the core, those too that `ctap-types` lacks; what it takes beyond `codec` is
//! their price.

#![no_std]
#![no_main]

use core::hint::black_box;

use keysteward_bare_metal::{MAKE_CREDENTIAL, begin, codec, done, entry, fail, measure};

#[entry]
fn main() -> ! {
    begin();
    let request = black_box(MAKE_CREDENTIAL);
    if !measure("decode-make-credential", || codec::decode_further(request)) {
        fail("the request cannot be decoded");
    }
    codec::encode_further();
    codec::read_authenticator_data(black_box(&[]));
    done()
}
