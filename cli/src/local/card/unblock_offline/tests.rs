use std::future::{pending, ready};

use keysteward_proto::agent::v1::{
    CardLeaseRequest, card_lease_request::Request as Asked, step_error::Code,
};
use zeroize::Zeroizing;

use super::*;
use crate::local::tests::{StandIn, refused};

/// What came of unblocking, what was said to the card, and what was told at the desk.
async fn unblocked(
    within: Duration,
    typed: impl Future<Output = io::Result<String>>,
) -> (Result<String>, Vec<CardLeaseRequest>, String) {
    let stand_in = StandIn::new(refused(Code::Internal));
    let agent = stand_in.serve().await;
    let mut told = Vec::new();
    let which = Which {
        token: None,
        applet: None,
    };
    let desk = Desk {
        within,
        typed,
        is_terminal: false,
        told: &mut told,
    };
    let done = unblock(&which, &Zeroizing::new("0815".to_owned()), desk, &agent).await;
    let said = stand_in.said_to_card.lock().unwrap().clone();
    (done, said, String::from_utf8(told).unwrap())
}

fn answer_to_the_card(said: &[CardLeaseRequest]) -> Option<wire::AnswerChallenge> {
    said.iter().find_map(|one| match &one.request {
        Some(Asked::Step(wire::CardStep {
            verb: Some(Verb::AnswerChallenge(answer)),
            ..
        })) => Some(answer.clone()),
        _ => None,
    })
}

#[tokio::test]
async fn the_card_gets_the_answer_and_hears_of_somebody_meanwhile() {
    let typed = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok("F61E 826B C1F2 ACE5\n".to_owned())
    };
    let (done, said, told) = unblocked(Duration::from_secs(300), typed).await;
    assert_eq!(done.unwrap(), "1-aa");
    let answer = answer_to_the_card(&said).unwrap();
    assert_eq!(answer.response, b"\xF6\x1E\x82\x6B\xC1\xF2\xAC\xE5");
    assert_eq!(answer.new_pin, "0815");
    let is_sign = |one: &CardLeaseRequest| matches!(one.request, Some(Asked::Cancel(_)));
    assert!(said.iter().any(is_sign), "{said:?}");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "challenge: 0557 897F 8D84 407B");
    assert!(lines[1].starts_with("5:00 left"), "{told}");
}

#[tokio::test]
async fn a_challenge_without_an_answer_in_time_is_given_up() {
    let (done, said, told) = unblocked(Duration::from_millis(1_200), pending()).await;
    let late = done.unwrap_err();
    assert!(matches!(late, Failure::Wrong { .. }), "{late}");
    assert_eq!(answer_to_the_card(&said), None);
    assert!(told.contains("0:02 left"), "{told}");
}

#[tokio::test]
async fn what_is_typed_and_is_no_answer_does_not_reach_the_card() {
    let typed = ready(Ok("0557\n".to_owned()));
    let (done, said, _) = unblocked(Duration::from_secs(300), typed).await;
    assert!(matches!(done, Err(Failure::Wrong { .. })));
    assert_eq!(answer_to_the_card(&said), None);
}

#[test]
fn a_challenge_is_shown_in_groups_and_an_answer_is_read_in_them() {
    let bytes = [0x05, 0x57, 0x89, 0x7F, 0x8D, 0x84, 0x40, 0x7B];
    assert_eq!(in_groups(&bytes), "0557 897F 8D84 407B");
    for line in [
        "0557 897F 8D84 407B\n",
        "0557897f8d84407b",
        " 0557-897f-8d84-407b\r\n",
    ] {
        assert_eq!(parse(line).unwrap(), bytes, "{line}");
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    for line in ["", "0557", "zz57 897F 8D84 407B", "0557 897F 8D84 407B 00"] {
        let refusal = parse(line).unwrap_err();
        assert!(
            matches!(refusal, Failure::Wrong { .. }),
            "{line}: {refusal}"
        );
    }
}

#[tokio::test]
async fn the_time_is_told_at_once_runs_down_and_is_over() {
    let within = Duration::from_millis(2_500);
    let mut left = Vec::new();
    let begun = Instant::now();
    let late = answer(within, pending(), |time| left.push(time)).await;
    assert!(begun.elapsed() >= within);
    let late = late.unwrap_err().to_string();
    assert!(late.contains("nothing within 2 seconds"), "{late}");
    assert!(left.len() >= 2, "{left:?}");
    assert!(left[0] > within - Duration::from_millis(500), "{left:?}");
    assert!(left.is_sorted_by(|one, next| one > next), "{left:?}");
}

#[tokio::test]
async fn an_answer_in_time_is_taken() {
    let typed = async { Ok("0557 897F 8D84 407B\n".to_owned()) };
    let answered = answer(Duration::from_secs(60), typed, |_| {}).await;
    assert_eq!(answered.unwrap()[..2], [0x05, 0x57]);
}
