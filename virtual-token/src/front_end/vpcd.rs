//! A card at a reader in software: vpcd, the virtual reader of vsmartcard, behind a real pcscd.
//!
//! vpcd listens, the card connects: that is putting it on the reader. Each way goes a length of
//! two bytes, big-endian, and as many bytes. From the reader a single byte is an order (power off,
//! power on, reset, tell the ATR, of which only the last is answered); anything longer is a
//! command APDU, answered by a response APDU.

#[cfg(test)]
mod tests;

use crate::card::{ATR, Applets, Card, Handler, Presence, Reader};
use crate::device::{Io, PowerCut, TouchRequest};
use crate::firmware::{Contents, Firmware};
use crate::hostile::cards::{HonestCard, LyingCard};
use keysteward_core::session::Millis;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Firmware of a card, which brings its reader with it.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct AtReader<C> {
    card: Box<C>,
    /// HOST:PORT
    address: String,
}

/// What can be put on a reader.
pub trait OnReader {
    /// It enters the field, or is reset in it.
    fn power_up(&mut self, now: Millis);

    /// Takes one command and answers it, and whatever comes until then.
    fn serve<R: Reader>(&mut self, reader: &mut R) -> Result<(), R::Gone>;

    /// What is stored, for the control socket's `state`.
    fn contents(&self) -> Contents;
}

impl<H: Handler, A: Applets> OnReader for Card<H, A> {
    fn power_up(&mut self, now: Millis) {
        self.power_up(now);
    }

    fn serve<R: Reader>(&mut self, reader: &mut R) -> Result<(), R::Gone> {
        self.serve(reader)
    }

    fn contents(&self) -> Contents {
        self.handler().contents()
    }
}

impl<H: HonestCard> OnReader for LyingCard<H> {
    fn power_up(&mut self, now: Millis) {
        HonestCard::power_up(self, now);
    }

    fn serve<R: Reader>(&mut self, reader: &mut R) -> Result<(), R::Gone> {
        let mut apdu = [0; LONGEST_APDU];
        let Some(len) = reader.receive(None, &mut apdu)? else {
            return Ok(());
        };
        let now = reader.now();
        let answer = self.transmit(now, apdu.get(..len).unwrap_or_default());
        reader.respond(&answer)
    }

    fn contents(&self) -> Contents {
        HonestCard::contents(self)
    }
}

impl<H: Handler> AtReader<Card<H>> {
    /// A card that is put on the reader at `address` (HOST:PORT) whenever it is plugged in.
    pub fn new(handler: H, presence: Presence, address: String) -> Self {
        Self::with(Box::new(Card::new(handler, presence)), address)
    }
}

impl<C: OnReader> AtReader<C> {
    /// The same with any card.
    pub fn with(card: Box<C>, address: String) -> Self {
        Self { card, address }
    }

    /// One connection, to its end.
    fn visit(&mut self, io: &Io) -> Result<std::convert::Infallible, Ended> {
        let mut slot = Slot::enter(&self.address, io)?;
        loop {
            slot.wait_for_power()?;
            self.card.power_up(io.now());
            let ended = loop {
                if let Err(ended) = self.card.serve(&mut slot) {
                    break ended;
                }
                io.publish(self.card.contents());
            };
            io.publish(self.card.contents());
            match ended {
                Ended::PoweredOff => slot.powered = false,
                Ended::Reset => {}
                gone => return Err(gone),
            }
        }
    }
}

impl<C: OnReader> Firmware for AtReader<C> {
    fn run(&mut self, io: &Io) -> PowerCut {
        loop {
            match self.visit(io) {
                Err(Ended::Unplugged(cut)) => return cut,
                Err(Ended::Disconnected(error)) => {
                    tracing::debug!(address = self.address, %error, "no reader");
                }
                Err(Ended::PoweredOff | Ended::Reset) => {}
            }
            // No report ever comes to a card: this sleeps.
            if let Err(cut) = io.receive(io.now().after(RECONNECT)) {
                return cut;
            }
        }
    }

    fn contents(&self) -> Contents {
        self.card.contents()
    }
}

/// Why the card was left without commands.
#[derive(Debug)]
enum Ended {
    PoweredOff,
    Reset,
    Disconnected(io::Error),
    Unplugged(PowerCut),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Disconnected(error)
    }
}

/// The slot of the reader that the card is in.
struct Slot<'a> {
    stream: TcpStream,
    io: &'a Io,
    /// What came and was not read yet.
    inbox: Vec<u8>,
    powered: bool,
    lamp: Option<TouchRequest>,
}

impl<'a> Slot<'a> {
    fn enter(address: &str, io: &'a Io) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            io,
            inbox: Vec::new(),
            powered: false,
            lamp: None,
        })
    }

    fn wait_for_power(&mut self) -> Result<(), Ended> {
        let mut apdu = [0; 0];
        while !self.powered {
            match self.receive(None, &mut apdu) {
                Ok(_) | Err(Ended::PoweredOff) => {}
                Err(Ended::Reset) => self.powered = true,
                Err(gone) => return Err(gone),
            }
        }
        Ok(())
    }

    /// One frame, if it came by `until`.
    fn frame(&mut self, until: Option<Millis>) -> Result<Option<Vec<u8>>, Ended> {
        loop {
            if let Some((&len, rest)) = self.inbox.split_first_chunk() {
                let len = usize::from(u16::from_be_bytes(len));
                if let Some(frame) = rest.get(..len) {
                    let frame = frame.to_vec();
                    self.inbox.drain(..len + 2);
                    return Ok(Some(frame));
                }
            }
            let now = self.io.now();
            // Tells whether the card was pulled out, and whether time is up.
            self.io.receive(now).map_err(Ended::Unplugged)?;
            let patience = match until {
                Some(until) if now >= until => return Ok(None),
                Some(until) => until.since(now).min(GLANCE),
                None => GLANCE,
            };
            self.stream
                .set_read_timeout(Some(Duration::from_millis(patience)))?;
            let mut part = [0; 4096];
            match self.stream.read(&mut part) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(len) => self.inbox.extend_from_slice(&part[..len]),
                Err(error) if is_time_out(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let len = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        // In one write: two would wait for each other's acknowledgement.
        let frame = [&len.to_be_bytes(), bytes].concat();
        Ok(self.stream.write_all(&frame)?)
    }
}

impl Reader for Slot<'_> {
    type Gone = Ended;

    fn now(&mut self) -> Millis {
        self.io.now()
    }

    fn receive(&mut self, until: Option<Millis>, apdu: &mut [u8]) -> Result<Option<usize>, Ended> {
        loop {
            let Some(frame) = self.frame(until)? else {
                return Ok(None);
            };
            match frame[..] {
                [POWER_OFF] => return Err(Ended::PoweredOff),
                [POWER_ON | RESET] => return Err(Ended::Reset),
                [TELL_ATR] => self.send(&ATR)?,
                [order] => tracing::warn!(order, "vpcd gave an order that is not known"),
                _ => match apdu.get_mut(..frame.len()) {
                    Some(room) => {
                        room.copy_from_slice(&frame);
                        return Ok(Some(frame.len()));
                    }
                    None => self.send(&WRONG_LENGTH)?,
                },
            }
        }
    }

    fn respond(&mut self, apdu: &[u8]) -> Result<(), Ended> {
        self.send(apdu)
    }

    fn lamp(&mut self, lit: bool) {
        self.lamp = lit.then(|| self.io.ask_for_touch());
    }

    fn touched(&mut self) -> Result<bool, Ended> {
        match &self.lamp {
            Some(lamp) => lamp.touched().map_err(Ended::Unplugged),
            None => Ok(false),
        }
    }
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const TELL_ATR: u8 = 4;
/// What the protocol with vpcd carries.
const LONGEST_APDU: usize = u16::MAX as usize;
/// SW 6700, to a command longer than any of CTAP.
const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];
/// Milliseconds between two tries to reach the reader.
const RECONNECT: u64 = 100;
/// Milliseconds between looks at the card's own power.
const GLANCE: u64 = 50;
