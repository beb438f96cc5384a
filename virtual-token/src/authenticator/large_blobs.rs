//! authenticatorLargeBlobs. CTAP 2.3 §6.10.
//!
//! The array lies in one of two records. Fragments are written into the other one, and when the
//! last is there and the hash is right, the two change places: what was stored before stays until
//! then, over power loss too.

use super::{Authenticator, Sequence, failed, other};
use crate::storage::{Change, Failure, Record, Storage};
use keysteward_core::cbor::{BufferFull, Encode, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::large_blobs::array::{HASH_LENGTH, LargeBlobArray, MIN_LENGTH};
use keysteward_core::ctap2::large_blobs::{Request, authenticated_message, max_fragment_length};
use keysteward_core::ctaphid::MAX_MESSAGE;

/// An array that is being written: any other command loses it.
pub(super) struct PendingLargeBlobs {
    length: u32,
    written: u32,
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn large_blobs(
        &mut self,
        request: &Request<'_>,
        sequence: Option<Sequence>,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        match (request.get, request.set) {
            (Some(count), None) => self.read_large_blobs(request, count, w),
            (None, Some(fragment)) => self.write_large_blobs(request, fragment, sequence),
            _ => Err(Status::InvalidParameter),
        }
    }

    fn read_large_blobs(
        &self,
        request: &Request<'_>,
        count: u32,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if request.length.is_some()
            || request.pin_uv_auth_param.is_some()
            || request.pin_uv_auth_protocol.is_some()
        {
            return Err(Status::InvalidParameter);
        }
        if count > MAX_FRAGMENT {
            return Err(Status::InvalidLength);
        }
        let record = Record::LargeBlobs(self.owner.large_blobs);
        let stored = self.storage.read(record, 0, &mut []).map_err(other)?;
        let total = stored.unwrap_or(MIN_LENGTH);
        let offset = usize::try_from(request.offset).map_err(|_| Status::InvalidParameter)?;
        let left = total.checked_sub(offset).ok_or(Status::InvalidParameter)?;
        let fragment = Fragment {
            storage: &self.storage,
            stored: stored.map(|_| record),
            offset,
            length: left.min(usize::try_from(count).unwrap_or(usize::MAX)),
        };
        w.map(|m| m.entry(0x01, &fragment)).map_err(other)
    }

    fn write_large_blobs(
        &mut self,
        request: &Request<'_>,
        fragment: &[u8],
        sequence: Option<Sequence>,
    ) -> Result<(), Status> {
        let size = u32::try_from(fragment.len()).map_err(|_| Status::InvalidLength)?;
        if size > MAX_FRAGMENT {
            return Err(Status::InvalidLength);
        }
        let pending = match (request.offset, request.length, sequence) {
            (0, None, _) | (1.., Some(_), _) => return Err(Status::InvalidParameter),
            (0, Some(length), _) => self.begin(length)?,
            (offset, None, Some(Sequence::LargeBlobs(pending))) if offset == pending.written => {
                pending
            }
            (_, None, _) => return Err(Status::InvalidSeq),
        };
        self.authorize_large_blobs(request, fragment)?;
        let written = pending
            .written
            .checked_add(size)
            .filter(|&written| written <= pending.length)
            .ok_or(Status::InvalidParameter)?;
        let record = Record::LargeBlobs(self.owner.large_blobs.other());
        let write = Change::Write {
            record,
            offset: usize::try_from(pending.written).map_err(|_| Status::InvalidSeq)?,
            bytes: fragment,
        };
        self.storage.commit(&[write]).map_err(no_room)?;
        if written < pending.length {
            let pending = PendingLargeBlobs { written, ..pending };
            self.ram.sequence = Some(Sequence::LargeBlobs(pending));
            return Ok(());
        }
        if !self.hash_is_right(record).map_err(other)? {
            return Err(Status::IntegrityFailure);
        }
        let mut next = self.owner.clone();
        next.large_blobs = next.large_blobs.other();
        let old = Record::LargeBlobs(self.owner.large_blobs);
        self.store(next, &[Change::Delete(old)])
    }

    fn begin(&self, length: u32) -> Result<PendingLargeBlobs, Status> {
        if length > self.storage.capacity().large_blobs.into() {
            return Err(Status::LargeBlobStorageFull);
        }
        match usize::try_from(length) {
            Ok(MIN_LENGTH..) => Ok(PendingLargeBlobs { length, written: 0 }),
            _ => Err(Status::InvalidParameter),
        }
    }

    /// Without any user verification set up, whoever holds the key may write, whatever stands in
    /// pinUvAuthParam.
    fn authorize_large_blobs(
        &mut self,
        request: &Request<'_>,
        fragment: &[u8],
    ) -> Result<(), Status> {
        if !self.protected() && !self.owner.always_uv {
            return Ok(());
        }
        let given = self.given(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let given = given.ok_or(Status::PuatRequired)?;
        let message = authenticated_message(&self.crypto, request.offset, fragment);
        self.verify_token(given, &[&message], Permissions::LARGE_BLOB_WRITE)
            .map(drop)
    }

    /// Whether an array ends with the first half of its own SHA-256.
    #[inline(never)]
    fn hash_is_right(&self, record: Record) -> Result<bool, Failure> {
        let length = self.storage.read(record, 0, &mut [])?.unwrap_or(0);
        let body = length.checked_sub(HASH_LENGTH).ok_or(Failure::Length)?;
        let mut due = [0; HASH_LENGTH];
        self.storage.read(record, body, &mut due)?;
        let mut read = Ok(());
        let hash = self.crypto.sha256_fed(&mut |take| {
            read = self.feed(record, body, take);
        });
        read?;
        Ok(hash.first_chunk() == Some(&due))
    }

    fn feed(&self, record: Record, end: usize, take: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let mut room = [0; 64];
        for offset in (0..end).step_by(room.len()) {
            let length = end.saturating_sub(offset).min(room.len());
            let piece = room.get_mut(..length).ok_or(Failure::Length)?;
            self.storage.read(record, offset, piece)?;
            take(piece);
        }
        Ok(())
    }
}

/// A part of the array, read from the storage into its place in the response.
struct Fragment<'s, S> {
    storage: &'s S,
    /// `None`: nothing was ever written.
    stored: Option<Record>,
    offset: usize,
    length: usize,
}

impl<S: Storage> Encode for Fragment<'_, S> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        let Some(record) = self.stored else {
            let initial = LargeBlobArray::INITIAL
                .get(self.offset..)
                .unwrap_or_default();
            return w.bytes(initial.get(..self.length).unwrap_or_default());
        };
        let mut read = Ok(None);
        w.bytes_with(self.length, |to| {
            read = self.storage.read(record, self.offset, to);
        })?;
        match read {
            Ok(_) => Ok(()),
            Err(failure) => {
                log::error!("the large-blob array: {failure}");
                Err(BufferFull)
            }
        }
    }
}

fn no_room(failure: Failure) -> Status {
    match failure {
        Failure::Full => Status::LargeBlobStorageFull,
        failure => failed(failure),
    }
}

/// Bytes, for messages of the size that getInfo tells.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a message is shorter than 8 KiB"
)]
const MAX_FRAGMENT: u32 = max_fragment_length(MAX_MESSAGE as u32);

#[cfg(all(test, feature = "std"))]
mod tests;
