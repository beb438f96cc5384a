//! Who is plugged in, for all who ask, and for all who want to hear of changes.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Instant,
};

use tokio::sync::broadcast;

use super::{Job, Sight, Token, identity::Names};
use crate::{clock, transport::Description};

/// A listener that falls further behind gets a snapshot instead.
const EVENTS_KEPT: usize = 64;

/// Longest text of a USB descriptor, in UTF-16 units.
const DESCRIPTION_MAX: usize = 126;

/// The tokens of this host.
#[derive(Debug)]
pub struct Inventory {
    names: Names,
    tokens: Mutex<BTreeMap<String, Arc<Token>>>,
    events: broadcast::Sender<Event>,
    /// For blocking callers: something has changed.
    moved: Condvar,
    /// How many callers wait for a token to be plugged in anew.
    replugs_expected: AtomicUsize,
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
            moved: Condvar::new(),
            replugs_expected: AtomicUsize::new(0),
        })
    }

    /// Every token.
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

    /// Blocks until `sought` finds what it wants among the tokens, or `None` at the deadline. Looks
    /// at each change, and whenever it is [nudged](Self::nudge).
    pub(crate) fn wait_for<T>(
        &self,
        deadline: Instant,
        mut sought: impl FnMut(&BTreeMap<String, Arc<Token>>) -> Option<T>,
    ) -> Option<T> {
        let mut tokens = self.tokens();
        loop {
            if let Some(found) = sought(&tokens) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(clock::now())?;
            tokens = self
                .moved
                .wait_timeout(tokens, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Makes those who wait look again, since what they want may have changed.
    pub(crate) fn nudge(&self) {
        // Locked, so that nobody is between looking and waiting.
        let _tokens = self.tokens();
        self.moved.notify_all();
    }

    /// While the guard lives, a token that comes is left alone until somebody leases it: a reset
    /// must be the first thing it hears.
    pub(crate) fn expect_replug(self: &Arc<Self>) -> ReplugExpected {
        self.replugs_expected.fetch_add(1, Ordering::SeqCst);
        ReplugExpected(Arc::clone(self))
    }

    pub(super) fn is_replug_expected(&self) -> bool {
        self.replugs_expected.load(Ordering::SeqCst) > 0
    }

    /// Names a token that was just plugged in. It is not listed until it was read.
    pub(crate) fn name(&self, description: Description) -> (Arc<Token>, mpsc::Receiver<Job>) {
        Token::new(self.names.next(), plain(description))
    }

    /// Lists a token with what it told, unless it has gone meanwhile.
    pub(crate) fn put(&self, token: &Arc<Token>, sight: Sight) {
        let mut tokens = self.tokens();
        if token.gone.is_cancelled() {
            return;
        }
        token.set_sight(sight);
        let before = tokens.insert(token.presence_id.clone(), Arc::clone(token));
        self.tell(match before {
            None => Event::Added(Arc::clone(token)),
            Some(_) => Event::Changed(Arc::clone(token)),
        });
    }

    pub(crate) fn remove(&self, token: &Token) {
        let mut tokens = self.tokens();
        token.end();
        if tokens.remove(&token.presence_id).is_some() {
            self.tell(Event::Removed {
                presence_id: token.presence_id.clone(),
            });
        }
    }

    /// Called with the map locked, so that every listener sees one order of events.
    fn tell(&self, event: Event) {
        // An error means that nobody listens.
        drop(self.events.send(event));
        self.moved.notify_all();
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Token>>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token says of itself what it likes; people read it on terminals and in prompts.
pub(super) fn plain(description: Description) -> Description {
    let plain = |text: String| -> String {
        let printable = text.chars().filter(|c| !c.is_control());
        printable.take(DESCRIPTION_MAX).collect()
    };
    Description {
        manufacturer: plain(description.manufacturer),
        product: plain(description.product),
        serial: plain(description.serial),
        reader: plain(description.reader),
        reader_serial: plain(description.reader_serial),
        ..description
    }
}

/// See [`Inventory::expect_replug`].
#[derive(Debug)]
pub(crate) struct ReplugExpected(Arc<Inventory>);

impl Drop for ReplugExpected {
    fn drop(&mut self) {
        self.0.replugs_expected.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::Reading;

    fn inventory() -> Arc<Inventory> {
        Inventory::new(&mut rand::rngs::OsRng)
    }

    fn read() -> Sight {
        Sight {
            reading: Reading::Fault("a test".to_owned()),
            card: None,
        }
    }

    #[test]
    fn what_a_token_calls_itself_is_plain_text() {
        let (token, _jobs) = inventory().name(Description {
            product: "Key\u{1b}[2J\n".to_owned(),
            manufacturer: "m".repeat(500),
            ..Description::default()
        });
        assert_eq!(token.description().product, "Key[2J");
        assert_eq!(token.description().manufacturer.len(), DESCRIPTION_MAX);
    }

    #[test]
    fn a_token_that_went_while_it_was_read_is_not_listed() {
        let inventory = inventory();
        let (token, _jobs) = inventory.name(Description::default());
        inventory.remove(&token);
        inventory.put(&token, read());
        assert!(inventory.list().is_empty());
    }

    #[test]
    fn who_waits_sees_what_comes_and_gives_up_in_time() {
        let inventory = inventory();
        let (token, _jobs) = inventory.name(Description::default());
        let deadline = || clock::now() + Duration::from_secs(10);
        let waiting = std::thread::spawn({
            let inventory = Arc::clone(&inventory);
            move || inventory.wait_for(deadline(), |tokens| tokens.keys().next().cloned())
        });
        inventory.put(&token, read());
        assert_eq!(
            waiting.join().unwrap().as_deref(),
            Some(token.presence_id())
        );
        let nothing: Option<()> = inventory.wait_for(clock::now(), |_| None);
        assert_eq!(nothing, None);
    }
}
