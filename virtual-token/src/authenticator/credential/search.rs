//! Looking for credentials, slot by slot.

use super::stored::{Room, Stored};
use crate::authenticator::record::parse_record;
use crate::authenticator::{Authenticator, other};
use crate::storage::{Record, Storage, whole};
use core::ops::ControlFlow;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// The slot of each credential, in no order but that of the slots.
    pub(in crate::authenticator) fn slots(&self) -> core::ops::Range<u16> {
        0..self.storage.capacity().credentials
    }

    /// How many there are.
    pub(in crate::authenticator) fn count_stored(&self) -> Result<u16, Status> {
        let mut count = 0_u16;
        for slot in self.slots() {
            let record = self.storage.read(Record::Credential(slot), 0, &mut []);
            if record.map_err(other)?.is_some() {
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    /// A slot without a credential; `None`: the key is full.
    pub(in crate::authenticator) fn free_slot(&self) -> Result<Option<u16>, Status> {
        for slot in self.slots() {
            let record = self.storage.read(Record::Credential(slot), 0, &mut []);
            if record.map_err(other)?.is_none() {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    /// The credential in a slot.
    pub(in crate::authenticator) fn stored<'b>(
        &self,
        slot: u16,
        room: &'b mut Room,
    ) -> Result<Option<Stored<'b>>, Status> {
        let record = whole(&self.storage, Record::Credential(slot), room.as_mut_slice());
        match record.map_err(other)? {
            None => Ok(None),
            Some(record) => parse_record(record).map(Some).map_err(other),
        }
    }

    /// Shows the credentials one after the other, until `visit` breaks off.
    #[inline(never)]
    pub(in crate::authenticator) fn visit_stored(
        &self,
        visit: &mut dyn FnMut(u16, &Stored<'_>) -> ControlFlow<()>,
    ) -> Result<(), Status> {
        let mut room = Room::new([0; _]);
        for slot in self.slots() {
            if let Some(stored) = self.stored(slot, &mut room)?
                && visit(slot, &stored).is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// The slot of the first credential that fits.
    pub(in crate::authenticator) fn find_stored(
        &self,
        fits: &mut dyn FnMut(&Stored<'_>) -> bool,
    ) -> Result<Option<u16>, Status> {
        let mut found = None;
        self.visit_stored(&mut |slot, stored| {
            if fits(stored) {
                found = Some(slot);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Of the credentials that fit: how many were made before number `before`, and the slot and
    /// number of the newest of them.
    pub(in crate::authenticator) fn newest_stored(
        &self,
        before: u32,
        fits: &mut dyn FnMut(&Stored<'_>) -> bool,
    ) -> Result<Newest, Status> {
        let mut newest = Newest {
            count: 0,
            found: None,
        };
        self.visit_stored(&mut |slot, stored| {
            if stored.made < before && fits(stored) {
                newest.count = newest.count.saturating_add(1);
                if newest.found.is_none_or(|(_, made)| made < stored.made) {
                    newest.found = Some((slot, stored.made));
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(newest)
    }
}

/// What [`newest_stored`](Authenticator::newest_stored) finds.
#[derive(Clone, Copy, Debug)]
pub(in crate::authenticator) struct Newest {
    pub(in crate::authenticator) count: u32,
    /// The slot, and the number by which it was made.
    pub(in crate::authenticator) found: Option<(u16, u32)>,
}
