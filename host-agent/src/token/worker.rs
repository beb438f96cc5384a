//! A token's own thread: everything that touches the token happens here, one after another.

use std::{
    fmt, io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::{Bench, CardFacts, Inventory, Reading, Sight, Token, watch::Places};
use crate::transport::{Description, Port};

/// Stack of a token's thread: the core keeps its message buffers there, and a compressor of
/// certificates is built there. What is not used costs no memory.
const STACK: usize = 1024 * 1024;

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
    /// The token is seen from its other side, too.
    Join(Description, Port),
    /// It is not seen at a reader any more.
    Part,
    /// The token is gone.
    End,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work(_) => "Work",
            Self::Release => "Release",
            Self::LookAgain => "LookAgain",
            Self::Join(..) => "Join",
            Self::Part => "Part",
            Self::End => "End",
        })
    }
}

/// What is done with a token beside leases, by the layer above.
pub(crate) trait Looker: Send + Sync {
    /// Reads what the token's FIDO applet says of itself.
    fn read(&self, bench: &mut Bench) -> Reading;

    /// Reads what its other applets say, of a token that is at a reader.
    fn read_card(&self, bench: &mut Bench) -> Option<CardFacts>;

    /// Settles attempts that were cut off, where a look at the token can.
    fn settle(&self, bench: &mut Bench);
}

/// Starts the thread of a token that was plugged in. It leaves the token alone for `pause` first.
pub(super) fn start(
    token: Arc<Token>,
    jobs: mpsc::Receiver<Job>,
    port: Port,
    places: Arc<Places>,
    pause: Duration,
) -> io::Result<()> {
    thread::Builder::new()
        .name(format!("token-{}", token.presence_id()))
        .stack_size(STACK)
        .spawn(move || {
            let inventory = Arc::clone(&places.inventory);
            // Whatever ends the thread, a token without one is not listed.
            let _listed = Listed {
                token: Arc::clone(&token),
                inventory: Arc::clone(&inventory),
            };
            let first = match jobs.recv_timeout(pause) {
                Ok(job) => Some(job),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let mut worker = Worker {
                bench: Bench::new(token, Arc::clone(&inventory), port),
                inventory,
                looker: Arc::clone(&places.looker),
            };
            worker.work(first, &jobs, &places);
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

struct Worker {
    bench: Bench,
    inventory: Arc<Inventory>,
    looker: Arc<dyn Looker>,
}

impl Worker {
    fn work(&mut self, first: Option<Job>, jobs: &mpsc::Receiver<Job>, places: &Places) {
        if matches!(first, Some(Job::End)) {
            return;
        }
        let sight = self.look();
        if places.list_or_join(&mut self.bench, sight) {
            return;
        }
        if !self.inventory.is_replug_expected() {
            self.looker.settle(&mut self.bench);
        }
        self.bench.release();
        let mut next = first.or_else(|| self.next(jobs));
        while let Some(job) = next {
            match job {
                Job::Work(job) => job(&mut self.bench),
                Job::Release => {
                    self.looker.settle(&mut self.bench);
                    self.look_at_new_side();
                    self.bench.release();
                }
                Job::LookAgain => {
                    if self.is_unread() {
                        self.look_anew();
                    }
                }
                Job::Join(description, port) => self.join(description, port),
                Job::Part => {
                    self.bench.part();
                    let reading = self.bench.token().reading();
                    self.bench.put(Sight {
                        reading,
                        card: None,
                    });
                }
                Job::End => break,
            }
            next = self.next(jobs);
        }
    }

    /// The next job; `None` when there will be none.
    fn next(&mut self, jobs: &mpsc::Receiver<Job>) -> Option<Job> {
        while self.bench.holds_card() {
            match jobs.recv_timeout(KEEP_EVERY) {
                Ok(job) => return Some(job),
                Err(mpsc::RecvTimeoutError::Timeout) => self.bench.keep(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            }
        }
        jobs.recv().ok()
    }

    /// Something of it could not be read.
    fn is_unread(&self) -> bool {
        let token = self.bench.token();
        matches!(token.reading(), Reading::Fault(_))
            || self.bench.is_at_reader() && token.card().is_none()
    }

    fn look(&mut self) -> Sight {
        let reading = self.looker.read(&mut self.bench);
        if let Reading::Fault(fault) = &reading {
            tracing::warn!(
                presence_id = self.bench.token().presence_id(),
                fault,
                "cannot read a token"
            );
        }
        Sight {
            reading,
            card: self.look_at_card(),
        }
    }

    fn look_at_card(&mut self) -> Option<Arc<CardFacts>> {
        if !self.bench.is_at_reader() {
            return None;
        }
        self.looker.read_card(&mut self.bench).map(Arc::new)
    }

    fn look_anew(&mut self) {
        let sight = self.look();
        self.bench.put(sight);
        self.bench.release();
    }

    /// Reads the new side alone: the other one may be in the middle of something.
    fn join(&mut self, description: Description, port: Port) {
        let is_leased = self.bench.token().is_leased();
        let came_on_hid = matches!(port, Port::Reports(_));
        self.bench.join(description, port);
        let mut sight = self.bench.token().sight();
        if came_on_hid {
            sight.reading = self.looker.read(&mut self.bench);
        } else if !self.inventory.is_replug_expected() {
            sight.card = self.look_at_card();
        }
        self.bench.put(sight);
        if !is_leased {
            self.bench.release();
        }
    }

    /// A side that came while another token was to be plugged in anew was left alone.
    fn look_at_new_side(&mut self) {
        if self.bench.is_at_reader() && self.bench.token().card().is_none() {
            let reading = self.bench.token().reading();
            let card = self.look_at_card();
            if card.is_some() {
                self.bench.put(Sight { reading, card });
            }
        }
    }
}
