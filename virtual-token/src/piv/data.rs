//! GET DATA and PUT DATA. SP 800-73-5 part 1 §3, table 2 for who may read what.

use super::{Piv, Primitives, Verified, failed, too_long};
use crate::storage::{Change, Record, Storage, whole};
use keysteward_core::iso7816::Status;
use keysteward_core::piv::discovery::Discovery;
use keysteward_core::piv::{MAX_OBJECT, ObjectId, get_data, put_data};

impl<S: Storage, C: Primitives> Piv<S, C> {
    pub(super) fn get_data<'r>(
        &mut self,
        request: get_data::Request,
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Status> {
        let object = request.object;
        let record = record(object)?;
        if wants_pin(object) && self.verified == Verified::No {
            return Err(Status::SecurityStatusNotSatisfied);
        }
        // Where it begins in the answer depends on its length: read behind, then encoded before.
        let (answer, room) = response
            .split_at_mut_checked(MAX_ANSWER)
            .ok_or(Status::NoDiagnosis)?;
        let content = match whole(&self.storage, record, room).map_err(failed)? {
            Some(content) => content,
            // There is always one.
            None if object == ObjectId::DISCOVERY => {
                Discovery::PIN.encode(room).map_err(too_long)?
            }
            None => return Err(Status::NotFound),
        };
        get_data::encode_response(object, content, answer).map_err(too_long)
    }

    pub(super) fn put_data(&mut self, request: &put_data::Request<'_>) -> Result<(), Status> {
        let record = record(request.object)?;
        self.admin_only()?;
        if request.content.len() > MAX_CONTENT {
            return Err(Status::NotEnoughMemory);
        }
        let change = match request.content {
            [] => Change::Delete(record),
            content => Change::replace(record, content),
        };
        self.storage.commit(&[change]).map_err(failed)
    }
}

/// Where an object lies; those of the standard and of Yubico's have places.
fn record(object: ObjectId) -> Result<Record, Status> {
    match object.0 {
        0x5F_C101..=0x5F_C123 | 0x5F_FF00..=0x5F_FF15 | 0x7E | 0x7F61 => {
            let [_, _, high, low] = object.0.to_be_bytes();
            Ok(Record::PivObject(u16::from_be_bytes([high, low])))
        }
        _ => Err(Status::NotFound),
    }
}

const fn wants_pin(object: ObjectId) -> bool {
    matches!(
        object,
        ObjectId::FINGERPRINTS
            | ObjectId::FACE
            | ObjectId::PRINTED
            | ObjectId::IRIS
            | ObjectId::PAIRING_CODE
    )
}

/// Longest content of an object, in bytes: as much as cards on sale take.
const MAX_CONTENT: usize = 3052;
const MAX_ANSWER: usize = MAX_CONTENT + 8;
const _: () = assert!(MAX_CONTENT <= MAX_OBJECT);
