//! Keys and admin keys of each kind.

use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, step_result::Result as Outcome};

use crate::{
    host::Host,
    piv::{CardKey, GUID, PIN, factory, generate},
    reader::Card,
};

crate::stories! {
    keys_on_curves_sign_their_requests_and_take_their_certificates
    admin_keys_of_each_cipher_follow_each_other
}

async fn keys_on_curves_sign_their_requests_and_take_their_certificates() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    for (container, algorithm, signature, kind) in [
        ("9a", "p384", "ecdsa-sha384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("9e", "ed25519", "ed25519", &rcgen::PKCS_ED25519),
    ] {
        let step = |verb: &str| format!("{verb} {algorithm}");
        let made = lease
            .step(&step("generate"), generate(container, algorithm))
            .await;
        let Ok(Outcome::KeyGenerated(made)) = made else {
            panic!("{algorithm}: {made:?}")
        };
        let key = CardKey::new(&made.public_key, kind);
        let sign = Verb::SignCertificationRequest(proto::SignCertificationRequest {
            pin: PIN.to_owned(),
            container: container.to_owned(),
            certification_request_info: key.info(),
            signature_algorithm: signature.to_owned(),
        });
        match lease.step(&step("sign"), sign).await {
            Ok(Outcome::RequestSigned(signed)) => {
                assert!(key.accepts(signed.signature), "{algorithm}");
            }
            other => panic!("{algorithm}: {other:?}"),
        }
        let certificate = key.certificate();
        let write = Verb::WriteCertificate(proto::WriteCertificate {
            admin: factory(),
            container: container.to_owned(),
            certificate: certificate.clone(),
            ..proto::WriteCertificate::default()
        });
        lease.step(&step("write"), write).await.unwrap();
        let seen = lease.inspect().await;
        let found = seen.containers.iter().find(|one| one.name == container);
        let found = found.unwrap();
        assert_eq!(found.algorithm, algorithm);
        assert_eq!(found.certificate, certificate);
    }
}

async fn admin_keys_of_each_cipher_follow_each_other() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    let mut current = factory();
    for (cipher, key) in [
        ("3des", [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA].repeat(4)),
        ("aes256", vec![0x25; 32]),
        ("aes128", vec![0x12; 16]),
        ("aes192", vec![0x19; 24]),
    ] {
        let change = Verb::ChangeAdminKey(proto::ChangeAdminKey {
            current: current.clone(),
            new_algorithm: cipher.to_owned(),
            new_key: key.clone(),
        });
        lease.step(cipher, change).await.unwrap();
        let seen = lease.inspect().await;
        let piv = seen.facts.unwrap().piv.unwrap();
        assert_eq!(piv.admin_algorithm, cipher);
        let next = Some(proto::AdminProof {
            key,
            ..proto::AdminProof::default()
        });
        let candidates = [current, next.clone()].into_iter().flatten().collect();
        let verb = Verb::TryAdminKeys(proto::TryAdminKeys { candidates });
        match lease.step("", verb).await {
            Ok(Outcome::AdminKeyFound(found)) => assert_eq!(found.candidate, Some(1), "{cipher}"),
            other => panic!("{cipher}: {other:?}"),
        }
        current = next;
    }
    let opens = Verb::Personalise(proto::Personalise {
        admin: current,
        card_id: GUID.to_vec(),
        ..proto::Personalise::default()
    });
    lease.step("personalise", opens).await.unwrap();
}
