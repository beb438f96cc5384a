//! The verbs of cards: their admin keys stay here.

use std::path::PathBuf;

use clap::Parser;
use keysteward_core::admin_key::{AdminKey as _, Cipher, LocalAdminKey};
use proto::{
    CardLeaseRequest, CardLeaseResponse, card_lease_request::Request as Asked,
    card_lease_response::Response as Told, card_step::Verb, cards_server::Cards,
    step_result::Result as Outcome,
};
use wire as proto;

use super::*;
use crate::local::card;

/// One block of the card's witness, and one of the agent's challenge.
const WITNESS: [u8; 16] = [0x57; 16];
const CHALLENGE: [u8; 16] = [0xC4; 16];

#[tonic::async_trait]
impl Cards for StandIn {
    type LeaseStream = ReceiverStream<std::result::Result<CardLeaseResponse, Status>>;

    /// Gives a challenge. Every other step asks for both blocks, of the second key where it tries several, and is done.
    async fn lease(
        &self,
        requests: Request<Streaming<CardLeaseRequest>>,
    ) -> std::result::Result<Response<Self::LeaseStream>, Status> {
        let mut requests = requests.into_inner();
        let (answers, stream) = mpsc::channel(4);
        let said = Arc::clone(&self.said_to_card);
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                said.lock().unwrap().push(request.clone());
                let response = match request.request {
                    Some(Asked::Open(_)) => Told::Opened(wire::Opened::default()),
                    Some(Asked::Step(wire::CardStep {
                        verb: Some(Verb::GiveChallenge(_)),
                        ..
                    })) => Told::Result(wire::StepResult {
                        result: Some(Outcome::ChallengeGiven(wire::ChallengeGiven {
                            challenge: b"\x05\x57\x89\x7F\x8D\x84\x40\x7B".to_vec(),
                        })),
                    }),
                    Some(Asked::Step(step)) => Told::AdminChallenge(wire::AdminChallenge {
                        candidate: match step.verb {
                            Some(Verb::TryAdminKeys(_)) => 1,
                            _ => 0,
                        },
                        algorithm: "aes192".into(),
                        witness: WITNESS.to_vec(),
                        challenge: CHALLENGE.to_vec(),
                    }),
                    Some(Asked::AdminAnswer(answer)) => Told::Result(wire::StepResult {
                        result: Some(match answer.witness.is_empty() {
                            _ if moves_a_key(&said.lock().unwrap()) => {
                                Outcome::KeyMoved(wire::KeyMoved {
                                    container: "82".into(),
                                })
                            }
                            true => Outcome::AdminKeyFound(wire::AdminKeyFound::default()),
                            false => {
                                Outcome::AdminKeyFound(wire::AdminKeyFound { candidate: Some(1) })
                            }
                        }),
                    }),
                    _ => continue,
                };
                let response = CardLeaseResponse {
                    response: Some(response),
                };
                let _ = answers.send(Ok(response)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Whether that is the verb that was asked for last.
fn moves_a_key(said: &[CardLeaseRequest]) -> bool {
    let mut verbs = said.iter().filter_map(|one| match &one.request {
        Some(Asked::Step(step)) => step.verb.as_ref(),
        _ => None,
    });
    matches!(verbs.next_back(), Some(Verb::MoveKey(_)))
}

#[derive(Debug, Parser)]
struct Typed {
    #[command(subcommand)]
    command: card::Command,
}

/// Types it, with `keys` in files, and gives what was said to the card and what was shown.
async fn typed(words: &[&str], keys: &[&[u8]]) -> (Vec<CardLeaseRequest>, String) {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = keys
        .iter()
        .enumerate()
        .map(|(number, key)| {
            let path = folder.path().join(format!("{number}.key"));
            std::fs::write(&path, hex::encode(key)).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let private = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(&path, private).unwrap();
            }
            path
        })
        .collect();
    let words = words.iter().map(|word| match word.parse::<usize>() {
        Ok(number) if number < files.len() => files[number].display().to_string(),
        _ => (*word).to_owned(),
    });
    let typed = Typed::parse_from(std::iter::once("card".to_owned()).chain(words));
    let stand_in = StandIn::new(refused(Code::Internal));
    let agent = stand_in.serve().await;
    let mut out = Vec::new();
    card::run(
        typed.command,
        &agent,
        &mut Output::new(Format::Json, &mut out),
    )
    .await
    .unwrap();
    let said = stand_in.said_to_card.lock().unwrap().clone();
    (said, String::from_utf8(out).unwrap())
}

/// What answered the challenge.
fn answered(said: &[CardLeaseRequest]) -> wire::AdminAnswer {
    let mut answers = said.iter().filter_map(|one| match &one.request {
        Some(Asked::AdminAnswer(answer)) => Some(answer.clone()),
        _ => None,
    });
    let answer = answers.next().unwrap();
    assert!(answers.next().is_none());
    answer
}

fn under(key: &[u8]) -> wire::AdminAnswer {
    let mut key = LocalAdminKey::new(Cipher::Aes192, key).unwrap();
    let answer = key.answer(Cipher::Aes192, &WITNESS, &CHALLENGE).unwrap();
    wire::AdminAnswer {
        witness: answer.witness.to_vec(),
        challenge: answer.challenge.to_vec(),
    }
}

/// Nothing that was said has these bytes in it.
fn keeps(said: &[CardLeaseRequest], key: &[u8]) {
    use prost::Message as _;
    for request in said {
        let bytes = request.encode_to_vec();
        assert!(!bytes.windows(key.len()).any(|part| part == key));
    }
}

#[tokio::test]
async fn an_admin_key_proves_itself_and_never_leaves() {
    let key = [0xA1; 24];
    for words in [
        &["personalise", "--admin-key-file", "0"][..],
        &["delete", "9a", "--admin-key-file", "0"],
        &["reset", "--applet", "piv", "--yes", "--admin-key-file", "0"],
        &[
            "personalise",
            "--admin-key-file",
            "0",
            "--admin-algorithm",
            "aes192",
        ],
    ] {
        let (said, out) = typed(words, &[&key]).await;
        assert_eq!(answered(&said), under(&key), "{words:?}");
        keeps(&said, &key);
        assert!(out.contains("\"done\""), "{out}");
    }
}

#[tokio::test]
async fn a_key_is_moved_and_its_new_place_shown() {
    let key = [0xA1; 24];
    let (said, out) = typed(&["move-key", "9d", "--admin-key-file", "0"], &[&key]).await;
    assert_eq!(answered(&said), under(&key));
    keeps(&said, &key);
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["container"], "9d");
    assert_eq!(shown["moved_to"], "82");
}

#[tokio::test]
async fn tries_are_set_by_admin_key_and_pin() {
    let (key, pin) = ([0xA1; 24], [0x31; 3]);
    let words = "pin set-tries --tries 5 --unblock-tries 7 --yes --admin-key-file 0 --pin-file 1";
    let words: Vec<&str> = words.split(' ').collect();
    let (said, out) = typed(&words, &[&key, &pin]).await;
    assert_eq!(answered(&said), under(&key));
    keeps(&said, &key);
    let asked = said.iter().find_map(|one| match &one.request {
        Some(Asked::Step(step)) => step.verb.clone(),
        _ => None,
    });
    let Some(Verb::SetPinTries(asked)) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!((asked.pin_tries, asked.puk_tries), (5, 7));
    assert_eq!(asked.pin, "313131");
    assert!(out.contains("set-pin-tries"), "{out}");
}

#[tokio::test]
async fn a_gids_card_is_reset_to_the_pin_that_is_given_and_an_id_of_its_own() {
    let (key, pin) = ([0xA1; 24], [0x31; 3]);
    let words = "reset --yes --admin-key-file 0 --new-pin-file 1";
    let words: Vec<&str> = words.split(' ').collect();
    let reset = async || {
        let (said, out) = typed(&words, &[&key, &pin]).await;
        assert_eq!(answered(&said), under(&key));
        keeps(&said, &key);
        assert!(out.contains("reset-card"), "{out}");
        let asked = said.into_iter().find_map(|one| match one.request {
            Some(Asked::Step(step)) => step.verb,
            _ => None,
        });
        match asked {
            Some(Verb::ResetCard(asked)) => asked,
            other => panic!("{other:?}"),
        }
    };
    let (first, second) = (reset().await, reset().await);
    assert_eq!(first.new_pin, "313131");
    assert_eq!((first.card_id.len(), second.card_id.len()), (16, 16));
    assert_ne!(first.card_id, second.card_id);
}

#[tokio::test]
async fn of_several_keys_the_one_asked_for_answers() {
    let (other, key) = ([0xA2; 32], [0xA3; 24]);
    let (said, out) = typed(&["admin-key", "try", "0", "1"], &[&other, &key]).await;
    assert_eq!(answered(&said), under(&key));
    keeps(&said, &key);
    keeps(&said, &other);
    assert!(out.contains("1.key"), "{out}");
}

#[tokio::test]
async fn a_key_of_another_cipher_says_that_it_is_none() {
    let (other, key) = ([0xA2; 24], [0xA3; 32]);
    let (said, out) = typed(&["admin-key", "try", "0", "1"], &[&other, &key]).await;
    assert_eq!(answered(&said), wire::AdminAnswer::default());
    assert!(out.contains("null"), "{out}");
}
