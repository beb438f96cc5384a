//! Certificates, and what Windows is to see of them. SP 800-73-5 part 1 §3.1.3.

use super::{AdminVerified, Error, Instruction, PivSession};
use crate::crypto::Crypto;
use crate::iso7816::{CardTransport, Status};
use crate::piv::certificate::Certificate;
use crate::piv::container_map::{self, MAX_RECORDS, Record};
use crate::piv::yubico::move_key;
use crate::piv::{KeyReference, ObjectId};
use heapless::Vec;

/// What became of a container.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deleted {
    /// Whether the card has no such key any more. Cards that cannot delete keys keep it, without
    /// its certificate.
    pub key: bool,
}

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// The certificate of a key; `None`: there is none.
    pub fn read_certificate(
        &mut self,
        key: KeyReference,
    ) -> Result<Option<Certificate<'_>>, Error<T::Error>> {
        let object = key.certificate();
        match self.read_object(object)? {
            Some(content) => {
                Certificate::parse(content).map_err(|_| Error::Malformed(Instruction::Read(object)))
            }
            None => Ok(None),
        }
    }

    /// Writes the certificate of a key, and reads it back.
    pub fn write_certificate(
        &mut self,
        admin: &AdminVerified,
        key: KeyReference,
        certificate: &Certificate<'_>,
    ) -> Result<(), Error<T::Error>> {
        let object = key.certificate();
        self.write_encoded(admin, object, |room| certificate.encode(room))?;
        match self.read_certificate(key)? {
            Some(found) if found == *certificate => Ok(()),
            _ => Err(Error::NotWritten { object }),
        }
    }

    /// Has Windows see a container: its record takes the place of the one for the same key. Of
    /// those that logon takes there is one.
    pub fn write_container(
        &mut self,
        admin: &AdminVerified,
        record: Record,
    ) -> Result<(), Error<T::Error>> {
        let mut map = self.container_map()?;
        if record.is_default() {
            map.iter_mut().for_each(|other| other.set_default(false));
        }
        match map.iter_mut().find(|other| other.key == record.key) {
            Some(other) => *other = record,
            None => map.push(record).map_err(|_| Error::Full)?,
        }
        self.write_container_map(admin, &map)
    }

    /// What Windows sees. A map that cannot be read is none.
    pub fn container_map(&mut self) -> Result<Vec<Record, MAX_RECORDS>, Error<T::Error>> {
        let Some(content) = self.read_object(ObjectId::CONTAINER_MAP)? else {
            return Ok(Vec::new());
        };
        Ok(container_map::records(content)
            .map(|records| records.take(MAX_RECORDS).collect())
            .unwrap_or_default())
    }

    /// Deletes a certificate, what Windows sees of it, and its key where the card can.
    pub fn delete_container(
        &mut self,
        admin: &AdminVerified,
        key: KeyReference,
    ) -> Result<Deleted, Error<T::Error>> {
        let request = move_key::Request {
            from: key,
            to: None,
        };
        let instruction = Instruction::MoveKey(key);
        let deleted = match self.say(instruction, request.command())?.0 {
            Status::Success | Status::NotFound | Status::ReferenceNotFound => true,
            Status::InsNotSupported
            | Status::FunctionNotSupported
            | Status::ClaNotSupported
            | Status::IncorrectP1P2 => false,
            status => return Err(Error::refused(instruction, status)),
        };
        self.write_object(admin, key.certificate(), &[])?;
        let map = self.container_map()?;
        let mut kept = Vec::<_, MAX_RECORDS>::new();
        for record in map.iter().filter(|record| record.key != key.id()) {
            // No more than there were.
            let _ = kept.push(record.clone());
        }
        if kept.len() != map.len() {
            self.write_container_map(admin, &kept)?;
        }
        Ok(Deleted { key: deleted })
    }

    fn write_container_map(
        &mut self,
        admin: &AdminVerified,
        map: &[Record],
    ) -> Result<(), Error<T::Error>> {
        self.write_encoded(admin, ObjectId::CONTAINER_MAP, |room| {
            container_map::encode_records(map, room)
        })
    }
}
