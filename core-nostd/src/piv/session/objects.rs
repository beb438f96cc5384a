//! Data objects, and who the card is. SP 800-73-5 part 1 §3.

use super::{AdminVerified, Error, Instruction, PivSession};
use crate::crypto::Crypto;
use crate::iso7816::tlv::EncodeError;
use crate::iso7816::{CardTransport, Status};
use crate::piv::capabilities::Capabilities;
use crate::piv::chuid::{Chuid, NON_FEDERAL};
use crate::piv::discovery::Discovery;
use crate::piv::{ObjectId, get_data, put_data};

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// What an object holds; `None`: nothing.
    pub fn read_object(&mut self, object: ObjectId) -> Result<Option<&[u8]>, Error<T::Error>> {
        let instruction = Instruction::Read(object);
        let mut data = [0; 8];
        let command = get_data::Request { object }
            .command(&mut data)
            .map_err(|_| Error::TooLong(instruction))?;
        let (status, len) = self.read(instruction, command)?;
        match status {
            Status::Success if len == 0 => Ok(None),
            Status::Success => {
                let content = get_data::response(object, self.buffers.answer(len))
                    .map_err(|_| Error::Malformed(instruction))?;
                Ok(Some(content).filter(|content| !content.is_empty()))
            }
            // What was asked is well-formed: some cards call it wrong data when there is no place
            // of this name.
            Status::NotFound | Status::ReferenceNotFound | Status::IncorrectData => Ok(None),
            status => Err(Error::refused(instruction, status)),
        }
    }

    /// Has an object hold `content`; nothing: it is deleted.
    pub fn write_object(
        &mut self,
        _: &AdminVerified,
        object: ObjectId,
        content: &[u8],
    ) -> Result<(), Error<T::Error>> {
        let instruction = Instruction::Write(object);
        let request = put_data::Request { object, content };
        match self
            .build_and_say(instruction, |data| request.command(data))?
            .0
        {
            Status::Success => Ok(()),
            status => Err(Error::refused(instruction, status)),
        }
    }

    /// The same, for content that is written to the room it is given.
    pub(super) fn write_encoded(
        &mut self,
        _: &AdminVerified,
        object: ObjectId,
        encode: impl for<'b> FnOnce(&'b mut [u8]) -> Result<&'b [u8], EncodeError>,
    ) -> Result<(), Error<T::Error>> {
        let instruction = Instruction::Write(object);
        let (status, _) = self.encode_and_say(instruction, encode, |content, data| {
            put_data::Request { object, content }.command(data)
        })?;
        match status {
            Status::Success => Ok(()),
            status => Err(Error::refused(instruction, status)),
        }
    }

    /// The card's number in its cardholder unique identifier; `None`: there is none, or none that
    /// can be read.
    pub fn guid(&mut self) -> Result<Option<[u8; 16]>, Error<T::Error>> {
        let content = self.read_object(ObjectId::CHUID)?;
        Ok(content
            .and_then(|content| Chuid::parse(content).ok())
            .map(|chuid| *chuid.guid))
    }

    /// Gives the card its identity: cardholder unique identifier, card capability container and,
    /// where the card has none and takes one, the discovery object. Done twice, it is as done
    /// once.
    pub fn personalise(
        &mut self,
        admin: &AdminVerified,
        guid: &[u8; 16],
    ) -> Result<(), Error<T::Error>> {
        let [number @ .., _, _] = guid;
        let card_identifier = &Capabilities::identifier(number);
        let container = Capabilities { card_identifier };
        self.write_encoded(admin, ObjectId::CAPABILITIES, |room| container.encode(room))?;

        if self.discovery()?.is_none() {
            let discovery = Discovery::PIN;
            match self.write_encoded(admin, ObjectId::DISCOVERY, |room| discovery.encode(room)) {
                // Many cards answer for it themselves, or not at all.
                Err(Error::Refused { .. } | Error::Unsupported(_)) => {}
                outcome => outcome?,
            }
        }
        // Last: a card that has its number has the rest.
        let chuid = Chuid::new(guid);
        self.write_encoded(admin, ObjectId::CHUID, |room| chuid.encode(room))
    }

    /// Gives the card another number, and reads it back: whoever remembers what is on the card
    /// looks again. The rest of the cardholder unique identifier stays.
    pub fn renew_guid(
        &mut self,
        admin: &AdminVerified,
        guid: &[u8; 16],
    ) -> Result<(), Error<T::Error>> {
        let (mut fasc_n, mut expiry) = (NON_FEDERAL, *b"20501231");
        if let Some(content) = self.read_object(ObjectId::CHUID)?
            && let Ok(chuid) = Chuid::parse(content)
        {
            expiry = *chuid.expiry;
            fasc_n = chuid.fasc_n.try_into().unwrap_or(NON_FEDERAL);
        }
        let chuid = Chuid {
            fasc_n: &fasc_n,
            guid,
            expiry: &expiry,
        };
        let object = ObjectId::CHUID;
        self.write_encoded(admin, object, |room| chuid.encode(room))?;
        match self.guid()? {
            Some(found) if found == *guid => Ok(()),
            _ => Err(Error::NotWritten { object }),
        }
    }

    /// The discovery object; `None`: there is none, or none that can be read.
    pub(super) fn discovery(&mut self) -> Result<Option<Discovery>, Error<T::Error>> {
        match self.read_object(ObjectId::DISCOVERY) {
            Ok(content) => Ok(content.and_then(|content| Discovery::parse(content).ok())),
            Err(Error::Refused { .. } | Error::Unsupported(_) | Error::Malformed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
