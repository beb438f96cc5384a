#![no_main]

use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{KeyAgreementKey, PublicKey};
use keysteward_fuzz::{ROOM, assert_same, survive};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    survive!(bytes => PublicKey<'_>, KeyAgreementKey<'_>);
    if let Ok(data) = AuthenticatorData::parse(bytes) {
        assert_eq!(data.flags_byte(), bytes[32]);
        let mut buffer = vec![0; ROOM];
        let again = data.encode(&mut buffer).expect("it was shorter before");
        assert_same(&data, AuthenticatorData::parse(again), again);
    }
});
