#![no_main]

use keysteward_core::ctap2::authenticator_config::{Request, SetMinPinLength, VendorPrototype};
use keysteward_fuzz::survive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    survive!(bytes => Request<'_>, SetMinPinLength<'_>, VendorPrototype<'_>);
});
