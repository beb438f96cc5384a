//! Templates of enrolled fingers: a record each.

use super::record::parse_record;
use super::{Authenticator, other};
use crate::storage::{Record, Storage, whole};
use keysteward_core::cbor::{self, BufferFull, Encode, Parse, Reader, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::bio_enrollment::TemplateInfo;

/// An enrolled finger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Template<'a> {
    pub(super) id: TemplateId,
    pub(super) name: Option<&'a str>,
    /// What tells the finger from others; see [`Sample`](super::Sample).
    pub(super) finger: u32,
}

pub(super) type TemplateId = [u8; 4];

impl Template<'_> {
    /// Takes the record.
    pub(super) const ROOM: [u8; 96] = [0; 96];

    pub(super) fn info(&self) -> TemplateInfo<'_> {
        TemplateInfo {
            template_id: &self.id,
            template_friendly_name: self.name,
        }
    }
}

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn template<'b>(
        &self,
        record: Record,
        room: &'b mut [u8],
    ) -> Result<Option<Template<'b>>, Status> {
        match whole(&self.storage, record, room).map_err(other)? {
            None => Ok(None),
            Some(bytes) => parse_record(bytes).map(Some).map_err(other),
        }
    }
}

impl Encode for Template<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.id)?;
            m.optional(0x02, self.name)?;
            m.entry(0x03, self.finger)
        })
    }
}

impl<'b> Parse<'b> for Template<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, cbor::Error> {
        let mut template = Self {
            id: [0; _],
            name: None,
            finger: 0,
        };
        r.map(|key, r| {
            match key {
                cbor::Key::Int(0x01) => template.id = *r.byte_array()?,
                cbor::Key::Int(0x02) => template.name = Some(r.read()?),
                cbor::Key::Int(0x03) => template.finger = r.read()?,
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(template)
    }
}
