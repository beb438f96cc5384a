#![no_main]

use keysteward_core::ctap2::large_blobs::array::LargeBlobMap;
use keysteward_core::ctap2::large_blobs::{Request, Response};
use keysteward_fuzz::survive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    survive!(bytes => Request<'_>, Response<'_>, LargeBlobMap<'_>);
});
