//! `ctap-types`: every request decoded, every response encoded.

#![no_std]
#![no_main]

use core::hint::black_box;

use ctap_types::ctap2::{Request, Response};
use heapless::VecView;
use keysteward_bare_metal::{MAKE_CREDENTIAL, begin, done, entry, fail, measure};

#[entry]
fn main() -> ! {
    begin();
    let request = black_box(MAKE_CREDENTIAL);
    let decoded = measure("decode-make-credential", || {
        black_box(&Request::deserialize(request)).is_ok()
    });
    if !decoded {
        fail("the request cannot be decoded");
    }
    // Never there, which the compiler cannot know.
    if let Some((response, buffer)) = black_box(None::<(&Response, &mut VecView<u8>)>) {
        response.serialize(buffer);
    }
    done()
}
