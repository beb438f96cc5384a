#![no_main]

use keysteward_core::cbor::{Parse, Raw};
use keysteward_core::webauthn::attestation::{AttestationObject, Statement};
use keysteward_fuzz::{assert_same, written};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(object) = AttestationObject::parse(bytes) else {
        return;
    };
    let again = written(&object);
    assert_same(&object, AttestationObject::parse(&again), &again);

    if let Ok(statement) = object.statement() {
        assert_eq!(statement.fmt(), object.fmt);
        let again = written(&statement);
        if let Ok(raw) = Raw::parse(&again) {
            assert_same(&statement, Statement::parse(object.fmt, raw), &again);
        }
    }
});
