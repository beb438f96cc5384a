//! Admin keys that the caller keeps: it is asked, and answers rightly, wrongly, late, or never.

use std::time::Duration;

use keysteward_core::admin_key::{Cipher, LocalAdminKey};
use keysteward_proto::agent::v1 as proto;
use proto::{
    card_lease_request::Request as Asked, card_lease_response::Response as Said, card_step::Verb,
    outcome::State, step_error::Code, step_result::Result as Outcome,
};

use crate::{
    host::Host,
    piv::{GUID, factory},
    reader::Card,
};

crate::stories! {
    the_caller_proves_the_key_and_never_shows_it
    a_wrong_answer_opens_nothing
    a_caller_that_says_nothing_is_not_waited_for_for_ever
    the_key_that_opens_the_card_is_found
}

fn asking() -> Option<proto::AdminProof> {
    Some(proto::AdminProof {
        asks_caller: true,
        ..proto::AdminProof::default()
    })
}

fn personalise() -> Verb {
    Verb::Personalise(proto::Personalise {
        admin: asking(),
        card_id: GUID.to_vec(),
        ..proto::Personalise::default()
    })
}

fn key(byte: u8) -> LocalAdminKey {
    LocalAdminKey::new(Cipher::Aes192, &[byte; 24]).unwrap()
}

async fn the_caller_proves_the_key_and_never_shows_it() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease.admin_key = Some(LocalAdminKey::new(Cipher::Aes192, &factory().unwrap().key).unwrap());
    lease.step("personalise", personalise()).await.unwrap();
    assert_eq!(lease.challenges, 1);
    let seen = lease.inspect().await;
    assert_eq!(seen.facts.unwrap().piv.unwrap().guid, GUID);
    let change = Verb::ChangeAdminKey(proto::ChangeAdminKey {
        current: asking(),
        new_algorithm: "aes192".to_owned(),
        new_key: vec![9; 24],
    });
    lease.step("change", change).await.unwrap();
    let old = lease.step("old", personalise()).await.unwrap_err();
    assert_eq!((old.code(), old.changed), (Code::AdminKeyWrong, false));
    lease.admin_key = Some(key(9));
    lease.step("new", personalise()).await.unwrap();
}

async fn a_wrong_answer_opens_nothing() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease.admin_key = Some(key(1));
    let wrong = lease.step("wrong", personalise()).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.changed), (Code::AdminKeyWrong, false));
    lease.admin_key = None;
    lease.begin("short", personalise(), 0).await;
    let Said::AdminChallenge(asked) = lease.answer().await else {
        panic!();
    };
    assert_eq!((&*asked.algorithm, asked.witness.len()), ("aes192", 16));
    lease
        .send(Asked::AdminAnswer(proto::AdminAnswer {
            witness: vec![1],
            challenge: vec![],
        }))
        .await;
    let short = lease.done().await.unwrap_err();
    assert_eq!(short.code(), Code::InvalidRequest);
    assert_eq!(short.field, "admin_answer.witness");
    assert_eq!(host.outcome("short").await.state(), State::Failed);
    lease.begin("none", personalise(), 0).await;
    assert!(matches!(lease.answer().await, Said::AdminChallenge(_)));
    lease
        .send(Asked::AdminAnswer(proto::AdminAnswer::default()))
        .await;
    let none = lease.done().await.unwrap_err();
    assert_eq!((none.code(), none.changed), (Code::AdminKeyWrong, false));
    assert!(none.message.contains("aes192"), "{none:?}");
}

async fn a_caller_that_says_nothing_is_not_waited_for_for_ever() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease.begin("never", personalise(), 1_500).await;
    assert!(matches!(lease.answer().await, Said::AdminChallenge(_)));
    let never = lease.done().await.unwrap_err();
    assert_eq!((never.code(), never.changed), (Code::CallerSilent, false));
    // What comes too late is for nobody; the next step asks anew.
    lease
        .send(Asked::AdminAnswer(proto::AdminAnswer {
            witness: vec![1; 16],
            challenge: vec![1; 16],
        }))
        .await;
    lease.admin_key = Some(LocalAdminKey::new(Cipher::Aes192, &factory().unwrap().key).unwrap());
    lease.step("then", personalise()).await.unwrap();
    // A caller that gives up instead of answering.
    lease.admin_key = None;
    lease.begin("cancelled", personalise(), 0).await;
    assert!(matches!(lease.answer().await, Said::AdminChallenge(_)));
    lease.send(Asked::Cancel(proto::Cancel {})).await;
    let cancelled = lease.done().await.unwrap_err();
    assert_eq!(cancelled.code(), Code::Cancelled);
    // And one that goes.
    lease.begin("gone", personalise(), 0).await;
    assert!(matches!(lease.answer().await, Said::AdminChallenge(_)));
    let presence_id = host.card().await.presence_id;
    drop(lease);
    let next = host.lease_of(&presence_id, Duration::from_secs(10)).await;
    assert!(next.is_ok(), "{:?}", next.err());
    assert_eq!(host.settled("gone").await.state(), State::Failed);
}

async fn the_key_that_opens_the_card_is_found() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    let given = |bytes: Vec<u8>| proto::AdminProof {
        key: bytes,
        ..proto::AdminProof::default()
    };
    let factory = factory().unwrap();
    for (candidates, expected) in [
        (vec![given(vec![7; 24]), factory.clone()], Some(1)),
        (vec![factory.clone(), given(vec![7; 24])], Some(0)),
        (vec![given(vec![7; 24]), given(vec![8; 32])], None),
    ] {
        let verb = Verb::TryAdminKeys(proto::TryAdminKeys { candidates });
        match lease.step("", verb).await {
            Ok(Outcome::AdminKeyFound(found)) => assert_eq!(found.candidate, expected),
            other => panic!("{other:?}"),
        }
    }
}
