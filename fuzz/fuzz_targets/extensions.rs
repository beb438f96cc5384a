#![no_main]

use keysteward_core::ctap2::extension::{
    GetAssertionInputs, GetAssertionOutputs, MakeCredentialInputs, MakeCredentialOutputs,
    UnsignedGetAssertionOutputs, UnsignedMakeCredentialOutputs,
};
use keysteward_fuzz::survive;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    survive!(bytes =>
        MakeCredentialInputs<'_>,
        MakeCredentialOutputs<'_>,
        UnsignedMakeCredentialOutputs,
        GetAssertionInputs<'_>,
        GetAssertionOutputs<'_>,
        UnsignedGetAssertionOutputs<'_>,
    );
});
