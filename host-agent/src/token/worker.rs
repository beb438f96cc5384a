//! A token's own thread: everything that touches the token happens here, one after another.

use std::{
    fmt, io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use keysteward_core::{
    ctaphid::{HidTransport, TransportError},
    nfcctap::NfcTransport,
};
use rand::{RngCore as _, rngs::OsRng};

use super::{Channel, ChannelError, Inventory, Reading, Token};
use crate::transport::{
    self, Port, ReportPort,
    pcsc::{PcscError, PcscLink, PcscPort},
};

/// Stack of a token's thread: the core keeps its message buffers there.
const STACK: usize = 256 * 1024;

/// How long a token may take to say who it is.
const LOOK_PATIENCE_MS: u64 = 3_000;

/// How long a held card is left alone; Windows resets it after five seconds.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// What the thread is given to do.
pub(crate) enum Job {
    /// Something of a lease.
    Work(Box<dyn FnOnce(&mut Bench) + Send>),
    /// The lease is over.
    Release,
    /// The way to the token has changed; what failed may work now.
    LookAgain,
    /// The token is gone.
    End,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work(_) => "Work",
            Self::Release => "Release",
            Self::LookAgain => "LookAgain",
            Self::End => "End",
        })
    }
}

/// What is done with a token beside leases, by the layer above.
pub(crate) trait Looker: Send + Sync {
    /// Reads who the token is.
    fn read(&self, bench: &mut Bench) -> Reading;

    /// Settles attempts that were cut off, where a look at the token can.
    fn settle(&self, bench: &mut Bench);
}

/// A token and the ways to it, as a job finds them.
#[derive(Debug)]
pub(crate) struct Bench {
    token: Arc<Token>,
    inventory: Arc<Inventory>,
    reports: Option<ReportPort>,
    card: Option<PcscPort>,
    open: Open,
}

/// What is open of a token. A card is in one hand at a time: FIDO's, or that of its other applets.
#[derive(Debug, Default)]
struct Open {
    channel: Option<Channel>,
    card: Option<PcscLink>,
}

impl Bench {
    fn new(token: Arc<Token>, inventory: Arc<Inventory>, port: Port) -> Self {
        let (reports, card) = match port {
            Port::Reports(port) => (Some(port), None),
            Port::Card(port) => (None, Some(port)),
        };
        Self {
            token,
            inventory,
            reports,
            card,
            open: Open::default(),
        }
    }

    pub(crate) const fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// The token's channel for FIDO, opened if it is not: over HID where the token is seen there,
    /// else at its reader. What was selected on the card is not any more then.
    pub(crate) fn link(&mut self) -> Result<&mut Channel, ChannelError> {
        if self.open.channel.as_mut().is_none_or(Channel::is_lost) {
            self.open.channel = None;
            let deadline = transport::now().after(LOOK_PATIENCE_MS);
            self.open.channel = Some(match &mut self.reports {
                Some(port) => {
                    let link = port.open().map_err(TransportError::Link)?;
                    let mut nonce = [0; 8];
                    OsRng.fill_bytes(&mut nonce);
                    Channel::Hid(HidTransport::open(link, nonce, deadline)?.into())
                }
                None => {
                    let card = self.take_card()?;
                    Channel::Nfc(NfcTransport::open(card, deadline)?.into())
                }
            });
        }
        // Filled above.
        self.open
            .channel
            .as_mut()
            .ok_or(ChannelError::Hid(TransportError::Deadline))
    }

    /// The card at its reader, for its applets beside FIDO: held from the first call on until the
    /// lease is over, so that no other program's commands come between those of two jobs.
    ///
    /// A step begins with the SELECT of its applet. A link that was lost, since the card was reset
    /// or the service restarted, is opened anew by the next call, and nothing is selected then.
    pub(crate) fn card(&mut self) -> Result<&mut PcscLink, PcscError> {
        let card = self.take_card()?;
        Ok(self.open.card.insert(card))
    }

    /// The same card, if it is held without a break since the last [`card`](Self::card), and FIDO
    /// was not spoken to at it: what was selected and unlocked on it still is, and a challenge
    /// that it gave still counts.
    pub(crate) fn held_card(&mut self) -> Option<&mut PcscLink> {
        self.open.card.as_mut().filter(|card| !card.is_lost())
    }

    /// Out of whichever hand it is in.
    fn take_card(&mut self) -> Result<PcscLink, PcscError> {
        let held = match self.open.card.take() {
            Some(card) => Some(card),
            None => match self.open.channel.take() {
                Some(Channel::Nfc(nfc)) => Some(nfc.into_card()),
                hid => {
                    self.open.channel = hid;
                    None
                }
            },
        };
        match held.filter(|card| !card.is_lost()) {
            Some(card) => Ok(card),
            None => match &self.card {
                Some(port) => port.open(),
                None => Err(PcscError::NotAtReader),
            },
        }
    }

    /// Closes what is open: other programs may have the token.
    fn release(&mut self) {
        self.open = Open::default();
    }

    /// Keeps the system from taking the card away while nobody asks anything of it.
    fn keep(&mut self) {
        let card = match &mut self.open {
            Open {
                card: Some(card), ..
            } => card,
            Open {
                channel: Some(Channel::Nfc(nfc)),
                ..
            } => nfc.card_mut(),
            Open { .. } => return,
        };
        // Whoever uses it next is told, or gets it anew.
        if let Err(error) = card.keep() {
            tracing::debug!(presence_id = self.token.presence_id(), %error, "a held card");
        }
    }

    const fn holds_card(&self) -> bool {
        self.open.card.is_some() || matches!(self.open.channel, Some(Channel::Nfc(_)))
    }

    /// Lists what the token tells of itself now.
    pub(crate) fn put_reading(&self, reading: Reading) {
        self.inventory.put(&self.token, reading);
    }

    fn look(&mut self, looker: &dyn Looker) {
        let reading = looker.read(self);
        if let Reading::Fault(fault) = &reading {
            tracing::warn!(
                presence_id = self.token.presence_id(),
                fault,
                "cannot read a token"
            );
        }
        self.put_reading(reading);
    }
}

/// Starts the thread of a token that was plugged in.
pub(super) fn start(
    token: Arc<Token>,
    jobs: mpsc::Receiver<Job>,
    port: Port,
    inventory: Arc<Inventory>,
    looker: Arc<dyn Looker>,
) -> io::Result<()> {
    thread::Builder::new()
        .name(format!("token-{}", token.presence_id()))
        .stack_size(STACK)
        .spawn(move || {
            // Whatever ends the thread, a token without one is not listed.
            let _listed = Listed {
                token: Arc::clone(&token),
                inventory: Arc::clone(&inventory),
            };
            let mut bench = Bench::new(token, inventory, port);
            work(&mut bench, &jobs, &*looker);
        })?;
    Ok(())
}

/// Takes the token off the list when it is dropped.
struct Listed {
    token: Arc<Token>,
    inventory: Arc<Inventory>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.inventory.remove(&self.token);
    }
}

fn work(bench: &mut Bench, jobs: &mpsc::Receiver<Job>, looker: &dyn Looker) {
    bench.look(looker);
    if !bench.inventory.is_replug_expected() {
        looker.settle(bench);
    }
    bench.release();
    while let Some(job) = next(bench, jobs) {
        match job {
            Job::Work(job) => job(bench),
            Job::Release => {
                looker.settle(bench);
                bench.release();
            }
            Job::LookAgain => {
                if matches!(bench.token.reading(), Reading::Fault(_)) {
                    bench.look(looker);
                    bench.release();
                }
            }
            Job::End => break,
        }
    }
}

/// The next job; `None` when there will be none.
fn next(bench: &mut Bench, jobs: &mpsc::Receiver<Job>) -> Option<Job> {
    while bench.holds_card() {
        match jobs.recv_timeout(KEEP_EVERY) {
            Ok(job) => return Some(job),
            Err(mpsc::RecvTimeoutError::Timeout) => bench.keep(),
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
        }
    }
    jobs.recv().ok()
}
