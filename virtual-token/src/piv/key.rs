//! Private keys at rest, a record each.

use super::primitives::MAX_PRIVATE;
use crate::storage::{Change, FORMAT, Failure, Record, Storage, whole};
use keysteward_core::piv::{Algorithm, KeyReference, PinPolicy, TouchPolicy};
use zeroize::Zeroizing;

/// A key of the card.
pub(super) struct StoredKey {
    pub algorithm: Algorithm,
    pub pin_policy: PinPolicy,
    pub touch_policy: TouchPolicy,
    /// It was made on the card.
    pub generated: bool,
    private: Zeroizing<[u8; MAX_PRIVATE]>,
    len: usize,
}

impl StoredKey {
    /// `fill` writes the private key and tells its length.
    pub(super) fn made<E>(
        algorithm: Algorithm,
        (pin_policy, touch_policy): (PinPolicy, TouchPolicy),
        generated: bool,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let mut private = Zeroizing::new([0; MAX_PRIVATE]);
        let len = fill(&mut *private)?;
        Ok(Self {
            algorithm,
            pin_policy,
            touch_policy,
            generated,
            private,
            len,
        })
    }

    pub(super) fn private(&self) -> &[u8] {
        self.private.get(..self.len).unwrap_or_default()
    }

    pub(super) fn read(
        storage: &impl Storage,
        reference: KeyReference,
    ) -> Result<Option<Self>, Failure> {
        let mut room = Zeroizing::new([0; LENGTH]);
        match whole(storage, Record::PivKey(reference.id()), &mut *room)? {
            None => Ok(None),
            Some(record) => Self::parse(record).map(Some).ok_or(Failure::Length),
        }
    }

    pub(super) fn write(
        &self,
        storage: &mut impl Storage,
        reference: KeyReference,
    ) -> Result<(), Failure> {
        let mut room = Zeroizing::new([0; LENGTH]);
        let head = [
            FORMAT,
            self.algorithm.id(),
            self.pin_policy.id(),
            self.touch_policy.id(),
            self.generated.into(),
        ];
        for (to, from) in room.iter_mut().zip(head.iter().chain(self.private())) {
            *to = *from;
        }
        let record = room
            .get(..HEAD.saturating_add(self.len))
            .ok_or(Failure::Length)?;
        storage.commit(&[Change::replace(Record::PivKey(reference.id()), record)])
    }

    fn parse(record: &[u8]) -> Option<Self> {
        let (&[FORMAT, algorithm, pin, touch, generated], private) = record.split_first_chunk()?
        else {
            return None;
        };
        let policies = (PinPolicy::from_id(pin)?, TouchPolicy::from_id(touch)?);
        let algorithm = Algorithm::from_id(algorithm)?;
        Self::made(algorithm, policies, generated != 0, |room| {
            let room = room.get_mut(..private.len()).ok_or(())?;
            room.copy_from_slice(private);
            Ok::<_, ()>(private.len())
        })
        .ok()
    }
}

const HEAD: usize = 5;
const LENGTH: usize = HEAD + MAX_PRIVATE;
