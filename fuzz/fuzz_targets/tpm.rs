#![no_main]

use keysteward_core::cbor::Parse;
use keysteward_core::webauthn::attestation::tpm::{CertInfo, PublicArea, check};
use keysteward_core::webauthn::cose::{Algorithm, PublicKey};
use keysteward_fuzz::Script;
use libfuzzer_sys::fuzz_target;

// certInfo, pubArea and a COSE key, each with its length before it. They come from the statement
// alone: nothing says that they belong together.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let [cert_info, pub_area, key] = std::array::from_fn(|_| script.rest_of_step());
    let (Ok(cert_info), Ok(pub_area)) = (CertInfo::parse(cert_info), PublicArea::parse(pub_area))
    else {
        return;
    };
    let Ok(key) = PublicKey::parse(key) else {
        return;
    };
    for alg in [-7, -257, -65535].map(Algorithm::from) {
        // No hash is known here: nothing is ever certified.
        let signed = [&b"authData"[..], &[0; 32]];
        let checked = check(&cert_info, &pub_area, alg, &key, signed, &mut |_, _| None);
        assert!(checked.is_err(), "{pub_area:?}");
    }
});
