//! GET DATA and PUT DATA. GIDS 2.0.

use super::memory::LIMIT;
use super::{Answer, GidsCard, broken};
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use keysteward_core::der::{Item, encode};
use keysteward_core::gids::data_object::{Address, GetData, PIN_STATUS, PutData};
use keysteward_core::gids::file::{CreateFile, FileId};
use keysteward_core::gids::pin::{Reference, Tries};
use keysteward_core::gids::put_key::PutKey;
use keysteward_core::iso7816::{Command, Status};

impl<S: Storage, C: Crypto> GidsCard<S, C> {
    pub(super) fn get_data(&mut self, command: &Command<'_>, response: &mut [u8]) -> Answer {
        let address = match GetData::parse(command)? {
            GetData::PublicKey(key) => return self.get_public_key(key, response),
            GetData::Object(PIN_STATUS) => return self.get_tries(response),
            GetData::Object(address) => address,
        };
        let CreateFile::Objects(file) = self.usable_objects(address)? else {
            return Err(Status::ReferenceNotFound);
        };
        self.permit(file.read)?;
        let value = self.memory.object(address)?;
        let value = value.ok_or(Status::ReferenceNotFound)?;
        let object = encode(&[Item::Value(address.object.0, &value)], response);
        Ok(object.map_err(broken)?.len())
    }

    pub(super) fn put_data(&mut self, command: &Command<'_>) -> Answer {
        let (address, value) = match PutData::parse(command)? {
            PutData::Object(address, value) => (address, value),
            PutData::Key(PutKey::Admin { key, check_value }) => {
                let file = self.key_file(keysteward_core::gids::KeyReference::ADMIN)?;
                return self.put_admin_key(&file, key, check_value);
            }
            PutData::Key(PutKey::Rsa {
                reference,
                private_key,
            }) => return self.put_rsa_key(reference, private_key),
        };
        let CreateFile::Objects(file) = self.usable_objects(address)? else {
            return Err(Status::IncorrectData);
        };
        self.permit(file.write)?;
        self.memory.set_object(address, value)?;
        Ok(0)
    }

    fn get_tries(&self, response: &mut [u8]) -> Answer {
        let state = self.memory.state()?.ok_or(Status::ReferenceNotFound)?;
        let tries = Tries {
            left: state.tries,
            limit: Some(LIMIT),
        };
        let said = tries.encode(Reference::Pin, response).map_err(broken)?;
        Ok(said.len())
    }

    /// The applet itself has no objects but the tries.
    fn usable_objects(&self, address: Address) -> Result<CreateFile, Status> {
        match address.file {
            FileId::APPLICATION => Err(Status::ReferenceNotFound),
            file => self.usable(file),
        }
    }
}
