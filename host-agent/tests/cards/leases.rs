//! One caller at a time; what the host forbids; requests that are wrong.

use std::time::{Duration, Instant};

use keysteward_agent::settings::Policy;
use keysteward_proto::agent::v1 as proto;
use proto::{
    card_lease_request::Request as Asked, card_lease_response::Response as Said, card_step::Verb,
    outcome::State, step_error::Code,
};

use crate::{
    host::{Host, SOON, key},
    piv::{PIN, factory, generate, personalise},
    reader::Card,
};

crate::stories! {
    a_card_is_one_callers
    a_caller_that_says_nothing_loses_the_card
    what_the_host_forbids_no_card_sees
    a_request_that_is_wrong_names_its_field
    raw_commands_go_as_they_are
}

async fn a_card_is_one_callers() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let lease = host.lease().await;
    let presence_id = host.card().await.presence_id;
    let busy = host.lease_of(&presence_id, Duration::ZERO).await;
    assert_eq!(busy.err().unwrap().code(), Code::TokenBusy);
    drop(lease);
    host.lease_of(&presence_id, Duration::from_secs(10))
        .await
        .map(drop)
        .unwrap();
}

async fn a_caller_that_says_nothing_loses_the_card() {
    const IDLE: Duration = Duration::from_secs(2);
    let (_card, host) = (Card::gids(), Host::with_idle(IDLE).await);
    let initialise = Verb::Personalise(proto::Personalise {
        admin: None,
        card_id: vec![1; 16],
        new_pin: "4711".to_owned(),
        new_admin_key: b"keysteward admin key 3ds".to_vec(),
    });
    let challenge = || Verb::GiveChallenge(proto::GiveChallenge {});
    let mut lease = host.lease().await;
    let presence_id = host.card().await.presence_id;
    lease.step("initialise", initialise).await.unwrap();
    lease.step("", challenge()).await.unwrap();
    let begun = Instant::now();
    let silent = lease.done().await.unwrap_err();
    assert!(begun.elapsed() >= IDLE);
    assert_eq!(silent.code(), Code::CallerSilent, "{silent:?}");
    assert!(silent.message.contains("2 seconds"), "{silent:?}");

    // The card is the next one's, and the challenge died with the lease.
    let mut lease = host.lease_of(&presence_id, SOON).await.unwrap();
    let answer = Verb::AnswerChallenge(proto::AnswerChallenge {
        response: vec![0; 8],
        new_pin: "0815".to_owned(),
    });
    let dead = lease.step("dead", answer).await.unwrap_err();
    assert_eq!(dead.code(), Code::InvalidRequest, "{dead:?}");

    // Who waits for somebody, and says so, keeps it.
    lease.step("", challenge()).await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(IDLE / 4).await;
        lease.send(Asked::Cancel(proto::Cancel {})).await;
    }
    let wrong = Verb::AnswerChallenge(proto::AnswerChallenge {
        response: vec![0; 8],
        new_pin: "0815".to_owned(),
    });
    let alive = lease.step("alive", wrong).await.unwrap_err();
    assert_eq!(alive.code(), Code::AdminKeyWrong, "{alive:?}");
}

async fn what_the_host_forbids_no_card_sees() {
    let policy = Policy {
        forbid: vec![keysteward_agent::verb::Verb::GenerateKey],
        ..Policy::default()
    };
    let (_card, host) = (Card::piv(1), Host::with_policy(policy).await);
    let mut lease = host.lease().await;
    let reset = Verb::ResetCard(proto::ResetCard::default());
    for (step, verb, setting) in [
        ("generate", generate("9a", "p256"), "policy.forbid"),
        ("reset", reset, "policy.allow_reset"),
    ] {
        let refused = lease.step(step, verb).await.unwrap_err();
        assert_eq!(refused.code(), Code::ForbiddenByHost, "{refused:?}");
        assert_eq!(refused.rule, setting);
        assert_eq!(host.outcome(step).await.state(), State::NotFound);
    }
    lease
        .send(Asked::Raw(proto::CardRaw {
            key: Some(key("raw")),
            command: vec![0, 0xA4, 4, 0],
            timeout_ms: 0,
        }))
        .await;
    let refused = lease.done().await.unwrap_err();
    assert_eq!(refused.rule, "policy.allow_raw");
}

async fn a_request_that_is_wrong_names_its_field() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    let proof = |algorithm: &str, key: Vec<u8>, asks_caller| {
        Some(proto::AdminProof {
            algorithm: algorithm.to_owned(),
            key,
            asks_caller,
        })
    };
    let with = |admin| {
        Verb::Personalise(proto::Personalise {
            admin,
            card_id: vec![1; 16],
            ..proto::Personalise::default()
        })
    };
    let set = |puk: &str, admin| {
        Verb::SetCardPin(proto::SetCardPin {
            new_pin: PIN.to_owned(),
            puk: puk.to_owned(),
            admin,
        })
    };
    let try_keys = |count| {
        Verb::TryAdminKeys(proto::TryAdminKeys {
            candidates: vec![factory().unwrap(); count],
        })
    };
    let change_key = |algorithm: &str, key| {
        Verb::ChangeAdminKey(proto::ChangeAdminKey {
            current: factory(),
            new_algorithm: algorithm.to_owned(),
            new_key: key,
        })
    };
    let block = Verb::BlockCardPin(proto::BlockCardPin { reference: 0 });
    let short_id = Verb::Personalise(proto::Personalise {
        admin: factory(),
        card_id: vec![1; 15],
        ..proto::Personalise::default()
    });
    let wrong = [
        ("admin.algorithm", with(proof("des", vec![1; 24], false))),
        ("admin.key", with(proof("aes256", vec![1; 24], false))),
        ("admin.key", with(proof("", vec![1; 25], false))),
        ("admin.key", with(proof("", vec![], false))),
        ("admin.asks_caller", with(proof("", vec![1; 24], true))),
        ("admin", with(None)),
        ("card_id", short_id),
        ("algorithm", generate("9a", "rsa512")),
        ("container", generate("9a/..", "p256")),
        ("container", generate("f9", "p256")),
        ("container", generate("00", "p256")),
        ("reference", block),
        ("puk", set("", None)),
        ("puk", set("12345678", factory())),
        ("admin", set("", factory())),
        ("candidates", try_keys(0)),
        ("candidates", try_keys(5)),
        ("new_algorithm", change_key("", vec![1; 24])),
        ("new_key", change_key("aes128", vec![1; 24])),
    ];
    for (number, (field, verb)) in wrong.into_iter().enumerate() {
        let shown = format!("{verb:?}");
        let refused = lease.step(&number.to_string(), verb).await;
        let refused = refused.unwrap_err();
        let told = (refused.code(), refused.field.as_str());
        assert_eq!(told, (Code::InvalidRequest, field), "{shown}");
    }
    let keyless = lease.step("", personalise()).await.unwrap_err();
    assert_eq!(keyless.field, "key");
    // None of that has hurt anybody.
    lease.step("personalise", personalise()).await.unwrap();
}

async fn raw_commands_go_as_they_are() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    let raw = |step: &str, command: &[u8]| {
        Asked::Raw(proto::CardRaw {
            key: Some(key(step)),
            command: command.to_vec(),
            timeout_ms: 0,
        })
    };
    let select = b"\x00\xA4\x04\x00\x09\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x00";
    lease.send(raw("select", select)).await;
    let Said::Raw(answer) = lease.answer().await else {
        panic!();
    };
    assert!(answer.response.starts_with(b"\x61"));
    assert!(answer.response.ends_with(b"\x90\x00"));
    let outcome = host.outcome("select").await;
    assert_eq!((&*outcome.verb, outcome.state()), ("card_raw", State::Done));
    lease.send(raw("short", b"\x00\xA4\x04")).await;
    let short = lease.done().await.unwrap_err();
    assert_eq!(short.field, "raw.command");
}
