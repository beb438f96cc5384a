//! A token's own thread: everything that touches the token happens here, one after another.

use std::{
    fmt, io,
    sync::{Arc, mpsc},
    thread,
};

use keysteward_core::ctaphid::{HidTransport, TransportError};
use rand::{RngCore as _, rngs::OsRng};

use super::{Inventory, Reading, Token};
use crate::transport::{self, LinkError, Port, TokenLink};

/// Stack of a token's thread: the core keeps its message buffers there.
const STACK: usize = 256 * 1024;

/// How long a token may take to say who it is.
const LOOK_PATIENCE_MS: u64 = 3_000;

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

/// A token and the way to it, as a job finds them.
#[derive(Debug)]
pub(crate) struct Bench {
    token: Arc<Token>,
    inventory: Arc<Inventory>,
    port: Port,
    link: Option<HidTransport<TokenLink>>,
}

impl Bench {
    pub(crate) const fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// The token's channel, opened if it is not.
    pub(crate) fn link(
        &mut self,
    ) -> Result<&mut HidTransport<TokenLink>, TransportError<LinkError>> {
        if self.link.is_none() {
            let link = self.port.open().map_err(TransportError::Link)?;
            let mut nonce = [0; 8];
            OsRng.fill_bytes(&mut nonce);
            let deadline = transport::now().after(LOOK_PATIENCE_MS);
            self.link = Some(HidTransport::open(link, nonce, deadline)?);
        }
        // Filled above.
        self.link.as_mut().ok_or(TransportError::Deadline)
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
            let mut bench = Bench {
                token,
                inventory,
                port,
                link: None,
            };
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
    bench.link = None;
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Work(job) => job(bench),
            Job::Release => {
                looker.settle(bench);
                bench.link = None;
            }
            Job::LookAgain => {
                if matches!(bench.token.reading(), Reading::Fault(_)) {
                    bench.look(looker);
                    bench.link = None;
                }
            }
            Job::End => break,
        }
    }
}
