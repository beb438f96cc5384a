//! largeBlobs: the array of blobs that all credentials of a token share. CTAP
//! 2.3 §6.10.
//!
//! The array is read and written as a whole; nothing in the protocol lets a
//! writer make sure that it is still the one that was read. Where two programs
//! edit it at the same time, one of the changes is lost. What each function
//! here leaves as it was, it leaves byte for byte.
//!
//! The caller brings the room. An array is at most
//! [`Facts::max_serialized_large_blob_array`](super::Facts) long; a room three
//! times as long suffices for everything here.

use super::{CtapTransport, Error, Feature, Session};
use crate::cbor;
use crate::crypto::Crypto;
use crate::ctap2::large_blobs::array::{
    ArrayError, EditError, LargeBlobArray, LargeBlobMap, RoomTooSmall, TAG_LENGTH, checked,
};
use crate::ctap2::large_blobs::{Request, Response, authenticated_message, max_fragment_length};
use crate::ctap2::{Command, LargeBlobKey, Status};
use crate::pin_protocol::PinUvAuthToken;
use core::fmt;

/// A blob in clear, which whoever stored it compressed by raw DEFLATE (RFC
/// 1951).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct LargeBlob<'a> {
    /// What is stored.
    pub deflated: &'a [u8],
    /// Bytes that it inflates to. Authentic, but chosen by whoever stored it:
    /// bound it first.
    pub orig_size: u64,
}

/// Leaves out what is stored.
impl fmt::Debug for LargeBlob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LargeBlob")
            .field("orig_size", &self.orig_size)
            .finish_non_exhaustive()
    }
}

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Reads the array into the front of `room`. Wants no pinUvAuthToken.
    ///
    /// An array that does not fit its hash counts as empty: so says the
    /// specification, since a write may have been cut off.
    pub fn large_blobs<'b>(
        &mut self,
        room: &'b mut [u8],
    ) -> Result<LargeBlobArray<'b>, Error<T::Error>> {
        let len = self.read_array(room)?;
        let room: &'b [u8] = room;
        self.parse_array(room.get(..len).unwrap_or_default())
    }

    /// Replaces the array by `serialized`, hash included. Wants a token with
    /// permission to write large blobs, but for a token that has neither a PIN
    /// nor other user verification.
    pub fn write_large_blobs(
        &mut self,
        token: Option<&PinUvAuthToken>,
        serialized: &[u8],
    ) -> Result<(), Error<T::Error>> {
        let capacity = self.large_blob_capacity()?;
        let needed = serialized.len();
        let full = |capacity| Error::LargeBlobsFull { needed, capacity };
        if needed > capacity {
            return Err(full(Some(capacity)));
        }
        let length = u32::try_from(needed).map_err(|_| full(None))?;
        let count = self.fragment_length()?;
        let (mut rest, mut offset) = (serialized, 0_u32);
        while !rest.is_empty() {
            let (fragment, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            let written = self.write_fragment(token, fragment, offset, length);
            match written {
                Err(Error::Refused { status, .. }) => match status {
                    Status::LargeBlobStorageFull => return Err(full(None)),
                    Status::InvalidSeq => return Err(Error::LargeBlobsInterrupted),
                    Status::IntegrityFailure => return Err(Error::LargeBlobsGarbled),
                    _ => {}
                },
                // Of makeCredential, these words would be others.
                Err(Error::StoreFull) => return Err(full(None)),
                _ => {}
            }
            written?;
            offset = offset.saturating_add(u32::try_from(fragment.len()).unwrap_or(u32::MAX));
            rest = after;
        }
        Ok(())
    }

    /// Empties the array, whatever is in it.
    pub fn erase_large_blobs(
        &mut self,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        self.write_large_blobs(token, LargeBlobArray::INITIAL)
    }

    /// Reads the blob of the credential that has `key`, if there is one.
    pub fn large_blob<'b>(
        &mut self,
        key: LargeBlobKey<'_>,
        room: &'b mut [u8],
    ) -> Result<Option<LargeBlob<'b>>, Error<T::Error>> {
        let len = self.read_array(room)?;
        let (array, room) = room.split_at_mut_checked(len).unwrap_or_default();
        let array = self.parse_array(array)?;
        let found = array
            .find(self.crypto, key, room)
            .map_err(|RoomTooSmall { needed }| Error::LargeBlobBufferTooSmall {
                needed: len.saturating_add(needed),
            })?;
        Ok(found.map(|found| LargeBlob {
            deflated: found.deflated,
            orig_size: found.orig_size,
        }))
    }

    /// Stores a blob with the credential that has `key`, in the place of the one
    /// that it had.
    pub fn store_large_blob(
        &mut self,
        token: Option<&PinUvAuthToken>,
        key: LargeBlobKey<'_>,
        blob: LargeBlob<'_>,
        room: &mut [u8],
    ) -> Result<(), Error<T::Error>> {
        let (len, index) = self.look_for_blob(key, room)?;
        let (array, room) = room.split_at_mut_checked(len).unwrap_or_default();
        let sealed = blob.deflated.len().saturating_add(TAG_LENGTH);
        let needed = len
            .saturating_mul(2)
            .saturating_add(sealed.saturating_mul(2));
        let (sealed, room) = room
            .split_at_mut_checked(sealed)
            .ok_or(Error::LargeBlobBufferTooSmall { needed })?;
        let sealed = LargeBlobMap::seal(self.crypto, key, blob.deflated, blob.orig_size, sealed)
            .map_err(|_| Error::Crypto)?;
        let array = self.parse_array(array)?;
        let edited = match index {
            Some(index) => array.replace(self.crypto, index, &sealed, room),
            None => array.append(self.crypto, &sealed, room),
        };
        let serialized = edited.map_err(|_| Error::LargeBlobBufferTooSmall { needed })?;
        self.write_large_blobs(token, serialized)
    }

    /// Removes the blob of the credential that has `key`; tells whether there
    /// was one.
    pub fn remove_large_blob(
        &mut self,
        token: Option<&PinUvAuthToken>,
        key: LargeBlobKey<'_>,
        room: &mut [u8],
    ) -> Result<bool, Error<T::Error>> {
        let (len, index) = self.look_for_blob(key, room)?;
        let Some(index) = index else {
            return Ok(false);
        };
        let (array, room) = room.split_at_mut_checked(len).unwrap_or_default();
        let array = self.parse_array(array)?;
        let serialized = array
            .remove(self.crypto, index, room)
            .map_err(|error| match error {
                EditError::NoSuchEntry { .. } => Error::NoCredentials,
                _ => Error::LargeBlobBufferTooSmall {
                    needed: len.saturating_mul(2),
                },
            })?;
        self.write_large_blobs(token, serialized)?;
        Ok(true)
    }

    /// Reads the array to the front of `room`; tells its length, and where in it
    /// the entry of `key` is.
    fn look_for_blob(
        &mut self,
        key: LargeBlobKey<'_>,
        room: &mut [u8],
    ) -> Result<(usize, Option<usize>), Error<T::Error>> {
        let len = self.read_array(room)?;
        let (array, room) = room.split_at_mut_checked(len).unwrap_or_default();
        let array = self.parse_array(array)?;
        let found = array
            .find(self.crypto, key, room)
            .map_err(|RoomTooSmall { needed }| Error::LargeBlobBufferTooSmall {
                needed: len.saturating_add(needed),
            })?;
        Ok((len, found.map(|found| found.index)))
    }

    /// Reads all fragments; tells how many bytes they were.
    fn read_array(&mut self, room: &mut [u8]) -> Result<usize, Error<T::Error>> {
        let needed = self.large_blob_capacity()?;
        let count = self.fragment_length()?;
        let asked = u32::try_from(count).unwrap_or(u32::MAX);
        let mut len = 0_usize;
        loop {
            let offset =
                u32::try_from(len).map_err(|_| Error::LargeBlobBufferTooSmall { needed })?;
            let request = Request::get(asked, offset);
            let answer = match self.exchange(Command::LargeBlobs, Some(&request)) {
                // There is nothing beyond the end, not even an empty fragment.
                Err(Error::Refused {
                    status: Status::InvalidParameter,
                    ..
                }) if len > 0 => return Ok(len),
                outcome => outcome?,
            };
            let response: Response<'_> = self.read_or_default(answer)?;
            let fragment = response.config.unwrap_or_default();
            if fragment.len() > count {
                return Err(Error::Malformed {
                    command: Command::LargeBlobs,
                    error: cbor::Error::Length {
                        position: 0,
                        expected: count,
                        got: fragment.len(),
                    },
                });
            }
            let end = len.saturating_add(fragment.len());
            let place = room.get_mut(len..end);
            let place = place.ok_or(Error::LargeBlobBufferTooSmall {
                needed: needed.max(end),
            })?;
            for (to, from) in place.iter_mut().zip(fragment) {
                *to = *from;
            }
            let (nothing, short) = (fragment.is_empty(), fragment.len() < count);
            len = end;
            // A short fragment is the last, says the specification. If one came
            // short for another reason, others' blobs would be taken for none.
            let whole = || checked(&*self.crypto, room.get(..len).unwrap_or_default()).is_ok();
            if nothing || short && whole() {
                return Ok(len);
            }
        }
    }

    fn parse_array<'b>(&self, serialized: &'b [u8]) -> Result<LargeBlobArray<'b>, Error<T::Error>> {
        match LargeBlobArray::parse(&*self.crypto, serialized) {
            Ok(array) => Ok(array),
            Err(ArrayError::Malformed(error)) => Err(Error::LargeBlobsUnreadable(error)),
            Err(_) => LargeBlobArray::parse(&*self.crypto, LargeBlobArray::INITIAL)
                .map_err(|_| Error::Crypto),
        }
    }

    fn write_fragment(
        &mut self,
        token: Option<&PinUvAuthToken>,
        fragment: &[u8],
        offset: u32,
        length: u32,
    ) -> Result<(), Error<T::Error>> {
        let param = token.map(|token| {
            let message = authenticated_message(&*self.crypto, offset, fragment);
            token.authenticate(self.crypto, &[&message])
        });
        let request = if offset == 0 {
            Request::set_first(fragment, length)
        } else {
            Request::set_next(fragment, offset)
        };
        self.exchange(
            Command::LargeBlobs,
            Some(&Request {
                pin_uv_auth_param: param.as_deref(),
                pin_uv_auth_protocol: token.map(|token| token.protocol().id()),
                ..request
            }),
        )
        .map(drop)
    }

    fn large_blob_capacity(&mut self) -> Result<usize, Error<T::Error>> {
        let facts = self.facts()?;
        facts
            .max_serialized_large_blob_array
            .ok_or(Error::Unsupported(Feature::LargeBlobs))
    }

    /// Bytes of the longest fragment, of which there is at least one.
    fn fragment_length(&mut self) -> Result<usize, Error<T::Error>> {
        self.facts()?;
        let max = u32::try_from(self.max_request()).unwrap_or(u32::MAX);
        Ok(usize::try_from(max_fragment_length(max)).map_or(1, |length| length.max(1)))
    }
}
