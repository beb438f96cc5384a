//! largeBlob, the extension: the key itself keeps a blob with a discoverable credential, in place of
//! authenticatorLargeBlobs and largeBlobKey. Its outputs are not signed. CTAP 2.3 §12.4.
//!
//! The record of a blob: [`FORMAT`], the size before compression in eight bytes, and the blob, which
//! goes from the storage straight into the answer.

use super::credential::stored::Room;
use super::get_assertion::Chosen;
use super::{Authenticator, failed, other};
use crate::storage::{Change, FORMAT, Failure, Record, Storage};
use keysteward_core::cbor::{BufferFull, Encode, Parse, Raw, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::extension::identifier::LARGE_BLOB;
use keysteward_core::ctap2::extension::{
    LargeBlobCreated, LargeBlobCreation, LargeBlobInput, LargeBlobSupport,
    UnsignedMakeCredentialOutputs,
};
use keysteward_core::ctap2::get_assertion::Response;

/// What an assertion is asked for.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Read,
    Write { blob: &'a [u8], original_size: u64 },
}

/// What an assertion tells, beside what is signed.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// What is stored with its credential; nothing where nothing is.
    Stored,
    Written(bool),
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// What a new credential is asked for. CTAP 2.3 §12.4 has no room for members, words and types
    /// of others.
    pub(super) fn large_blob_wanted<'r>(
        &self,
        extensions: Option<Raw<'r>>,
    ) -> Result<Option<LargeBlobSupport<'r>>, Status> {
        let Some(input) = self.large_blob_input(extensions) else {
            return Ok(None);
        };
        match LargeBlobCreation::parse(input.bytes()).map(|creation| creation.support) {
            Ok(LargeBlobSupport::Other(_)) | Err(_) => Err(Status::InvalidCbor),
            Ok(_) if input.entries().count() > 1 => Err(Status::InvalidCbor),
            Ok(support) => Ok(Some(support)),
        }
    }

    /// What an assertion is asked for: to read, or to write with both members.
    pub(super) fn large_blob_asked<'r>(
        &self,
        extensions: Option<Raw<'r>>,
    ) -> Result<Option<Asked<'r>>, Status> {
        let Some(input) = self.large_blob_input(extensions) else {
            return Ok(None);
        };
        let members = LargeBlobInput::parse(input.bytes()).map_err(|_| Status::InvalidCbor)?;
        let count = input.entries().count();
        match (members.read, members.write, members.original_size) {
            (Some(true), None, None) if count == 1 => Ok(Some(Asked::Read)),
            (None, Some(blob), Some(original_size)) if count == 2 => Ok(Some(Asked::Write {
                blob,
                original_size,
            })),
            _ => Err(Status::InvalidCbor),
        }
    }

    fn large_blob_input<'r>(&self, extensions: Option<Raw<'r>>) -> Option<Raw<'r>> {
        let extensions = extensions.filter(|_| self.features().has_extension(LARGE_BLOB))?;
        let mut entries = extensions.entries();
        entries
            .find(|(key, _)| key.is(LARGE_BLOB))
            .map(|(_, input)| input)
    }

    /// Replaces the blob of a credential that was named and may have one; `false`: the key did not,
    /// for want of such a credential or of room.
    #[inline(never)]
    pub(super) fn write_large_blob(
        &mut self,
        named: Option<Chosen<'_>>,
        blob: &[u8],
        original_size: u64,
    ) -> Result<bool, Status> {
        let Some(Chosen::Slot(slot)) = named else {
            return Ok(false);
        };
        let mut room = Room::new([0; _]);
        let stored = self.stored(slot, &mut room)?;
        let longest = usize::from(self.storage.capacity().large_blobs);
        if !stored.is_some_and(|stored| stored.large_blob) || blob.len() > longest {
            return Ok(false);
        }
        let mut head = [FORMAT; HEAD];
        if let Some(size) = head.last_chunk_mut() {
            *size = original_size.to_be_bytes();
        }
        let record = Record::CredentialBlob(slot);
        let behind = Change::Write {
            record,
            offset: HEAD,
            bytes: blob,
        };
        match self
            .storage
            .commit(&[Change::replace(record, &head), behind])
        {
            Ok(()) => Ok(true),
            Err(Failure::Full) => Ok(false),
            Err(failure) => Err(failed(failure)),
        }
    }

    /// A change of the credential in `slot` that its blob does not outlive.
    pub(super) fn without_blob<'c>(
        &self,
        slot: u16,
        change: Change<'c>,
    ) -> heapless::Vec<Change<'c>, 2> {
        let blob = Change::Delete(Record::CredentialBlob(slot));
        let can_be = self.features().has_extension(LARGE_BLOB);
        [Some(change), can_be.then_some(blob)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Finds what is told of a blob for this credential.
    pub(super) fn unsigned_output(
        &self,
        told: Option<Told>,
        chosen: Chosen<'_>,
    ) -> Result<Option<Output>, Status> {
        let record = match (told, chosen) {
            (Some(Told::Written(written)), _) => return Ok(Some(Output::Written(written))),
            (Some(Told::Stored), Chosen::Slot(slot)) => Record::CredentialBlob(slot),
            (Some(Told::Stored), Chosen::Derived(_)) | (None, _) => return Ok(None),
        };
        let mut head = [0; HEAD];
        let Some(length) = self.storage.read(record, 0, &mut head).map_err(other)? else {
            return Ok(None);
        };
        let length = length.checked_sub(HEAD).ok_or(Status::OtherError)?;
        let size = head.last_chunk().ok_or(Status::OtherError)?;
        Ok(Some(Output::Blob {
            record,
            length,
            original_size: u64::from_be_bytes(*size),
        }))
    }

    /// Writes the answer of an assertion. Member by member, so that nobody needs a buffer for the
    /// blob.
    pub(super) fn write_assertion(
        &self,
        response: &Response<'_>,
        unsigned: Option<Output>,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let unsigned = unsigned.map(|output| Unsigned {
            storage: &self.storage,
            output,
        });
        w.map(|m| {
            m.optional(0x01, response.credential)?;
            m.entry(0x02, response.auth_data)?;
            m.entry(0x03, response.signature)?;
            m.optional(0x04, response.user)?;
            m.optional(0x05, response.number_of_credentials)?;
            m.optional(0x07, response.large_blob_key)?;
            m.optional(0x08, unsigned)
        })
        .map_err(other)
    }
}

/// What is written of a blob into an answer.
#[derive(Clone, Copy)]
pub(super) enum Output {
    Written(bool),
    Blob {
        record: Record,
        length: usize,
        original_size: u64,
    },
}

/// unsignedExtensionOutputs of an assertion.
struct Unsigned<'s, S> {
    storage: &'s S,
    output: Output,
}

impl<S: Storage> Encode for Unsigned<'_, S> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        let member = Member(self);
        w.map(|m| m.entry(LARGE_BLOB, member))
    }
}

struct Member<'u, 's, S>(&'u Unsigned<'s, S>);

impl<S: Storage> Encode for Member<'_, '_, S> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        let Unsigned { storage, output } = *self.0;
        match output {
            Output::Written(written) => w.map(|m| m.entry("written", written)),
            Output::Blob {
                record,
                length,
                original_size,
            } => w.map(|m| {
                let blob = Blob {
                    storage,
                    record,
                    length,
                };
                m.entry("blob", blob)?;
                m.entry("originalSize", original_size)
            }),
        }
    }
}

/// A blob, read from the storage into its place in the response.
struct Blob<'s, S> {
    storage: &'s S,
    record: Record,
    length: usize,
}

impl<S: Storage> Encode for Blob<'_, S> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        let mut read = Ok(None);
        w.bytes_with(self.length, |to| {
            read = self.storage.read(self.record, HEAD, to);
        })?;
        read.map(drop).map_err(|failure| {
            log::error!("the blob of a credential: {failure}");
            BufferFull
        })
    }
}

/// unsignedExtensionOutputs of a new credential that may have a blob.
pub(super) const SUPPORTED: UnsignedMakeCredentialOutputs = UnsignedMakeCredentialOutputs {
    large_blob: Some(LargeBlobCreated { supported: true }),
};

/// Bytes in front of the blob.
const HEAD: usize = 9;

#[cfg(all(test, feature = "std"))]
mod tests;
