//! Which hosts are linked now, and what is plugged in there.
//!
//! In memory: the link itself is the presence. The one rule is here that no two
//! live links may have one identity.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use keysteward_proto::agent::v1::Token;

use super::{Duplicate, PresentToken, link::Link};
use crate::store::HostId;

/// The links of this server.
#[derive(Debug, Default)]
pub(super) struct Registry {
    hosts: RwLock<HashMap<HostId, Linked>>,
    duplicates: Mutex<HashMap<HostId, Duplicate>>,
}

#[derive(Debug)]
struct Linked {
    link: Link,
    tokens: Vec<Token>,
}

/// What stands in the way of a new link.
#[derive(Debug)]
pub(super) enum Claim {
    /// Nothing: it is the host's link now.
    Taken,
    /// A link of the same agent process, and an older one: the new one is the
    /// host's link now, the old one is to be closed.
    Replaced(Link, Vec<Token>),
    /// A link of the same agent process, and a newer one: this one is late.
    Late,
    /// A link of another agent process. If it lives, two machines are one host.
    Rival(Link),
}

impl Registry {
    /// Puts `link` in, unless another one is there that does not give way.
    /// `dead` is a rival that was found not to answer.
    pub(super) fn claim(&self, link: &Link, dead: Option<&Link>) -> Claim {
        let mut hosts = self.write();
        if let Some(there) = hosts.get(&link.host()).map(|linked| &linked.link) {
            let same_process = there.boot_id() == link.boot_id();
            if same_process && there.epoch() >= link.epoch() {
                return Claim::Late;
            }
            let gives_way =
                same_process || there.is_closed() || dead.is_some_and(|dead| dead.is(there));
            if !gives_way {
                return Claim::Rival(there.clone());
            }
        }
        let new = Linked {
            link: link.clone(),
            tokens: Vec::new(),
        };
        match hosts.insert(link.host(), new) {
            None => Claim::Taken,
            Some(old) => Claim::Replaced(old.link, old.tokens),
        }
    }

    /// Takes `link` out, where it is still the host's link, and gives the tokens
    /// that were plugged in there.
    pub(super) fn remove(&self, link: &Link) -> Option<Vec<Token>> {
        let mut hosts = self.write();
        let current = hosts.get(&link.host())?;
        if !current.link.is(link) {
            return None;
        }
        hosts.remove(&link.host()).map(|linked| linked.tokens)
    }

    /// Changes the tokens of `link`, where it is still the host's link.
    pub(super) fn with_tokens<T>(
        &self,
        link: &Link,
        change: impl FnOnce(&mut Vec<Token>) -> T,
    ) -> Option<T> {
        let mut hosts = self.write();
        let linked = hosts.get_mut(&link.host())?;
        linked.link.is(link).then(|| change(&mut linked.tokens))
    }

    pub(super) fn link(&self, host: HostId) -> Option<Link> {
        self.read().get(&host).map(|linked| linked.link.clone())
    }

    pub(super) fn links(&self) -> Vec<Link> {
        self.read()
            .values()
            .map(|linked| linked.link.clone())
            .collect()
    }

    pub(super) fn hosts(&self) -> Vec<HostId> {
        self.read().keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.read().len()
    }

    pub(super) fn present(&self) -> Vec<PresentToken> {
        self.read()
            .iter()
            .flat_map(|(&host, linked)| {
                linked.tokens.iter().map(move |token| PresentToken {
                    host,
                    token: token.clone(),
                })
            })
            .collect()
    }

    pub(super) fn tokens(&self, host: HostId) -> Vec<Token> {
        self.read()
            .get(&host)
            .map(|linked| linked.tokens.clone())
            .unwrap_or_default()
    }

    /// Remembers a link that was refused because another one lives. `true` the
    /// first time that this process of an agent is seen doing it.
    pub(super) fn duplicate(&self, duplicate: Duplicate) -> bool {
        let mut duplicates = self
            .duplicates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = duplicates
            .get(&duplicate.host)
            .is_some_and(|known| known.boot_id == duplicate.boot_id);
        duplicates.insert(duplicate.host, duplicate);
        !known
    }

    pub(super) fn duplicates(&self) -> Vec<Duplicate> {
        self.duplicates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    pub(super) fn duplicate_of(&self, host: HostId) -> Option<Duplicate> {
        self.duplicates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&host)
            .cloned()
    }

    pub(super) fn forget_duplicate(&self, host: HostId) {
        self.duplicates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&host);
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<HostId, Linked>> {
        // Each change under the lock is one insert or remove: never half done.
        self.hosts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<HostId, Linked>> {
        self.hosts.write().unwrap_or_else(PoisonError::into_inner)
    }
}
