//! The honest half of a card that lies.

use super::{CHAINED, SELECT};
use crate::card::{Applets, Card, Handler, InProcessCard, Reader, TakenAway};
use crate::firmware::Contents;
use keysteward_core::iso7816::CardTransport;
use keysteward_core::session::Millis;
use std::convert::Infallible;

/// Takes whole command APDUs, and is touched whenever it asks.
pub trait HonestCard {
    /// The power comes, or the card is reset.
    fn power_up(&mut self, now: Millis);

    /// The answer to one command: data, then status.
    fn transmit(&mut self, now: Millis, command: &[u8]) -> Vec<u8>;

    /// For the control socket.
    fn contents(&self) -> Contents {
        Contents::default()
    }
}

/// Has FIDO's applet, which can be selected and takes chains, and knows no command.
#[derive(Clone, Copy, Debug)]
pub struct Mute;

impl HonestCard for Mute {
    fn power_up(&mut self, _: Millis) {}

    fn transmit(&mut self, _: Millis, command: &[u8]) -> Vec<u8> {
        match *command {
            [_, SELECT, ..] => b"FIDO_2_0\x90\x00".to_vec(),
            [cla, ..] if cla & CHAINED != 0 => vec![0x90, 0x00],
            _ => vec![0x6D, 0x00],
        }
    }
}

impl<H: Handler, A: Applets> HonestCard for Card<H, A> {
    fn power_up(&mut self, now: Millis) {
        self.power_up(now);
    }

    fn transmit(&mut self, now: Millis, command: &[u8]) -> Vec<u8> {
        let mut once = Once {
            now,
            command: Some(command),
            answer: Vec::new(),
        };
        match self.serve(&mut once) {
            Ok(()) => once.answer,
        }
    }

    fn contents(&self) -> Contents {
        self.handler().contents()
    }
}

impl<A: Applets> HonestCard for InProcessCard<A> {
    fn power_up(&mut self, _: Millis) {
        self.power_cycle();
    }

    fn transmit(&mut self, _: Millis, command: &[u8]) -> Vec<u8> {
        let mut room = vec![0; LONGEST];
        match CardTransport::transmit(self, command, &mut room) {
            Ok(answer) => answer.to_vec(),
            Err(TakenAway) => Vec::new(),
        }
    }
}

/// A reader that has one command for the card. Its time passes when the card waits.
struct Once<'c> {
    now: Millis,
    command: Option<&'c [u8]>,
    answer: Vec<u8>,
}

impl Reader for Once<'_> {
    type Gone = Infallible;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn receive(
        &mut self,
        until: Option<Millis>,
        apdu: &mut [u8],
    ) -> Result<Option<usize>, Infallible> {
        self.now = until.map_or(self.now, |until| self.now.max(until));
        let Some(command) = self.command.take() else {
            return Ok(None);
        };
        match apdu.get_mut(..command.len()) {
            Some(room) => {
                room.copy_from_slice(command);
                Ok(Some(command.len()))
            }
            None => {
                self.answer = vec![0x67, 0x00];
                Ok(None)
            }
        }
    }

    fn respond(&mut self, apdu: &[u8]) -> Result<(), Infallible> {
        self.answer = apdu.to_vec();
        Ok(())
    }

    fn lamp(&mut self, _: bool) {}

    fn touched(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

/// Bytes of an answer, and more than any is.
const LONGEST: usize = 16 * 1024;
