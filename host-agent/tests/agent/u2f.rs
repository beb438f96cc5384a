//! Tokens that speak U2F alone.

mod at_work;

use keysteward_core::{
    crypto::{Crypto as _, RustCrypto},
    webauthn::{attestation::AttestationObject, authenticator_data::AuthenticatorData},
};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{device::TouchPolicy, manufacture::Profile};
use proto::{progress::Kind, step::Verb, step_error::Code, step_result::Result as Answer};
use rand_core::OsRng;

use crate::harness::{Host, Key, Lease, PIN, RP, USER, set_pin};

/// What such a token can be asked for.
fn registration() -> proto::MakeCredential {
    proto::MakeCredential {
        rp_id: RP.to_owned(),
        client_data_hash: vec![5; 32],
        user_id: USER.to_vec(),
        user_name: "alice".to_owned(),
        algorithms: vec![-8, -7],
        ..proto::MakeCredential::default()
    }
}

async fn register(lease: &mut Lease, step: &str) -> proto::CredentialMade {
    let verb = Verb::MakeCredential(registration());
    match lease.step(step, verb).await.unwrap() {
        Answer::CredentialMade(made) => made,
        other => panic!("{other:?}"),
    }
}

fn key_on(host: &Host) -> Key {
    Key::of_profile(host.folder.path(), Some("KS-1"), Profile::U2fOnly)
}

#[tokio::test]
async fn a_credential_is_made_as_browsers_make_it_and_proved() {
    let host = Host::new().await;
    let _key = key_on(&host);
    let mut lease = host.lease().await;
    let made = register(&mut lease, "make").await;

    let object = AttestationObject::parse(&made.attestation_object).unwrap();
    assert_eq!(object.fmt, "fido-u2f");
    let data = AuthenticatorData::parse(object.auth_data).unwrap();
    assert_eq!(data.rp_id_hash, &RustCrypto(OsRng).sha256(&[RP.as_bytes()]));
    let credential = data.attested_credential.unwrap();
    assert_eq!(credential.credential_id, made.credential_id);
    assert_eq!(*credential.aaguid, [0; 16]);

    let prove = Verb::ProveCredential(proto::ProveCredential {
        rp_id: RP.to_owned(),
        credential_id: made.credential_id,
        client_data_hash: vec![6; 32],
        ..proto::ProveCredential::default()
    });
    let Answer::AssertionMade(proof) = lease.step("prove", prove).await.unwrap() else {
        panic!("not proved");
    };
    let signed: [&[u8]; 2] = [&proof.authenticator_data, &[6; 32]];
    let _verified = credential
        .public_key
        .verify(&RustCrypto(OsRng), &signed, &proof.signature)
        .unwrap();
}

#[tokio::test]
async fn credentials_are_looked_for_without_a_touch() {
    let host = Host::new().await;
    let key = key_on(&host);
    let mut lease = host.lease().await;
    let made = register(&mut lease, "make").await;
    key.device.set_touch_policy(TouchPolicy::Never);
    let look = |rp_id: &str| {
        Verb::LookForCredentials(proto::LookForCredentials {
            rp_id: rp_id.to_owned(),
            credential_ids: vec![vec![9; 64], made.credential_id.clone(), vec![9; 300]],
        })
    };
    for (rp_id, found) in [
        (RP, vec![made.credential_id.clone()]),
        ("other.example.com", vec![]),
    ] {
        let credential_ids = found;
        let expected = Answer::FoundCredentials(proto::FoundCredentials { credential_ids });
        assert_eq!(lease.step("", look(rp_id)).await, Ok(expected), "{rp_id}");
    }
}

#[tokio::test]
async fn a_touch_is_asked_for_and_not_waited_for_in_vain() {
    let host = Host::new().await;
    let key = key_on(&host);
    key.device.set_touch_policy(TouchPolicy::Never);
    let mut lease = host.lease().await;
    let verb = Verb::MakeCredential(registration());
    lease.begin_within("make", verb, 1_000).await;
    lease.hears(Kind::TouchNeeded).await;
    let late = lease.done().await.unwrap_err();
    assert_eq!(late.code(), Code::TouchTimeout, "{late:?}");
    key.device.set_touch_policy(TouchPolicy::Always);
    register(&mut lease, "make-again").await;
}

#[tokio::test]
async fn a_credential_that_is_there_is_excluded() {
    let host = Host::new().await;
    let _key = key_on(&host);
    let mut lease = host.lease().await;
    let made = register(&mut lease, "make").await;
    let again = Verb::MakeCredential(proto::MakeCredential {
        exclude_credential_ids: vec![made.credential_id],
        ..registration()
    });
    let refused = lease.step("again", again).await.unwrap_err();
    assert_eq!(refused.code(), Code::CredentialExcluded);
}

#[tokio::test]
async fn what_u2f_does_not_have_is_refused_by_name() {
    let host = Host::new().await;
    let _key = key_on(&host);
    let mut lease = host.lease().await;
    for (field, wanted) in [
        (
            "resident_key",
            proto::MakeCredential {
                resident_key: true,
                ..registration()
            },
        ),
        (
            "pin",
            proto::MakeCredential {
                pin: PIN.to_owned(),
                ..registration()
            },
        ),
        (
            "hmac_secret",
            proto::MakeCredential {
                hmac_secret: true,
                ..registration()
            },
        ),
    ] {
        let refused = lease
            .step(field, Verb::MakeCredential(wanted))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::NotSupported, "{refused:?}");
        assert_eq!(refused.field, field);
        assert!(refused.message.contains("U2F alone"), "{}", refused.message);
    }
    let eddsa = proto::MakeCredential {
        algorithms: vec![-8],
        ..registration()
    };
    let refused = lease
        .step("eddsa", Verb::MakeCredential(eddsa))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::NotSupported);
    assert!(lease.step("set-pin", set_pin(PIN)).await.is_err());
}
