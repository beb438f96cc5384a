//! An admin key that a script can be the other half of.

use keysteward_core::admin_key::{AdminKey, Answer, Block, Cipher};
use std::convert::Infallible;

/// Deciphers and enciphers everything to zeros: a card that answers zeros knows it.
#[derive(Clone, Copy, Debug)]
pub struct ZeroKey;

impl AdminKey for ZeroKey {
    type Error = Infallible;

    fn cipher(&self) -> Option<Cipher> {
        None
    }

    fn answer(
        &mut self,
        _cipher: Cipher,
        witness: &[u8],
        challenge: &[u8],
    ) -> Result<Answer, Infallible> {
        let zeros = |len: usize| Block::from_slice(&[0; 16][..len.min(16)]).expect("a block");
        Ok(Answer {
            witness: zeros(witness.len()),
            challenge: zeros(challenge.len()),
        })
    }
}
