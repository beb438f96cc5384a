//! The admin key that the caller keeps: questions to it out, its answers in.
//!
//! ```text
//!   token's thread            conversation             caller
//!        |---- AdminChallenge ----------------------------->|
//!        |<--- Said::Answer -------|<--- AdminAnswer -------|
//! ```
//!
//! An answer that comes when nothing was asked, or too late, is for nobody.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use keysteward_proto::agent::v1 as proto;
use proto::{CardLeaseResponse, card_lease_response::Response};
use zeroize::Zeroizing;

use crate::{
    clock,
    rpc::lease::{Answers, Ear},
    verb::{AskCaller, Blocks, Code, Failure, Question},
};

/// How long a caller may take for one answer, if its step leaves that much time.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a caller says to a question.
enum Said {
    Answer(Blocks),
    GivesUp,
}

/// The conversation's end of the line. Dropped, nobody answers any more.
pub(super) struct Switchboard(mpsc::Sender<Said>);

impl Ear for Switchboard {
    fn answer(&self, answer: proto::AdminAnswer) {
        self.say(Said::Answer(Blocks {
            witness: Zeroizing::new(answer.witness),
            challenge: Zeroizing::new(answer.challenge),
        }));
    }

    fn give_up(&self) {
        self.say(Said::GivesUp);
    }
}

impl Switchboard {
    fn say(&self, said: Said) {
        // An error means that the lease is over.
        drop(self.0.send(said));
    }
}

/// The end of the line that steps ask at.
pub(super) struct Line {
    answers: Answers<CardLeaseResponse>,
    said: Mutex<mpsc::Receiver<Said>>,
}

/// A line to the caller that hears `answers`.
pub(super) fn line(answers: Answers<CardLeaseResponse>) -> (Switchboard, Arc<Line>) {
    let (say, said) = mpsc::channel();
    let line = Line {
        answers,
        said: Mutex::new(said),
    };
    (Switchboard(say), Arc::new(line))
}

impl AskCaller for Line {
    fn ask(&self, question: Question, patience: Duration) -> Result<Blocks, Failure> {
        // One step at a time asks; a receiver cannot be half changed.
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok(early) = said.try_recv() {
            match early {
                // To an earlier question.
                Said::Answer(_) => {}
                Said::GivesUp => return Err(given_up()),
            }
        }
        let challenge = CardLeaseResponse {
            response: Some(Response::AdminChallenge(proto::AdminChallenge {
                candidate: question.candidate,
                algorithm: question.cipher.name().to_owned(),
                witness: question.witness,
                challenge: question.challenge,
            })),
        };
        let asked = clock::now();
        self.answers
            .blocking_send(Ok(challenge))
            .map_err(|_| silent("it has gone"))?;
        let left = patience.min(PATIENCE).saturating_sub(asked.elapsed());
        match said.recv_timeout(left) {
            Ok(Said::Answer(blocks)) => Ok(blocks),
            Ok(Said::GivesUp) => Err(given_up()),
            Err(RecvTimeoutError::Timeout) => Err(silent("it took too long")),
            Err(RecvTimeoutError::Disconnected) => Err(silent("it has gone")),
        }
    }
}

fn given_up() -> Failure {
    Failure::new(
        Code::Cancelled,
        "the caller gave the step up instead of proving the admin key",
    )
}

fn silent(why: &str) -> Failure {
    Failure::new(
        Code::CallerSilent,
        format!(
            "the caller was asked to prove the admin key and did not answer ({why}); ask for the \
             step again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use keysteward_core::admin_key::Cipher;
    use tokio::sync::mpsc as tokio_mpsc;

    use super::*;

    fn question() -> Question {
        Question {
            candidate: 2,
            cipher: Cipher::Aes192,
            witness: vec![1; 16],
            challenge: Vec::new(),
        }
    }

    fn answer(byte: u8) -> proto::AdminAnswer {
        proto::AdminAnswer {
            witness: vec![byte; 16],
            challenge: Vec::new(),
        }
    }

    #[test]
    fn an_answer_to_an_earlier_question_is_for_nobody() {
        let (answers, mut heard) = tokio_mpsc::channel(4);
        let (switchboard, line) = line(answers);
        switchboard.answer(answer(7));
        let answering = std::thread::spawn(move || {
            let asked = heard.blocking_recv().unwrap().unwrap();
            let Some(Response::AdminChallenge(asked)) = asked.response else {
                panic!("{asked:?}");
            };
            switchboard.answer(answer(8));
            asked
        });
        let blocks = line.ask(question(), Duration::from_secs(10)).unwrap();
        assert_eq!(*blocks.witness, [8; 16]);
        let asked = answering.join().unwrap();
        assert_eq!((asked.candidate, &*asked.algorithm), (2, "aes192"));
    }

    #[test]
    fn who_says_nothing_goes_or_gives_up_is_told_apart() {
        let ask = |patience_ms| {
            let (answers, heard) = tokio_mpsc::channel(4);
            let (switchboard, line) = line(answers);
            (switchboard, heard, move || {
                line.ask(question(), Duration::from_millis(patience_ms))
            })
        };
        let (_switchboard, _heard, late) = ask(20);
        let failure = late().err().unwrap();
        assert_eq!(failure.code, Code::CallerSilent);
        assert!(failure.message.contains("too long"), "{failure}");
        let (switchboard, _heard, gone) = ask(10_000);
        drop(switchboard);
        assert_eq!(gone().err().unwrap().code, Code::CallerSilent);
        let (_switchboard, heard, deaf) = ask(10_000);
        drop(heard);
        assert_eq!(deaf().err().unwrap().code, Code::CallerSilent);
        let (switchboard, _heard, cancelled) = ask(10_000);
        switchboard.give_up();
        assert_eq!(cancelled().err().unwrap().code, Code::Cancelled);
    }
}
