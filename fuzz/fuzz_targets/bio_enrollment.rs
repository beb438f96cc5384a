#![no_main]

use keysteward_core::ctap2::bio_enrollment::{Request, Response, SubcommandParams};
use keysteward_fuzz::survive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    survive!(bytes => Request<'_>, Response<'_>, SubcommandParams<'_>);
});
