#![no_main]

use keysteward_core::cbor::{Parse, Raw};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::webauthn::attestation::{
    ANDROID_KEY, APPLE, FIDO_U2F, NONE, PACKED, Statement, TPM,
};
use keysteward_core::webauthn::cose::PublicKey;
use keysteward_fuzz::{Counter, Script, assert_same, written};
use libfuzzer_sys::fuzz_target;

const HASH: &[u8; 32] = &[0x5A; 32];

// A statement, authenticator data and the key of a certificate, each with its length before it.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let [statement, auth_data, key] = std::array::from_fn(|_| script.rest_of_step());
    let Ok(raw) = Raw::parse(statement) else {
        return;
    };
    let key = PublicKey::parse(key);
    let crypto = RustCrypto(Counter(0));
    for fmt in [NONE, PACKED, FIDO_U2F, TPM, ANDROID_KEY, APPLE, "compound"] {
        let Ok(statement) = Statement::parse(fmt, raw) else {
            continue;
        };
        assert_eq!(statement.fmt(), fmt);
        let certificates = statement.certificates();
        assert_eq!(certificates.iter().count(), certificates.len());
        let again = written(&statement);
        let raw = Raw::parse(&again).expect("CBOR was written");
        assert_same(&statement, Statement::parse(fmt, raw), &again);

        let itself = statement.verify_self(&crypto, auth_data, HASH);
        assert!(itself.is_err() || certificates.is_empty());
        if let Ok(key) = &key {
            let verified = statement.verify(&crypto, key, auth_data, HASH);
            assert!(verified.is_err() || !certificates.is_empty());
        }
    }
});
