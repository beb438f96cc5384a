//! Who is plugged in, for all who ask, and for all who want to hear of changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::broadcast;

use super::{Reading, Token, identity::Names};
use crate::transport::Description;

/// A listener that falls further behind gets a snapshot instead.
const EVENTS_KEPT: usize = 64;

/// The tokens of this host.
#[derive(Debug)]
pub struct Inventory {
    names: Names,
    tokens: Mutex<BTreeMap<String, Arc<Token>>>,
    events: broadcast::Sender<Event>,
}

/// A change of the inventory.
#[derive(Clone, Debug)]
pub enum Event {
    /// Plugged in and read.
    Added(Arc<Token>),
    /// Its reading is another one.
    Changed(Arc<Token>),
    /// Unplugged.
    Removed {
        /// The name it had.
        presence_id: String,
    },
}

impl Inventory {
    pub(crate) fn new(rng: &mut impl rand::RngCore) -> Arc<Self> {
        Arc::new(Self {
            names: Names::new(rng),
            tokens: Mutex::default(),
            events: broadcast::Sender::new(EVENTS_KEPT),
        })
    }

    /// Every token, in the order they came.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Token>> {
        self.tokens().values().cloned().collect()
    }

    /// The token of that name, if it is still plugged in.
    #[must_use]
    pub fn find(&self, presence_id: &str) -> Option<Arc<Token>> {
        self.tokens().get(presence_id).cloned()
    }

    /// The tokens as they are, and every change from that very moment on.
    #[must_use]
    pub fn watch(&self) -> (Vec<Arc<Token>>, broadcast::Receiver<Event>) {
        let tokens = self.tokens();
        (tokens.values().cloned().collect(), self.events.subscribe())
    }

    /// Names a token that was just plugged in. It is not listed until it was read.
    pub(crate) fn name(&self, description: Description) -> Arc<Token> {
        Arc::new(Token::new(self.names.next(), description))
    }

    pub(crate) fn add(&self, token: Arc<Token>) {
        let mut tokens = self.tokens();
        tokens.insert(token.presence_id.clone(), Arc::clone(&token));
        self.tell(Event::Added(token));
    }

    pub(crate) fn changed(&self, token: &Arc<Token>, reading: Reading) {
        let tokens = self.tokens();
        token.set_reading(reading);
        if tokens.contains_key(&token.presence_id) {
            self.tell(Event::Changed(Arc::clone(token)));
        }
    }

    pub(crate) fn remove(&self, presence_id: &str) {
        let mut tokens = self.tokens();
        if tokens.remove(presence_id).is_some() {
            self.tell(Event::Removed {
                presence_id: presence_id.to_owned(),
            });
        }
    }

    /// Called with the map locked, so that every listener sees one order of events.
    fn tell(&self, event: Event) {
        // An error means that nobody listens.
        drop(self.events.send(event));
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Token>>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
