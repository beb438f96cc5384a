//! The life of a GIDS card: initialised, a key, a request, a certificate, unblocked offline.

use keysteward_core::admin_key::{AdminKey as _, Cipher, LocalAdminKey};
use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, step_error::Code, step_result::Result as Outcome};

use crate::{host::Host, piv::CardKey, reader::Card};

crate::stories! {
    a_card_is_initialised_certified_and_emptied
    a_forgotten_pin_is_unblocked_by_somebody_elsewhere
}

const PIN: &str = "4711";
const KEY: [u8; 24] = *b"keysteward admin key 3ds";
const CARD_ID: [u8; 16] = *b"keysteward-gids!";

fn initialise() -> Verb {
    Verb::Personalise(proto::Personalise {
        admin: None,
        card_id: CARD_ID.to_vec(),
        new_pin: PIN.to_owned(),
        new_admin_key: KEY.to_vec(),
    })
}

fn admin() -> Option<proto::AdminProof> {
    Some(proto::AdminProof {
        key: KEY.to_vec(),
        ..proto::AdminProof::default()
    })
}

fn generate(container: &str) -> Verb {
    Verb::GenerateKey(proto::GenerateKey {
        pin: PIN.to_owned(),
        container: container.to_owned(),
        algorithm: "rsa2048".to_owned(),
        ..proto::GenerateKey::default()
    })
}

async fn a_card_is_initialised_certified_and_emptied() {
    let (_card, host) = (Card::gids(), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("initialise", initialise()).await.unwrap();
    let seen = lease.inspect().await;
    let gids = seen.facts.unwrap().gids.unwrap();
    assert_eq!(gids.card_id, CARD_ID);
    let listed = host.card().await;
    assert_eq!(listed.product, "KS-TOKEN");
    assert_eq!(listed.card.unwrap().gids.unwrap().card_id, CARD_ID);
    let twice = lease.step("twice", initialise()).await.unwrap_err();
    assert_eq!(twice.code(), Code::NotSupported, "{twice:?}");

    let far = lease.step("far", generate("5")).await.unwrap_err();
    assert_eq!(
        (far.code(), &*far.field),
        (Code::InvalidRequest, "container")
    );
    let made = match lease.step("generate", generate("0")).await {
        Ok(Outcome::KeyGenerated(made)) => made.public_key,
        other => panic!("{other:?}"),
    };
    let key = CardKey::new(&made, &rcgen::PKCS_RSA_SHA256);
    let sign = Verb::SignCertificationRequest(proto::SignCertificationRequest {
        pin: PIN.to_owned(),
        container: "0".to_owned(),
        certification_request_info: key.info(),
        signature_algorithm: "rsa-pkcs1-sha256".to_owned(),
    });
    match lease.step("sign", sign).await {
        Ok(Outcome::RequestSigned(signed)) => assert!(key.accepts(signed.signature)),
        other => panic!("{other:?}"),
    }
    let certificate = key.certificate();
    let write = |guid: &[u8]| {
        Verb::WriteCertificate(proto::WriteCertificate {
            admin: None,
            pin: PIN.to_owned(),
            container: "0".to_owned(),
            certificate: certificate.clone(),
            is_default: true,
            guid: guid.to_vec(),
        })
    };
    let named = lease.step("name", write(&[1; 16])).await.unwrap_err();
    assert_eq!(
        (named.code(), &*named.field),
        (Code::InvalidRequest, "guid")
    );
    lease.step("write", write(&[])).await.unwrap();
    let seen = lease.inspect().await;
    assert_eq!(seen.containers[0].certificate, certificate);
    assert_eq!(seen.containers[0].public_key, made);
    let counted = seen.facts.unwrap().gids.unwrap();
    assert!(counted.files_freshness > gids.files_freshness);
    assert!(counted.containers_freshness > gids.containers_freshness);

    let reset = Verb::ResetCard(proto::ResetCard { admin: admin() });
    lease.step("reset", reset).await.unwrap();
    assert_eq!(lease.inspect().await.containers, []);
}

async fn a_forgotten_pin_is_unblocked_by_somebody_elsewhere() {
    let (_card, host) = (Card::gids(), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("initialise", initialise()).await.unwrap();
    let block = Verb::BlockCardPin(proto::BlockCardPin {
        reference: proto::PinReference::Pin.into(),
    });
    lease.step("block", block).await.unwrap();
    let give = || Verb::GiveChallenge(proto::GiveChallenge {});
    let answer = |response: &[u8]| {
        Verb::AnswerChallenge(proto::AnswerChallenge {
            response: response.to_vec(),
            new_pin: "8080".to_owned(),
        })
    };
    let challenge = match lease.step("", give()).await {
        Ok(Outcome::ChallengeGiven(given)) => given.challenge,
        other => panic!("{other:?}"),
    };
    let wrong = lease.step("wrong", answer(&[0; 8])).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.changed), (Code::AdminKeyWrong, false));
    let challenge = match lease.step("", give()).await {
        Ok(Outcome::ChallengeGiven(given)) if given.challenge != challenge => given.challenge,
        other => panic!("{other:?}"),
    };
    let mut key = LocalAdminKey::new(Cipher::TripleDes, &KEY).unwrap();
    let response = key.answer(Cipher::TripleDes, &[], &challenge).unwrap();
    lease
        .step("answer", answer(&response.challenge))
        .await
        .unwrap();
    let change = Verb::ChangeCardPin(proto::ChangeCardPin {
        reference: proto::PinReference::Pin.into(),
        current_pin: "8080".to_owned(),
        new_pin: PIN.to_owned(),
    });
    lease.step("change", change).await.unwrap();
    // By authority, with the key that comes along.
    let set = Verb::SetCardPin(proto::SetCardPin {
        new_pin: "9090".to_owned(),
        puk: String::new(),
        admin: admin(),
    });
    lease.step("set", set).await.unwrap();
    // A challenge of another lease is dead.
    lease.step("", give()).await.unwrap();
    drop(lease);
    let mut lease = host.lease().await;
    let dead = lease.step("dead", answer(&[0; 8])).await.unwrap_err();
    assert_eq!(dead.code(), Code::InvalidRequest, "{dead:?}");
}
