//! Turns what transports notice into tokens with threads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Inventory, Job, Looker, Token, worker};
use crate::transport::{Listener, Notice, Place};

/// A listener that keeps `inventory`; each token's thread looks at it with `looker`.
pub(crate) fn watch(inventory: Arc<Inventory>, looker: Arc<dyn Looker>) -> Listener {
    let places: Mutex<HashMap<Place, Arc<Token>>> = Mutex::default();
    Arc::new(move |notice| {
        // A map of handles cannot be half changed.
        let mut places = places.lock().unwrap_or_else(PoisonError::into_inner);
        match notice {
            Notice::Came {
                place,
                description,
                port,
            } => {
                let (token, jobs) = inventory.name(description);
                tracing::info!(
                    presence_id = token.presence_id(),
                    place,
                    product = token.description().product,
                    "a token was plugged in"
                );
                let started = worker::start(
                    Arc::clone(&token),
                    jobs,
                    port,
                    Arc::clone(&inventory),
                    Arc::clone(&looker),
                );
                match started {
                    Ok(()) => {
                        places.insert(place, token);
                    }
                    Err(error) => tracing::error!(%error, place, "cannot start a token's thread"),
                }
            }
            Notice::Changed { place } => {
                if let Some(token) = places.get(&place) {
                    drop(token.jobs.send(Job::LookAgain));
                }
            }
            Notice::Went { place } => {
                if let Some(token) = places.remove(&place) {
                    tracing::info!(
                        presence_id = token.presence_id(),
                        place,
                        "a token was unplugged"
                    );
                    inventory.remove(&token);
                }
            }
        }
    })
}
