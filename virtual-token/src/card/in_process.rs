//! A card in the same process, for tests: what a client sends goes straight into its applets.

use super::applet::{Applets, Beside, Turn};
use keysteward_core::iso7816::CardTransport;
use keysteward_core::time::Millis;
use std::time::Instant;

/// A card without FIDO's applet, on a reader that needs no time.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct InProcessCard<A> {
    beside: Beside<A>,
    buffers: [Vec<u8>; 3],
    began: Instant,
    takes_extended: bool,
    /// Headers of the commands that came.
    headers: Vec<[u8; 4]>,
    /// How many more commands it takes.
    left: Option<usize>,
}

/// The card was taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the card was taken away")]
pub struct TakenAway;

impl<A: Applets> InProcessCard<A> {
    pub fn new(applets: A) -> Self {
        Self {
            beside: Beside::new(applets),
            buffers: std::array::from_fn(|_| vec![0; ROOM]),
            began: Instant::now(),
            takes_extended: true,
            headers: Vec::new(),
            left: None,
        }
    }

    /// Has the reader say that it takes short commands only.
    #[must_use]
    pub fn with_short_commands(self) -> Self {
        Self {
            takes_extended: false,
            ..self
        }
    }

    /// Class, instruction and parameters of the commands that came since this was asked last.
    pub fn take_headers(&mut self) -> Vec<[u8; 4]> {
        std::mem::take(&mut self.headers)
    }

    /// Takes the card away after so many more commands; `None`: it stays. It keeps what it
    /// stored.
    pub fn take_away_after(&mut self, commands: Option<usize>) {
        self.left = commands;
    }

    /// Takes the card off the reader, and puts it back.
    pub fn power_cycle(&mut self) {
        self.beside.power_up();
        self.left = None;
    }
}

impl<A: Applets> CardTransport for InProcessCard<A> {
    type Error = TakenAway;

    fn now(&mut self) -> Millis {
        Millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn pause(&mut self, _: Millis) {}

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], TakenAway> {
        match &mut self.left {
            Some(0) => return Err(TakenAway),
            Some(left) => *left = left.saturating_sub(1),
            None => {}
        }
        if let Some(header) = command.first_chunk() {
            self.headers.push(*header);
        }
        let [request, message, reply] = &mut self.buffers;
        let buffers = (&mut request[..], &mut message[..], &mut reply[..]);
        let Turn::Replied { len } = self.beside.handle_command(command, None, buffers) else {
            return Err(TakenAway);
        };
        let reply = reply.get(..len).ok_or(TakenAway)?;
        let room = response.get_mut(..len).ok_or(TakenAway)?;
        room.copy_from_slice(reply);
        Ok(room)
    }

    fn max_command(&self) -> Option<usize> {
        self.takes_extended.then_some(ROOM)
    }
}

const ROOM: usize = 8192;
