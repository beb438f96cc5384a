//! The tokens that are plugged in: known by name, read once, leased to one caller at a time.
//!
//! Above [`crate::transport`], below [`crate::verb`]. Everything that touches a token runs on that
//! token's own thread, which lives from plug-in to unplug; a caller that hangs up cuts nothing.

mod atr;
mod bench;
mod card_facts;
mod channel;
mod facts;
mod identity;
mod inventory;
mod lease;
mod watch;
mod worker;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub(crate) use bench::Bench;
pub use card_facts::{CardFacts, GidsFacts, PinFacts, PivFacts};
pub(crate) use channel::{Channel, ChannelError};
pub use facts::Facts;
pub(crate) use identity::{Likeness, likeness};
use identity::{product, serial};
pub use inventory::{Event, Inventory};
pub(crate) use lease::{Lease, LeaseError};
pub(crate) use watch::watch;
pub(crate) use worker::{Job, Looker};

use crate::{
    journal::TokenName,
    transport::{Description, Kind},
};

/// A token that is plugged in, or was until a moment ago.
#[derive(Debug)]
pub struct Token {
    presence_id: String,
    description: RwLock<Arc<Description>>,
    sight: RwLock<Sight>,
    /// One permit: who holds it has the token. Closed when the token goes.
    leases: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
    gone: CancellationToken,
}

/// What is known from the token itself, from either side.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Of its FIDO applet.
    pub(crate) reading: Reading,
    /// Of its other applets; `None` where it is at no reader, or could not be read there.
    pub(crate) card: Option<Arc<CardFacts>>,
}

/// What is known of a token's FIDO applet.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It was plugged in just now.
    Unread,
    /// authenticatorGetInfo was read.
    Read(Arc<Facts>),
    /// It speaks U2F alone, which has nothing to read.
    U2f,
    /// A card without a FIDO applet.
    NoFido,
    /// It could not be read, and why.
    Fault(String),
}

impl Token {
    fn new(presence_id: String, description: Description) -> (Arc<Self>, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel();
        let token = Self {
            presence_id,
            description: RwLock::new(Arc::new(description)),
            sight: RwLock::new(Sight {
                reading: Reading::Unread,
                card: None,
            }),
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

    /// What its link tells; of a token that is seen on HID and at a reader, what both tell.
    #[must_use]
    pub fn description(&self) -> Arc<Description> {
        Arc::clone(&read(&self.description))
    }

    /// What its FIDO applet told.
    #[must_use]
    pub fn reading(&self) -> Reading {
        read(&self.sight).reading.clone()
    }

    /// What its other applets told.
    #[must_use]
    pub fn card(&self) -> Option<Arc<CardFacts>> {
        read(&self.sight).card.clone()
    }

    pub(crate) fn sight(&self) -> Sight {
        read(&self.sight).clone()
    }

    /// How the journal writes it down.
    #[must_use]
    pub fn name(&self) -> TokenName {
        let Sight { reading, card } = self.sight();
        let aaguid = match reading {
            Reading::Read(facts) => facts.aaguid,
            Reading::Unread | Reading::U2f | Reading::NoFido | Reading::Fault(_) => [0; 16],
        };
        let description = self.description();
        TokenName {
            presence_id: self.presence_id.clone(),
            vendor_id: description.vendor_id,
            product_id: description.product_id,
            serial: serial(&description, card.as_deref()),
            aaguid,
        }
    }

    /// Exists in software only.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.description().kind == Kind::Socket
    }

    /// What to call it before a person.
    #[must_use]
    pub fn title(&self) -> String {
        match (self.product(), self.description().kind) {
            (product, _) if !product.is_empty() => product,
            (_, Kind::Pcsc) => "smart card".to_owned(),
            _ => "security key".to_owned(),
        }
    }

    /// What its vendor calls it, as far as it tells; empty where nothing does.
    #[must_use]
    pub fn product(&self) -> String {
        product(&self.description(), self.card().as_deref())
    }

    /// Resolves when it was unplugged.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    fn set_sight(&self, sight: Sight) {
        *write(&self.sight) = sight;
    }

    fn set_description(&self, description: Description) {
        *write(&self.description) = Arc::new(description);
    }

    /// It was unplugged: ends its leases, and its thread once that is idle.
    fn end(&self) {
        self.leases.close();
        self.gone.cancel();
        // An error means that the thread has ended.
        drop(self.jobs.send(Job::End));
    }
}

// What these locks keep is replaced whole, so never half written.

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
