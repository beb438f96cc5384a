//! Where known tokens are plugged in now. In memory: a link that is gone takes
//! its tokens with it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::store::{HostId, TokenId};

/// Where a token is plugged in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// At which host.
    pub host: HostId,
    /// From plug-in to unplug.
    pub presence_id: String,
}

/// Where known tokens are.
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<HashMap<TokenId, Place>>);

impl Presence {
    /// Puts a token somewhere. Says whether that is news.
    ///
    /// # Errors
    /// Where another token with the same identity is plugged in, as `still_there`
    /// knows: the first stays.
    pub(super) fn put(
        &self,
        token: TokenId,
        place: Place,
        still_there: impl FnOnce(&Place) -> bool,
    ) -> Result<bool, Place> {
        let mut places = self.places();
        match places.get(&token) {
            Some(known) if *known == place => Ok(false),
            Some(other) if still_there(other) => Err(other.clone()),
            _ => {
                places.insert(token, place);
                Ok(true)
            }
        }
    }

    /// The token that was there is not any more.
    pub(super) fn remove(&self, host: HostId, presence_id: &str) -> Option<TokenId> {
        let mut places = self.places();
        let token = places
            .iter()
            .find(|(_, place)| place.host == host && place.presence_id == presence_id)
            .map(|(token, _)| *token)?;
        places.remove(&token);
        Some(token)
    }

    /// No token is at this host any more.
    pub(super) fn remove_host(&self, host: HostId) {
        self.places().retain(|_, place| place.host != host);
    }

    pub(super) fn of(&self, token: TokenId) -> Option<Place> {
        self.places().get(&token).cloned()
    }

    pub(super) fn at(&self, host: HostId, presence_id: &str) -> Option<TokenId> {
        self.places()
            .iter()
            .find(|(_, place)| place.host == host && place.presence_id == presence_id)
            .map(|(token, _)| *token)
    }

    pub(super) fn tokens(&self) -> Vec<TokenId> {
        self.places().keys().copied().collect()
    }

    fn places(&self) -> MutexGuard<'_, HashMap<TokenId, Place>> {
        // Each change under the lock is one insert or remove.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
