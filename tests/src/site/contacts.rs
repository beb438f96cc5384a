//! The contacts between a card and its reader, as a thing that can be cut at one command.
//!
//! They lie between vpcd and the card's process, whosever card that is, and count the commands
//! that may leave a card other than it was.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};

use super::key::Moment;

/// Carries a card's frames from a port of its own to a reader of vpcd.
#[derive(Debug)]
pub struct Contacts {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What happens at a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// The card is taken off the reader.
    Lift,
    /// The card loses its power for a moment, and the reader does not notice.
    LosePower,
    /// Everything waits for [`Contacts::release`].
    Hold,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lifted: bool,
    /// Of the card that lies there, both ways.
    streams: Vec<TcpStream>,
    /// Commands that may change something, since somebody began to count.
    changing: usize,
    armed: Option<Armed>,
    struck: bool,
    held: bool,
    /// Whether what was held goes on its way.
    goes_on: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Armed {
    /// The first is 1.
    number: usize,
    moment: Moment,
    action: Action,
}

impl Contacts {
    /// To the reader at `reader` (HOST:PORT).
    pub fn lay(reader: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for card in listener.incoming().map_while(Result::ok) {
                // Card or reader went away, which is what they do; the card comes again.
                let _ = theirs.lie(card, reader);
            }
        });
        Ok(Self { address, shared })
    }

    /// Where the card connects.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Strikes at the `number`th command from now on that may change something.
    pub fn arm(&self, number: usize, moment: Moment, action: Action) {
        let mut state = self.shared.state();
        state.changing = 0;
        state.struck = false;
        state.armed = Some(Armed {
            number,
            moment,
            action,
        });
    }

    /// Counts anew, and strikes no more.
    pub fn count_anew(&self) {
        let mut state = self.shared.state();
        state.changing = 0;
        state.armed = None;
        state.struck = false;
    }

    /// Commands since then that may have changed something.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.shared.state().changing
    }

    /// Whether it struck.
    #[must_use]
    pub fn has_struck(&self) -> bool {
        self.shared.state().struck
    }

    /// Takes the card off.
    pub fn lift(&self) {
        self.shared.state().lift();
    }

    /// Puts it back, with a power-up.
    pub fn put_back(&self) {
        self.shared.state().lifted = false;
    }

    /// Ends a hold. `goes_on`: what was held reaches the card, or its answer the reader; else the
    /// card never hears of the command, which the reader is told to be refused.
    pub fn release(&self, goes_on: bool) -> Result<()> {
        let mut state = self.shared.state();
        ensure!(state.held, "nothing is held");
        state.held = false;
        state.goes_on = goes_on;
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One card on the reader, until it is taken off.
    fn lie(&self, mut card: TcpStream, reader: &str) -> io::Result<()> {
        if self.state().lifted {
            return Ok(());
        }
        let mut reader = TcpStream::connect(reader)?;
        {
            let mut state = self.state();
            for stream in [&card, &reader] {
                stream.set_nodelay(true)?;
            }
            state.streams = vec![card.try_clone()?, reader.try_clone()?];
            if state.lifted {
                state.lift();
            }
        }
        let ended = self.carry(&mut reader, &mut card);
        self.state().lift_streams();
        ended
    }

    fn carry(&self, reader: &mut TcpStream, card: &mut TcpStream) -> io::Result<()> {
        loop {
            let frame = receive(reader)?;
            match frame[..] {
                [TELL_ATR] => {
                    send(card, &frame)?;
                    send(reader, &receive(card)?)?;
                }
                [_] => send(card, &frame)?,
                _ => self.command(&frame, reader, card)?,
            }
        }
    }

    fn command(&self, apdu: &[u8], reader: &mut TcpStream, card: &mut TcpStream) -> io::Result<()> {
        let changes = may_change(apdu);
        if changes {
            self.state().changing += 1;
            if !self.strike(Moment::Before, reader, card)? {
                return send(reader, &NOT_ALLOWED);
            }
        }
        send(card, apdu)?;
        let response = receive(card)?;
        if changes {
            self.strike(Moment::After, reader, card)?;
        }
        send(reader, &response)
    }

    /// False: the card is not to hear of it.
    fn strike(&self, moment: Moment, reader: &TcpStream, card: &mut TcpStream) -> io::Result<bool> {
        let action = {
            let mut state = self.state();
            let due = state
                .armed
                .filter(|armed| armed.number == state.changing && armed.moment == moment);
            let Some(armed) = due else {
                return Ok(true);
            };
            state.armed = None;
            state.struck = true;
            state.held = armed.action == Action::Hold;
            armed.action
        };
        match action {
            Action::Lift => {
                self.state().lift();
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Action::LosePower => {
                send(card, &[RESET])?;
                Ok(true)
            }
            Action::Hold => self.wait_for_release(reader),
        }
    }

    fn wait_for_release(&self, reader: &TcpStream) -> io::Result<bool> {
        let state = self.state();
        let state = self
            .changed
            .wait_while(state, |state| state.held)
            .unwrap_or_else(PoisonError::into_inner);
        let goes_on = state.goes_on;
        drop(state);
        // A reader whose service has died takes its command along.
        reader.set_read_timeout(Some(Duration::from_millis(1)))?;
        let there = match reader.peek(&mut [0]) {
            Ok(waiting) => waiting > 0,
            Err(error) => matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ),
        };
        reader.set_read_timeout(None)?;
        if !there {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(goes_on)
    }
}

impl State {
    fn lift(&mut self) {
        self.lifted = true;
        self.lift_streams();
    }

    fn lift_streams(&mut self) {
        for stream in self.streams.drain(..) {
            // The other side may have ended it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Whether a command may leave the card other than it was: its files, its keys, its PINs or their
/// tries. Of a chain, the last command does.
fn may_change(apdu: &[u8]) -> bool {
    let [cla, ins, ..] = *apdu else {
        return false;
    };
    let carries_data = apdu.len() > 5;
    match ins {
        _ if cla & CHAINED != 0 => false,
        VERIFY => carries_data,
        _ => CHANGING.contains(&ins),
    }
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut len = [0; 2];
    stream.read_exact(&mut len)?;
    let mut frame = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let len = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    // In one write: two would wait for each other's acknowledgement.
    stream.write_all(&[&len.to_be_bytes(), bytes].concat())
}

/// vpcd's orders.
const RESET: u8 = 2;
const TELL_ATR: u8 = 4;
/// SW 6986: command not allowed.
const NOT_ALLOWED: [u8; 2] = [0x69, 0x86];
/// In CLA: more commands of this chain follow. ISO 7816-4 §5.4.1.
const CHAINED: u8 = 0x10;
const VERIFY: u8 = 0x20;
/// CHANGE REFERENCE DATA, RESET RETRY COUNTER, ACTIVATE FILE, GENERATE ASYMMETRIC KEY PAIR, PUT
/// DATA in both forms, CREATE FILE, DELETE FILE, TERMINATE; of PIV cards beyond the standard: MOVE
/// KEY, SET PIN RETRIES, RESET, IMPORT ASYMMETRIC KEY, SET MANAGEMENT KEY.
const CHANGING: [u8; 15] = [
    0x24, 0x2C, 0x44, 0x47, 0xDA, 0xDB, 0xE0, 0xE4, 0xE6, 0xE8, 0xF6, 0xFA, 0xFB, 0xFE, 0xFF,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_or_begins_a_chain_changes_nothing() {
        for (apdu, changes) in [
            (&[0x00, 0xA4, 0x04, 0x00][..], false),
            (&[0x00, 0xCB, 0x3F, 0xFF, 0x03], false),
            // How many tries are left, and a try.
            (&[0x00, 0x20, 0x00, 0x80], false),
            (&[0x00, 0x20, 0x00, 0x80, 0x01, 0x31], true),
            (&[0x10, 0xDB, 0x3F, 0xFF, 0x01, 0x5C], false),
            (&[0x00, 0xDB, 0x3F, 0xFF, 0x01, 0x5C], true),
            (&[0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x0A], true),
            (&[0x00], false),
        ] {
            assert_eq!(may_change(apdu), changes, "{apdu:02X?}");
        }
    }
}
