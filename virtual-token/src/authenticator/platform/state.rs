//! What a key has stored, as tests look at it.

use crate::authenticator::credential;
use crate::authenticator::credential::stored::Stored;
use crate::authenticator::factory::Factory;
use crate::authenticator::owner::Owner;
use crate::authenticator::record::load;
use crate::authenticator::secret::Key;
use crate::storage::{MAX_RECORD, MemoryStorage, Record, Storage, whole};
use keysteward_core::ctap2::PublicKeyCredentialUserEntity;
use std::ops::Deref;
/// What lies in a storage.
pub(in crate::authenticator) struct State {
    pub(in crate::authenticator) factory: Factory,
    pub(in crate::authenticator) owner: Owned,
}

/// What the owner made.
pub(in crate::authenticator) struct Owned {
    pub(in crate::authenticator) owner: Owner,
    pub(in crate::authenticator) min_pin_length_rp_ids: Vec<String>,
    /// Oldest first.
    pub(in crate::authenticator) credentials: Vec<Kept>,
}

/// A discoverable credential.
pub(in crate::authenticator) struct Kept {
    made: u32,
    pub(in crate::authenticator) id: [u8; 32],
    pub(in crate::authenticator) rp_id: String,
    pub(in crate::authenticator) user: User,
    pub(in crate::authenticator) algorithm: credential::Algorithm,
    pub(in crate::authenticator) key: Key<32>,
    pub(in crate::authenticator) random_with_uv: Key<32>,
    pub(in crate::authenticator) random_without_uv: Key<32>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::authenticator) struct User {
    pub(in crate::authenticator) id: Vec<u8>,
    pub(in crate::authenticator) name: Option<String>,
    pub(in crate::authenticator) display_name: Option<String>,
}

impl Deref for Owned {
    type Target = Owner;

    fn deref(&self) -> &Owner {
        &self.owner
    }
}

impl State {
    pub(super) fn read(storage: &MemoryStorage) -> Self {
        let mut room = [0; MAX_RECORD];
        let owner: Owner = load(storage, Record::Owner, &mut room).unwrap().unwrap();
        let mut text = |record| {
            let bytes = whole(storage, record, &mut room).unwrap().unwrap();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        let listed = (0..owner.min_pin_length_rp_ids).map(Record::MinPinLengthRpId);
        let min_pin_length_rp_ids = listed.map(&mut text).collect();
        let slots = (0..storage.capacity().credentials).map(Record::Credential);
        let mut credentials: Vec<Kept> = slots
            .filter_map(|slot| {
                load::<Stored<'_>>(storage, slot, &mut room)
                    .unwrap()
                    .map(Kept::new)
            })
            .collect();
        credentials.sort_by_key(|kept| kept.made);
        Self {
            factory: Factory::read_from(storage).unwrap().unwrap(),
            owner: Owned {
                owner,
                min_pin_length_rp_ids,
                credentials,
            },
        }
    }
}

impl Kept {
    fn new(stored: Stored<'_>) -> Self {
        Self {
            made: stored.made,
            id: *stored.id,
            rp_id: stored.rp.id.into(),
            user: User {
                id: stored.user.id.into(),
                name: stored.user.name.map(Into::into),
                display_name: stored.user.display_name.map(Into::into),
            },
            algorithm: stored.algorithm,
            key: Key(*stored.key),
            random_with_uv: Key(*stored.random_with_uv),
            random_without_uv: Key(*stored.random_without_uv),
        }
    }
}

impl User {
    pub(in crate::authenticator) fn entity(&self) -> PublicKeyCredentialUserEntity<'_> {
        PublicKeyCredentialUserEntity {
            id: &self.id,
            name: self.name.as_deref(),
            display_name: self.display_name.as_deref(),
        }
    }
}
