//! The life of a GIDS card: initialised, a key, a request, a certificate, unblocked offline.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use keysteward_core::{
    admin_key::{AdminKey as _, Cipher, LocalAdminKey},
    gids::select::Protocols,
    iso7816::Status,
};
use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, outcome::State, step_error::Code, step_result::Result as Outcome};

use crate::{
    cut_off::cut,
    host::{Host, Lease},
    piv::CardKey,
    reader::{Answers, Card, Moment},
};

crate::stories! {
    a_card_is_initialised_certified_and_reset
    a_reset_that_was_cut_off_says_what_it_knows_and_is_done_again
    a_forgotten_pin_is_unblocked_by_somebody_elsewhere
    a_new_admin_key_comes_after_both_have_shown_the_old_one
    a_card_without_the_admin_key_hears_of_no_other
}

const PIN: &str = "4711";
const KEY: [u8; 24] = *b"keysteward admin key 3ds";
const CARD_ID: [u8; 16] = *b"keysteward-gids!";
/// What a reset leaves the card with.
const NEXT_ID: [u8; 16] = *b"another-gids-id!";
const NEXT_PIN: &str = "0815";

const PUT_DATA: u8 = 0xDB;
const RESET_RETRY_COUNTER: u8 = 0x2C;
const GENERAL_AUTHENTICATE: u8 = 0x87;

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

/// Under the key that the caller keeps.
fn change_admin_key() -> Verb {
    Verb::ChangeAdminKey(proto::ChangeAdminKey {
        current: Some(proto::AdminProof {
            asks_caller: true,
            ..proto::AdminProof::default()
        }),
        new_algorithm: "3des".to_owned(),
        new_key: b"the key of its next life".to_vec(),
    })
}

async fn a_new_admin_key_comes_after_both_have_shown_the_old_one() {
    let host = Host::new().await;
    // Five blocks each way; or the one that a card asks for which does not prove itself.
    for (protocols, blocks) in [
        (Protocols::BOTH, 10),
        (Protocols::MUTUAL, 10),
        (Protocols::EXTERNAL, 1),
    ] {
        let card = Card::gids_with(protocols);
        let mut lease = host.lease().await;
        let step = |name: &str| format!("{protocols:?} {name}");
        lease.step(&step("initialise"), initialise()).await.unwrap();
        lease.admin_key = Some(LocalAdminKey::new(Cipher::TripleDes, &KEY).unwrap());
        lease
            .step(&step("change"), change_admin_key())
            .await
            .unwrap();
        assert_eq!(lease.challenges, blocks, "{protocols:?}");
        let again = lease.step(&step("again"), change_admin_key()).await;
        let again = again.unwrap_err();
        assert_eq!((again.code(), again.changed), (Code::AdminKeyWrong, false));
        drop(lease);
        let presence_id = host.card().await.presence_id;
        card.take_away();
        host.gone(&presence_id).await;
    }
}

/// Takes any proof of the admin key for one, once it is told to.
fn impostor(begins: Arc<AtomicBool>) -> Answers {
    Box::new(move |command| {
        if command.ins != GENERAL_AUTHENTICATE || !begins.load(Ordering::Relaxed) {
            return None;
        }
        let answer = match command.data {
            // A random number for one, and a cryptogram for another.
            [0x7C, _, 0x81, 0x10, ..] => [&[0x7C, 0x12, 0x81, 0x10][..], &[0x5A; 16]].concat(),
            _ => [&[0x7C, 0x2A, 0x82, 0x28][..], &[0x5A; 40]].concat(),
        };
        Some((answer, Status::Success))
    })
}

async fn a_card_without_the_admin_key_hears_of_no_other() {
    let begins = Arc::new(AtomicBool::new(false));
    let (card, host) = (
        Card::gids_that(impostor(Arc::clone(&begins))),
        Host::new().await,
    );
    let mut lease = host.lease().await;
    lease.step("initialise", initialise()).await.unwrap();
    begins.store(true, Ordering::Relaxed);
    lease.admin_key = Some(LocalAdminKey::new(Cipher::TripleDes, &KEY).unwrap());
    card.take_headers();
    let refused = lease.step("change", change_admin_key()).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.changed),
        (Code::TokenMalformed, false),
        "{refused:?}"
    );
    let headers = card.take_headers();
    assert!(headers.iter().any(|one| one[1] == GENERAL_AUTHENTICATE));
    assert!(
        !headers.iter().any(|one| one[1] == PUT_DATA),
        "{headers:02X?}"
    );
}
