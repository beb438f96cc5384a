//! The life of a GIDS card: initialised, a key, a request, a certificate, unblocked offline.

use keysteward_core::admin_key::{AdminKey as _, Cipher, LocalAdminKey};
use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, outcome::State, step_error::Code, step_result::Result as Outcome};

use crate::{
    cut_off::cut,
    host::{Host, Lease},
    piv::CardKey,
    reader::{Card, Moment},
};

crate::stories! {
    a_card_is_initialised_certified_and_reset
    a_reset_that_was_cut_off_says_what_it_knows_and_is_done_again
    a_forgotten_pin_is_unblocked_by_somebody_elsewhere
}

const PIN: &str = "4711";
const KEY: [u8; 24] = *b"keysteward admin key 3ds";
const CARD_ID: [u8; 16] = *b"keysteward-gids!";
/// What a reset leaves the card with.
const NEXT_ID: [u8; 16] = *b"another-gids-id!";
const NEXT_PIN: &str = "0815";

const PUT_DATA: u8 = 0xDB;
const RESET_RETRY_COUNTER: u8 = 0x2C;

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

fn reset() -> Verb {
    Verb::ResetCard(proto::ResetCard {
        admin: admin(),
        new_pin: NEXT_PIN.to_owned(),
        card_id: NEXT_ID.to_vec(),
    })
}

fn block() -> Verb {
    Verb::BlockCardPin(proto::BlockCardPin {
        reference: proto::PinReference::Pin.into(),
    })
}

/// Through a change of it to itself, which costs nothing where it is right.
async fn has_pin(lease: &mut Lease, step: &str, pin: &str) {
    let change = Verb::ChangeCardPin(proto::ChangeCardPin {
        reference: proto::PinReference::Pin.into(),
        current_pin: pin.to_owned(),
        new_pin: pin.to_owned(),
    });
    lease.step(step, change).await.unwrap();
}

fn generate(container: &str) -> Verb {
    Verb::GenerateKey(proto::GenerateKey {
        pin: PIN.to_owned(),
        container: container.to_owned(),
        algorithm: "rsa2048".to_owned(),
        ..proto::GenerateKey::default()
    })
}

async fn a_card_is_initialised_certified_and_reset() {
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

    lease.step("block", block()).await.unwrap();
    let bare = Verb::ResetCard(proto::ResetCard {
        admin: admin(),
        ..proto::ResetCard::default()
    });
    let bare = lease.step("bare", bare).await.unwrap_err();
    assert_eq!(
        (bare.code(), &*bare.field, bare.changed),
        (Code::InvalidRequest, "new_pin", false)
    );
    let short = Verb::ResetCard(proto::ResetCard {
        admin: admin(),
        new_pin: NEXT_PIN.to_owned(),
        card_id: vec![1; 15],
    });
    let short = lease.step("short", short).await.unwrap_err();
    assert_eq!(
        (short.code(), &*short.field),
        (Code::InvalidRequest, "card_id")
    );
    let presence_id = host.card().await.presence_id;
    lease.step("reset", reset()).await.unwrap();
    // The token that it was, under another name, in the list and in the lease.
    let listed = host.card().await;
    assert_eq!(listed.presence_id, presence_id);
    assert_eq!(listed.card.unwrap().gids.unwrap().card_id, NEXT_ID);
    let seen = lease.inspect().await;
    assert_eq!(seen.containers, []);
    let gids = seen.facts.unwrap().gids.unwrap();
    assert_eq!(gids.card_id, NEXT_ID);
    assert!(gids.containers_freshness > counted.containers_freshness);
    let pin = gids.pin.unwrap();
    assert_eq!(pin.tries_left, pin.tries);
    has_pin(&mut lease, "next PIN", NEXT_PIN).await;
    // The admin key is as before, and opens the card for whoever has it next.
    let change = Verb::ChangeAdminKey(proto::ChangeAdminKey {
        current: admin(),
        new_algorithm: "3des".to_owned(),
        new_key: b"the key of its next life".to_vec(),
    });
    lease.step("key", change).await.unwrap();
    let refused = lease.step("reset 2", reset()).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.changed),
        (Code::AdminKeyWrong, false)
    );
}

async fn a_reset_that_was_cut_off_says_what_it_knows_and_is_done_again() {
    use Moment::{After, Before};
    let (card, host) = (Card::gids(), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("initialise", initialise()).await.unwrap();
    lease.step("generate", generate("0")).await.unwrap();

    let at = (PUT_DATA, Before);
    let outcome = cut(&host, &card, &mut lease, ("r0", reset()), at).await;
    assert_eq!(outcome.state(), State::Failed, "{outcome:?}");
    assert_eq!(lease.inspect().await.containers.len(), 1);
    let at = (PUT_DATA, After);
    let outcome = cut(&host, &card, &mut lease, ("r1", reset()), at).await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert!(
        outcome.explanation.contains("reset it again"),
        "{outcome:?}"
    );

    // The PIN had all its tries, and nothing shows that it is another one now.
    let at = (RESET_RETRY_COUNTER, After);
    let outcome = cut(&host, &card, &mut lease, ("r2", reset()), at).await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    assert!(outcome.explanation.contains("PIN"), "{outcome:?}");
    let listed = host.card().await;
    assert_eq!(listed.card.unwrap().gids.unwrap().card_id, NEXT_ID);

    lease.step("block", block()).await.unwrap();
    let at = (RESET_RETRY_COUNTER, Before);
    let outcome = cut(&host, &card, &mut lease, ("r3", reset()), at).await;
    assert_eq!(outcome.state(), State::Unknown, "{outcome:?}");
    let at = (RESET_RETRY_COUNTER, After);
    let outcome = cut(&host, &card, &mut lease, ("r4", reset()), at).await;
    assert_eq!(outcome.state(), State::Done, "{outcome:?}");
    has_pin(&mut lease, "next PIN", NEXT_PIN).await;

    lease.step("r5", reset()).await.unwrap();
    assert_eq!(lease.inspect().await.containers, []);
    let again = lease.step("r4", reset()).await;
    assert_eq!(again, Ok(Outcome::Done(proto::Done {})));
}

async fn a_forgotten_pin_is_unblocked_by_somebody_elsewhere() {
    let (_card, host) = (Card::gids(), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("initialise", initialise()).await.unwrap();
    lease.step("block", block()).await.unwrap();
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
