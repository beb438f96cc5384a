#![no_main]

use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::get_info::{PassedOver, Response};
use keysteward_fuzz::{assert_same, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut info) = Response::parse(bytes) else {
        return;
    };
    assert!(info.passed_over.keys().all(|key| key < 0x40));
    // What was passed over is not written.
    info.passed_over = PassedOver::default();
    let again = written(&info);
    assert_same(&info, Response::parse(&again), &again);
});
