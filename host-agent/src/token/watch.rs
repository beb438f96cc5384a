//! Turns what transports notice into tokens with threads, and two sides of one token into one.
//!
//! ```text
//!               read                 its other side came
//!   (came) ----------> listed alone ---------------------> joined
//!      |                    ^                                 |
//!      | its other side     |        its reader side went     |
//!      '-- is listed: ------+---------------------------------'
//!          joined to it                its HID side went: unplugged; what is left is a token anew
//! ```
//!
//! Sides of one device are known as such at once, by their place on USB; others once both were
//! read, by the serial number that both tell.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Bench, Inventory, Job, Looker, Sight, Token,
    identity::{Side, are_one_device, are_one_token},
    worker,
};
use crate::transport::{Description, Listener, Notice, Place, Port, pcsc::PcscPort};

/// A listener that keeps `inventory`; each token's thread looks at it with `looker`.
pub(crate) fn watch(inventory: Arc<Inventory>, looker: Arc<dyn Looker>) -> Listener {
    let places = Arc::new(Places {
        inventory,
        looker,
        plugged: Mutex::default(),
    });
    Arc::new(move |notice| places.handle(notice))
}

/// What is plugged in where.
pub(super) struct Places {
    pub(super) inventory: Arc<Inventory>,
    pub(super) looker: Arc<dyn Looker>,
    plugged: Mutex<HashMap<Place, Plugged>>,
}

/// One side of a token.
struct Plugged {
    token: Arc<Token>,
    description: Description,
    /// To begin anew with, where it is a reader's.
    card: Option<PcscPort>,
}

impl Plugged {
    const fn is_at_reader(&self) -> bool {
        self.card.is_some()
    }
}

/// How long what is left of a token that was unplugged is left alone: its other side is on its way
/// out, too, unless it is a card on a reader.
const AFTERMATH: Duration = Duration::from_secs(2);

impl Places {
    fn handle(self: &Arc<Self>, notice: Notice) {
        let mut plugged = self.lock();
        match notice {
            Notice::Came {
                place,
                description,
                port,
            } => self.came(&mut plugged, place, description, port),
            Notice::Changed { place } => {
                if let Some(side) = plugged.get(&place) {
                    drop(side.token.jobs.send(Job::LookAgain));
                }
            }
            Notice::Went { place } => self.went(&mut plugged, &place),
        }
    }

    fn came(
        self: &Arc<Self>,
        plugged: &mut HashMap<Place, Plugged>,
        place: Place,
        description: Description,
        port: Port,
    ) {
        let is_at_reader = matches!(port, Port::Card(_));
        let others = plugged.values().filter(|side| {
            side.is_at_reader() != is_at_reader && are_one_device(&side.description, &description)
        });
        match only(others) {
            Some(other) if is_alone(plugged, &other.token) => {
                let token = Arc::clone(&other.token);
                join(plugged, place, &token, description, port);
            }
            _ => self.start(plugged, place, description, port, Duration::ZERO),
        }
    }

    fn start(
        self: &Arc<Self>,
        plugged: &mut HashMap<Place, Plugged>,
        place: Place,
        description: Description,
        port: Port,
        pause: Duration,
    ) {
        let (token, jobs) = self.inventory.name(description.clone());
        tracing::info!(
            presence_id = token.presence_id(),
            place,
            product = token.description().product,
            "a token was plugged in"
        );
        let card = match &port {
            Port::Card(card) => Some(card.clone()),
            Port::Reports(_) => None,
        };
        match worker::start(Arc::clone(&token), jobs, port, Arc::clone(self), pause) {
            Ok(()) => {
                let side = Plugged {
                    token,
                    description,
                    card,
                };
                plugged.insert(place, side);
            }
            Err(error) => tracing::error!(%error, place, "cannot start a token's thread"),
        }
    }

    fn went(self: &Arc<Self>, plugged: &mut HashMap<Place, Plugged>, place: &Place) {
        let Some(gone) = plugged.remove(place) else {
            return;
        };
        let presence_id = gone.token.presence_id();
        let other = plugged
            .iter()
            .find(|(_, side)| Arc::ptr_eq(&side.token, &gone.token))
            .map(|(place, _)| place.clone());
        match other {
            Some(_) if gone.is_at_reader() => {
                tracing::info!(presence_id, place, "a token is not at its reader any more");
                drop(gone.token.jobs.send(Job::Part));
            }
            other => {
                tracing::info!(presence_id, place, "a token was unplugged");
                self.inventory.remove(&gone.token);
                let left = other.and_then(|place| plugged.remove_entry(&place));
                if let Some((place, left)) = left
                    && let Some(card) = left.card
                {
                    let port = Port::Card(card);
                    self.start(plugged, place, left.description, port, AFTERMATH);
                }
            }
        }
    }

    /// Lists a token that was just read; or, where its other side is listed already, joins it to
    /// that one, and is `true`: this one's thread has nothing more to do.
    pub(super) fn list_or_join(&self, bench: &mut Bench, sight: Sight) -> bool {
        let mut plugged = self.lock();
        let token = Arc::clone(bench.token());
        let Some((other, place)) = self.other_side(&plugged, &token, &sight) else {
            self.inventory.put(&token, sight);
            return false;
        };
        let (Some(side), Some(port)) = (plugged.remove(&place), bench.take_port()) else {
            return false;
        };
        join(&mut plugged, place, &other, side.description, port);
        true
    }

    /// The listed token that `token` is the other side of, and where `token` is plugged in.
    fn other_side(
        &self,
        plugged: &HashMap<Place, Plugged>,
        token: &Arc<Token>,
        sight: &Sight,
    ) -> Option<(Arc<Token>, Place)> {
        let mine = |side: &&Plugged| Arc::ptr_eq(&side.token, token);
        let (place, own) = plugged.iter().find(|(_, side)| mine(side))?;
        if !is_alone(plugged, token) {
            return None;
        }
        let others = plugged.values().filter(|side| {
            if side.is_at_reader() == own.is_at_reader() || !is_alone(plugged, &side.token) {
                return false;
            }
            let listed = side.token.sight();
            are_one_token(
                &Side::new(&own.description, sight),
                &Side::new(&side.description, &listed),
            )
        });
        let other = only(others)?;
        Some((Arc::clone(&other.token), place.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Plugged>> {
        // A map of handles cannot be half changed.
        self.plugged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether only one side of the token is seen.
fn is_alone(plugged: &HashMap<Place, Plugged>, token: &Arc<Token>) -> bool {
    let sides = plugged.values();
    sides.filter(|side| Arc::ptr_eq(&side.token, token)).count() == 1
}

/// With the map locked, so that the token hears of its sides in the order in which they come and
/// go.
fn join(
    plugged: &mut HashMap<Place, Plugged>,
    place: Place,
    token: &Arc<Token>,
    description: Description,
    port: Port,
) {
    tracing::info!(
        presence_id = token.presence_id(),
        place,
        "a token is seen from its other side, too"
    );
    let card = match &port {
        Port::Card(card) => Some(card.clone()),
        Port::Reports(_) => None,
    };
    drop(token.jobs.send(Job::Join(description.clone(), port)));
    let side = Plugged {
        token: Arc::clone(token),
        description,
        card,
    };
    plugged.insert(place, side);
}

/// The one there is; `None` where it could be another as well.
fn only<T>(mut candidates: impl Iterator<Item = T>) -> Option<T> {
    let one = candidates.next()?;
    candidates.next().is_none().then_some(one)
}
