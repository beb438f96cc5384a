//! The authenticator half alone: all that `process` can do is linked; what needs no PIN is run.
//! The rest runs in `both`.

#![no_std]
#![no_main]

use core::hint::black_box;

use keysteward_bare_metal::token::{FLASH, Finger, Token, manufacture};
use keysteward_bare_metal::{begin, done, entry, fail, measure, room};

#[entry]
fn main() -> ! {
    begin();
    room("storage", FLASH);
    room("state", size_of::<Token<'_>>());
    let mut memory = [0; FLASH];
    let mut token = manufacture(&mut memory);
    for (name, request) in [
        ("authenticator-get-info", GET_INFO),
        ("authenticator-key-agreement", KEY_AGREEMENT),
        ("authenticator-make-credential-without-pin", MAKE_CREDENTIAL),
    ] {
        let mut response = [0; 1024];
        let request = black_box(request);
        let answer = measure(name, || token.process(request, &mut Finger, &mut response));
        if answer.first() != Some(&0) {
            fail(name);
        }
    }
    done()
}

const GET_INFO: &[u8] = b"\x04";
const KEY_AGREEMENT: &[u8] = b"\x06\xa2\x01\x02\x02\x02";
/// For example.com, ES256.
const MAKE_CREDENTIAL: &[u8] = b"\x01\xa4\x01\x58\x20a hash of 32 bytes, so it's said\
    \x02\xa1\x62id\x6bexample.com\x03\xa1\x62id\x46user 1\
    \x04\x81\xa2\x63alg\x26\x64type\x6apublic-key";
