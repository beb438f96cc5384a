//! The card's side of a reader in software: vpcd listens, a card connects.
//!
//! Each way goes a length of two bytes and as many bytes; a single byte from the reader is an
//! order, of which only the one for the answer to reset is answered.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result};
use keysteward_virtual_token::card::ATR;

use crate::site::process::eventually;

/// What a card does with what comes.
pub(super) trait Answers {
    /// Power came, or came back.
    fn power_up(&mut self) {}

    /// The answer to a command, with its status.
    fn answer(&mut self, command: &[u8]) -> Vec<u8>;
}

/// A place at the reader at `address`.
pub(super) fn enter(address: &str) -> Result<TcpStream> {
    let stream = eventually("the reader takes the card", PATIENCE, || {
        Ok(TcpStream::connect(address).ok())
    })?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Answers until the reader or the card has gone.
pub(super) fn serve(mut reader: TcpStream, card: &mut impl Answers) -> Result<()> {
    loop {
        let mut len = [0; 2];
        if reader.read_exact(&mut len).is_err() {
            return Ok(());
        }
        let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
        reader.read_exact(&mut message)?;
        let answer = match message[..] {
            [TELL_ATR] => ATR.to_vec(),
            [_] => {
                card.power_up();
                continue;
            }
            _ => card.answer(&message),
        };
        let len = u16::try_from(answer.len()).context("an answer that is too long")?;
        // In one write: two would wait for each other's acknowledgement.
        reader.write_all(&[&len.to_be_bytes()[..], &answer].concat())?;
    }
}

const TELL_ATR: u8 = 4;
const PATIENCE: Duration = Duration::from_secs(10);
