#![no_main]

use jiff::Timestamp;
use keysteward_fuzz::Script;
use keysteward_fuzz::attestation::{
    Expected, Metadata, Proof, Refusal, Root, Signer, Stale, Trust, Unrooted, VerifiedAttestation,
    verify,
};
use libfuzzer_sys::fuzz_target;

// X.509 as the server reads and checks it: attestation objects with their certificates, roots in
// PEM, FIDO metadata. What is proven to a root is not proven without that root, nor for another
// challenge.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let flags = script.byte().unwrap_or(0);
    let seconds = std::array::from_fn(|_| script.byte().unwrap_or(0));
    let now = Timestamp::from_second(u32::from_be_bytes(seconds).into()).expect("below 2106");
    let rp_id = String::from_utf8_lossy(script.rest_of_step()).into_owned();
    let hash = script.rest_of_step();
    let mut client_data_hash = [0; 32];
    for (to, from) in client_data_hash.iter_mut().zip(hash) {
        *to = *from;
    }
    let pem = script.rest_of_step();
    let object = script.rest();

    let roots = Root::read_pem(pem).unwrap_or_default();
    let unrooted = Unrooted {
        none: flags & 1 == 1,
        itself: flags & 2 == 2,
    };
    let rootless = Trust::new::<&str>(&[], unrooted).expect("no root to read");
    let trust = rootless.clone().with_roots(&roots);
    let expected = Expected {
        rp_id: &rp_id,
        user_verified: flags & 4 == 4,
        algorithms: &[-7, -8, -35, -36, -257],
        aaguids: &[],
        template_aaguids: &[],
        blocked_aaguids: &[],
        serial: (flags & 8 == 8).then_some("KS-0001"),
        one_device: false,
    };
    let proven = |hash: &[u8; 32], trust: &Trust| verify(object, hash, &expected, trust, now);
    let outcome = proven(&client_data_hash, &trust);
    shown(&outcome);
    if let Ok(verified) = &outcome {
        assert!((1..=1023).contains(&verified.credential_id().len()));
        if let Proof::Root { subject } = verified.proof() {
            assert!(roots.iter().any(|root| root.subject() == subject));
            let refused = proven(&client_data_hash, &rootless);
            assert!(refused.is_err(), "{refused:?} without a root");
        }
        if *verified.proof() != Proof::Nothing {
            let mut other = client_data_hash;
            other[31] ^= 1;
            let refused = proven(&other, &trust);
            assert!(refused.is_err(), "{refused:?} for another challenge");
        }
    }
    if flags & 16 == 16 {
        let signer = Signer {
            roots: &roots,
            name: "mds.fidoalliance.org",
        };
        let metadata = Metadata::read(object, signer, Stale::Warn, now);
        assert!(metadata.is_err(), "the FIDO Alliance signed this");
    }
});

/// What people are told can be told of everything.
fn shown(outcome: &Result<VerifiedAttestation, Refusal>) {
    let text = match outcome {
        Ok(verified) => verified.to_string(),
        Err(refusal) => refusal.to_string(),
    };
    assert!(!text.is_empty());
}
