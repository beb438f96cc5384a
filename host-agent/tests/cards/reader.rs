//! A card on a reader, and the hand that takes it away at a bad moment.
//!
//! vpcd listens, the card connects: that is putting it on the reader. Each way goes a length of two
//! bytes and as many bytes; a single byte from the reader is an order.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use keysteward_core::{
    admin_key::Cipher,
    crypto::RustCrypto,
    gids::select::Protocols,
    iso7816::{CardTransport as _, Command, Status},
};
use keysteward_virtual_token::{
    card::{ATR, Applet, InProcessCard},
    gids::GidsCard,
    piv::{Piv, Product},
    storage::MemoryStorage,
};
use rand_core::OsRng;

use crate::pcscd::FIRST_READER;

/// When the card is taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Moment {
    /// The card has seen nothing of the command.
    Before,
    /// The card has done it, and its answer is lost.
    After,
}

/// A card of one applet. It keeps its state when it is taken away.
pub(crate) struct Card(Arc<Mutex<Inner>>);

struct Inner {
    card: InProcessCard<Vec<Box<dyn Applet + Send>>>,
    on_reader: bool,
    /// Taken away at this command, once.
    cut: Option<Cut>,
}

struct Cut {
    instruction: u8,
    /// In the command's bytes; empty: in every command's.
    about: Vec<u8>,
    moment: Moment,
}

impl Cut {
    fn is_at(&self, command: &[u8]) -> bool {
        command.get(1) == Some(&self.instruction)
            && (self.about.is_empty()
                || command
                    .windows(self.about.len())
                    .any(|bytes| bytes == self.about))
    }
}

impl Card {
    /// A PIV card as it left the factory, on the reader.
    pub(crate) fn piv(serial: u32) -> Self {
        let product = Product {
            serial,
            admin_cipher: Cipher::Aes192,
            ..Product::default()
        };
        let applet = Piv::new(MemoryStorage::new(), RustCrypto(OsRng), product).unwrap();
        Self::put(Box::new(applet))
    }

    /// A GIDS card that is not initialised, on the reader.
    pub(crate) fn gids() -> Self {
        let applet = GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng));
        Self::put(Box::new(applet))
    }

    /// A PIV card as it left the factory that answers some commands in a way of its own.
    pub(crate) fn piv_that(answers: Answers) -> Self {
        let product = Product {
            serial: 4711,
            ..Product::default()
        };
        let applet = Piv::new(MemoryStorage::new(), RustCrypto(OsRng), product).unwrap();
        Self::put(Box::new(Otherwise { applet, answers }))
    }

    /// A GIDS card that is not initialised and authenticates its administrator in these ways.
    pub(crate) fn gids_with(protocols: Protocols) -> Self {
        let applet = GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng));
        Self::put(Box::new(applet.with_protocols(protocols)))
    }

    /// The same of a GIDS card that is not initialised.
    pub(crate) fn gids_that(answers: Answers) -> Self {
        let applet = GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng));
        Self::put(Box::new(Otherwise { applet, answers }))
    }

    pub(crate) fn put(applet: Box<dyn Applet + Send>) -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            card: InProcessCard::new(vec![applet]),
            on_reader: true,
            cut: None,
        }));
        let served = Arc::clone(&inner);
        thread::spawn(move || {
            loop {
                if served.lock().unwrap().on_reader
                    && let Ok(reader) = TcpStream::connect(FIRST_READER)
                {
                    // The reader has gone, or the card was taken away.
                    drop(serve(&served, reader));
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        Self(inner)
    }

    /// Has the card taken away at the next command with this instruction and these bytes in it.
    pub(crate) fn cut_at_one_about(&self, instruction: u8, about: &[u8], moment: Moment) {
        self.0.lock().unwrap().cut = Some(Cut {
            instruction,
            about: about.to_vec(),
            moment,
        });
    }

    /// Headers of the commands that came since the last call.
    pub(crate) fn take_headers(&self) -> Vec<[u8; 4]> {
        self.0.lock().unwrap().card.take_headers()
    }

    /// How many commands it has seen since this was asked last.
    pub(crate) fn commands(&self) -> usize {
        self.take_headers().len()
    }

    pub(crate) fn take_away(&self) {
        self.0.lock().unwrap().on_reader = false;
    }

    pub(crate) fn put_back(&self) {
        self.0.lock().unwrap().on_reader = true;
    }

    pub(crate) fn is_on_reader(&self) -> bool {
        self.0.lock().unwrap().on_reader
    }
}

/// Data and status for a command; `None`: what the card answers itself.
pub(crate) type Answers = Box<dyn FnMut(&Command<'_>) -> Option<(Vec<u8>, Status)> + Send>;

/// An applet that answers some commands otherwise.
struct Otherwise<A> {
    applet: A,
    answers: Answers,
}

impl<A: Applet> Applet for Otherwise<A> {
    fn is_named(&self, aid: &[u8]) -> bool {
        self.applet.is_named(aid)
    }

    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
        self.applet.select(response)
    }

    fn deselect(&mut self) {
        self.applet.deselect();
    }

    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        match (self.answers)(command) {
            None => self.applet.execute(command, response),
            Some((data, status)) => {
                let room = &mut response[..data.len()];
                room.copy_from_slice(&data);
                (room, status)
            }
        }
    }
}

/// One stay on the reader, to its end.
fn serve(inner: &Mutex<Inner>, mut reader: TcpStream) -> std::io::Result<()> {
    reader.set_nodelay(true)?;
    reader.set_read_timeout(Some(Duration::from_millis(50)))?;
    inner.lock().unwrap().card.power_cycle();
    loop {
        let mut len = [0; 2];
        match reader.read_exact(&mut len) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if !inner.lock().unwrap().on_reader {
                    return Ok(());
                }
                continue;
            }
            Err(error) => return Err(error),
        }
        let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
        reader.read_exact(&mut message)?;
        let mut inner = inner.lock().unwrap();
        let answer = match message.as_slice() {
            [0x04] => ATR.to_vec(),
            [_] => {
                inner.card.power_cycle();
                continue;
            }
            command => {
                let cut = inner.cut.take_if(|cut| cut.is_at(command));
                if cut.is_some() {
                    inner.on_reader = false;
                }
                if cut.as_ref().is_some_and(|cut| cut.moment == Moment::Before) {
                    return Ok(());
                }
                let mut room = vec![0; 8192];
                let answer = inner.card.transmit(command, &mut room).unwrap().to_vec();
                if cut.is_some() {
                    return Ok(());
                }
                answer
            }
        };
        let len = u16::try_from(answer.len()).unwrap();
        let framed = [&len.to_be_bytes()[..], &answer].concat();
        reader.write_all(&framed)?;
    }
}
