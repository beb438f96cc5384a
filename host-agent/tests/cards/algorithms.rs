//! Keys and admin keys of each kind.

use keysteward_core::iso7816::Status;
use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, step_error::Code, step_result::Result as Outcome};

use crate::{
    host::{Host, Lease},
    piv::{CardKey, GUID, PIN, factory, generate},
    reader::Card,
};

crate::stories! {
    keys_on_curves_sign_their_requests_and_take_their_certificates
    long_rsa_keys_of_piv_sign_their_requests_and_take_their_certificates
    long_rsa_keys_of_gids_sign_their_requests_and_take_their_certificates
    a_card_that_does_not_know_an_algorithm_is_told_by_name
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

/// A card's key makes a signature, takes its certificate, and both are found again.
async fn proves_itself(lease: &mut Lease, at: &str, container: &str, pin: &str, key: &CardKey) {
    let sign = Verb::SignCertificationRequest(proto::SignCertificationRequest {
        pin: pin.to_owned(),
        container: container.to_owned(),
        certification_request_info: key.info(),
        signature_algorithm: "rsa-pkcs1-sha256".to_owned(),
    });
    match lease.step(&format!("{at} sign"), sign).await {
        Ok(Outcome::RequestSigned(signed)) => assert!(key.accepts(signed.signature), "{at}"),
        other => panic!("{at}: {other:?}"),
    }
    let certificate = key.certificate();
    let write = Verb::WriteCertificate(proto::WriteCertificate {
        admin: factory(),
        // PIV's admin key writes, GIDS's user does.
        pin: pin.to_owned(),
        container: container.to_owned(),
        certificate: certificate.clone(),
        ..proto::WriteCertificate::default()
    });
    lease.step(&format!("{at} write"), write).await.unwrap();
    let seen = lease.inspect().await.containers;
    let found = seen.iter().find(|one| one.name == container).unwrap();
    assert_eq!((&*found.algorithm, &found.certificate), (at, &certificate));
}

async fn made(lease: &mut Lease, at: &str, verb: Verb) -> CardKey {
    match lease.step(&format!("{at} generate"), verb).await {
        Ok(Outcome::KeyGenerated(made)) => CardKey::new(&made.public_key, &rcgen::PKCS_RSA_SHA256),
        other => panic!("{at}: {other:?}"),
    }
}

async fn long_rsa_keys_of_piv_sign_their_requests_and_take_their_certificates() {
    let (_card, host) = (Card::piv_with_long_keys(), Host::new().await);
    let mut lease = host.lease().await;
    for (container, algorithm) in [("9a", "rsa3072"), ("9c", "rsa4096")] {
        let generate = generate(container, algorithm);
        let key = made(&mut lease, algorithm, generate).await;
        proves_itself(&mut lease, algorithm, container, PIN, &key).await;
    }
}

async fn long_rsa_keys_of_gids_sign_their_requests_and_take_their_certificates() {
    const GIDS_PIN: &str = "4711";
    let (_card, host) = (Card::gids_with_long_keys(), Host::new().await);
    let mut lease = host.lease().await;
    let initialise = Verb::Personalise(proto::Personalise {
        admin: None,
        card_id: GUID.to_vec(),
        new_pin: GIDS_PIN.to_owned(),
        new_admin_key: b"keysteward admin key 3ds".to_vec(),
    });
    lease.step("initialise", initialise).await.unwrap();
    for (container, algorithm) in [("0", "rsa3072"), ("1", "rsa4096")] {
        let generate = Verb::GenerateKey(proto::GenerateKey {
            pin: GIDS_PIN.to_owned(),
            container: container.to_owned(),
            algorithm: algorithm.to_owned(),
            ..proto::GenerateKey::default()
        });
        let key = made(&mut lease, algorithm, generate).await;
        proves_itself(&mut lease, algorithm, container, GIDS_PIN, &key).await;
    }
}

async fn a_card_that_does_not_know_an_algorithm_is_told_by_name() {
    const GENERATE: u8 = 0x47;
    let host = Host::new().await;
    for (says, code) in [
        (Status::IncorrectData, Code::NotSupported),
        (Status::IncorrectP1P2, Code::NotSupported),
        (Status::FunctionNotSupported, Code::NotSupported),
        (Status::ConditionsNotSatisfied, Code::Refused),
    ] {
        // Of Yubico's older keys: RSA-4096, whose number is 16, is none of theirs.
        let card = Card::piv_that(Box::new(move |command| {
            let is_long = command.data.ends_with(&[0x80, 0x01, 0x16]);
            (command.ins == GENERATE && is_long).then_some((Vec::new(), says))
        }));
        let mut lease = host.lease().await;
        let long = generate("9a", "rsa4096");
        let refused = lease.step(&format!("{says} long"), long).await.unwrap_err();
        assert_eq!((refused.code(), refused.changed), (code, false), "{says}");
        let is_named = refused.message.contains("rsa4096");
        assert_eq!(is_named, code == Code::NotSupported, "{refused:?}");
        let short = generate("9a", "p256");
        lease.step(&format!("{says} short"), short).await.unwrap();
        drop(lease);
        let presence_id = host.card().await.presence_id;
        card.take_away();
        host.gone(&presence_id).await;
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
