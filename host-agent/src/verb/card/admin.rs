//! The admin key, wherever it is: here for as long as a step lasts, or with the caller.

use std::{sync::Arc, time::Duration};

use keysteward_core::admin_key::{AdminKey, Answer, Block, Cipher, LocalAdminKey};
use zeroize::Zeroizing;

use crate::verb::{Code, Failure};

/// What a caller is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Question {
    /// Which of several keys; else 0.
    pub(crate) candidate: u32,
    pub(crate) cipher: Cipher,
    /// One block to decipher, or empty.
    pub(crate) witness: Vec<u8>,
    /// One block to encipher, or empty.
    pub(crate) challenge: Vec<u8>,
}

/// What it answers.
pub(crate) struct Blocks {
    pub(crate) witness: Zeroizing<Vec<u8>>,
    pub(crate) challenge: Zeroizing<Vec<u8>>,
}

impl Blocks {
    /// The caller has no key for that cipher. A card always asks for one of the two.
    fn are_none(&self) -> bool {
        self.witness.is_empty() && self.challenge.is_empty()
    }
}

/// A way to a caller that keeps an admin key to itself.
pub(crate) trait AskCaller: Send + Sync {
    /// Blocks until it has answered, at most `patience`.
    fn ask(&self, question: Question, patience: Duration) -> Result<Blocks, Failure>;
}

/// How the admin key is proven to the card.
pub(crate) enum AdminProof {
    /// Here it is. `None`: it is for whatever cipher of its length the card tells.
    Key {
        cipher: Option<Cipher>,
        key: Zeroizing<Vec<u8>>,
    },
    /// The caller has it, and is asked for each block.
    Caller {
        cipher: Option<Cipher>,
        /// Which of several keys.
        candidate: u32,
        line: Arc<dyn AskCaller>,
    },
}

/// A proof as the core's flows ask for it, with what is left of the step's time.
pub(super) struct Prover<'p, F> {
    proof: &'p AdminProof,
    left: F,
}

impl AdminProof {
    pub(super) const fn cipher(&self) -> Option<Cipher> {
        match self {
            Self::Key { cipher, .. } | Self::Caller { cipher, .. } => *cipher,
        }
    }

    /// `left` tells how much of the step's time there is, whenever the caller is asked.
    pub(super) const fn prover<F: Fn() -> Duration>(&self, left: F) -> Prover<'_, F> {
        Prover { proof: self, left }
    }
}

impl<F: Fn() -> Duration> AdminKey for Prover<'_, F> {
    type Error = Failure;

    fn cipher(&self) -> Option<Cipher> {
        self.proof.cipher()
    }

    fn answer(
        &mut self,
        cipher: Cipher,
        witness: &[u8],
        challenge: &[u8],
    ) -> Result<Answer, Failure> {
        match self.proof {
            AdminProof::Key { key, .. } => LocalAdminKey::new(cipher, key)
                .and_then(|mut key| key.answer(cipher, witness, challenge))
                .map_err(|error| Failure::new(Code::AdminKeyWrong, error.to_string())),
            AdminProof::Caller {
                candidate, line, ..
            } => {
                let question = Question {
                    candidate: *candidate,
                    cipher,
                    witness: witness.to_vec(),
                    challenge: challenge.to_vec(),
                };
                let blocks = line.ask(question, (self.left)())?;
                if blocks.are_none() {
                    return Err(Failure::new(
                        Code::AdminKeyWrong,
                        format!("the caller has no admin key for {cipher}, which the card wants"),
                    ));
                }
                Ok(Answer {
                    witness: block("witness", &blocks.witness, witness)?,
                    challenge: block("challenge", &blocks.challenge, challenge)?,
                })
            }
        }
    }
}

/// The caller's answer to one of the two blocks: a block for a block, nothing for nothing.
fn block(name: &str, answered: &[u8], asked: &[u8]) -> Result<Block, Failure> {
    let wrong = || {
        Failure::invalid(
            &format!("admin_answer.{name}"),
            format_args!("{} bytes", answered.len()),
            &format!("{} bytes, as many as were asked about", asked.len()),
        )
    };
    if answered.len() != asked.len() {
        return Err(wrong());
    }
    Block::from_slice(answered).map_err(|_| wrong())
}
