//! The tokens that are plugged in: known by name, read once, leased to one caller at a time.
//!
//! Above [`crate::transport`], below [`crate::verb`]. Everything that touches a token runs on that
//! token's own thread, which lives from plug-in to unplug; a caller that hangs up cuts nothing.

mod card_facts;
mod channel;
mod facts;
mod identity;
mod inventory;
mod lease;
mod watch;
mod worker;

use std::sync::{Arc, PoisonError, RwLock, mpsc};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use card_facts::{CardFacts, GidsFacts, PinFacts, PivFacts};
pub(crate) use channel::{Channel, ChannelError};
pub use facts::Facts;
pub(crate) use identity::{Likeness, likeness};
pub use inventory::{Event, Inventory};
pub(crate) use lease::{Lease, LeaseError};
pub(crate) use watch::watch;
pub(crate) use worker::{Bench, Job, Looker};

use crate::{
    journal::TokenName,
    transport::{Description, Kind},
};

/// A token that is plugged in, or was until a moment ago.
#[derive(Debug)]
pub struct Token {
    presence_id: String,
    description: Description,
    reading: RwLock<Reading>,
    /// One permit: who holds it has the token. Closed when the token goes.
    leases: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
    gone: CancellationToken,
}

/// What is known from the token itself.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It was plugged in just now.
    Unread,
    /// authenticatorGetInfo was read.
    Read(Arc<Facts>),
    /// It speaks U2F alone, which has nothing to read.
    U2f,
    /// It could not be read, and why.
    Fault(String),
}

impl Token {
    fn new(presence_id: String, description: Description) -> (Arc<Self>, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel();
        let token = Self {
            presence_id,
            description,
            reading: RwLock::new(Reading::Unread),
            leases: Arc::new(Semaphore::new(1)),
            jobs,
            gone: CancellationToken::new(),
        };
        (Arc::new(token), queue)
    }

    /// Names this token from plug-in to unplug, and never another.
    #[must_use]
    pub fn presence_id(&self) -> &str {
        &self.presence_id
    }

    /// What its link tells.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// What it told itself.
    #[must_use]
    pub fn reading(&self) -> Reading {
        // Replaced whole, so never half written.
        self.reading
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How the journal writes it down.
    #[must_use]
    pub fn name(&self) -> TokenName {
        let aaguid = match self.reading() {
            Reading::Read(facts) => facts.aaguid,
            Reading::Unread | Reading::U2f | Reading::Fault(_) => [0; 16],
        };
        TokenName {
            presence_id: self.presence_id.clone(),
            vendor_id: self.description.vendor_id,
            product_id: self.description.product_id,
            serial: self.description.serial.clone(),
            aaguid,
        }
    }

    /// Exists in software only.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.description.kind == Kind::Socket
    }

    /// What to call it before a person.
    #[must_use]
    pub fn title(&self) -> &str {
        match self.description.product.as_str() {
            "" => "security key",
            product => product,
        }
    }

    /// Resolves when it was unplugged.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    fn set_reading(&self, reading: Reading) {
        *self.reading.write().unwrap_or_else(PoisonError::into_inner) = reading;
    }

    /// It was unplugged: ends its leases, and its thread once that is idle.
    fn end(&self) {
        self.leases.close();
        self.gone.cancel();
        // An error means that the thread has ended.
        drop(self.jobs.send(Job::End));
    }
}
