//! Everything that the card tells without a secret, in few commands.

use super::{Error, Instruction, MAX_LABEL, PivSession};
use crate::admin_key::Cipher;
use crate::crypto::Crypto;
use crate::iso7816::{CardTransport, Status};
use crate::piv::certificate::Certificate;
use crate::piv::discovery::Discovery;
use crate::piv::key_history::KeyHistory;
use crate::piv::yubico::metadata::{self, Metadata};
use crate::piv::yubico::{self, Version};
use crate::piv::{KeyReference, ObjectId, PinReference};
use heapless::Vec;

/// What the card tells of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Facts {
    /// What kind of card it says it is, in words; empty: it does not.
    pub label: Vec<u8, MAX_LABEL>,
    /// Of the cardholder unique identifier; `None`: none is written.
    pub guid: Option<[u8; 16]>,
    /// `None`: it tells none.
    pub version: Option<Version>,
    /// `None`: it tells none. Several makers give all their cards the same.
    pub serial: Option<u32>,
    /// `None`: it does not tell.
    pub admin_cipher: Option<Cipher>,
    /// Whether the admin key is the one of the factory; `None`: it does not tell.
    pub admin_key_is_default: Option<bool>,
    /// The applet's own PIN.
    pub pin: PinFacts,
    /// The PUK.
    pub puk: PinFacts,
    /// Which PINs it takes; `None`: it does not tell.
    pub discovery: Option<Discovery>,
}

/// What the card tells of a PIN or PUK.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PinFacts {
    /// Tries left; 0: it is blocked.
    pub left: Option<u8>,
    /// Tries after a right one.
    pub total: Option<u8>,
    /// Whether it is the one of the factory.
    pub is_default: Option<bool>,
}

/// A place for a key and its certificate, with something in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place<'a> {
    /// Which.
    pub key: KeyReference,
    /// `None`: there is none.
    pub certificate: Option<Certificate<'a>>,
    /// What the card tells of the key; asked only where there is no certificate, which tells more.
    pub metadata: Option<Metadata<'a>>,
}

impl Facts {
    /// The label, as far as it is text.
    #[must_use]
    pub fn label(&self) -> &str {
        match core::str::from_utf8(&self.label) {
            Ok(text) => text,
            Err(error) => self
                .label
                .get(..error.valid_up_to())
                .and_then(|valid| core::str::from_utf8(valid).ok())
                .unwrap_or_default(),
        }
    }
}

impl<T: CardTransport + ?Sized, C: Crypto + ?Sized> PivSession<'_, T, C> {
    /// Asks for all of it, and hands out each place that holds something. Twelve commands beyond
    /// SELECT where there are four certificates and reader and card take long answers in one
    /// piece.
    pub fn inspect(&mut self, found: &mut dyn FnMut(&Place<'_>)) -> Result<Facts, Error<T::Error>> {
        let facts = self.facts()?;
        self.inspect_places(found)?;
        Ok(facts)
    }

    /// The same of a card that was asked before and was not taken away since: version, serial
    /// number and discovery object are left out, which are three commands less.
    pub fn inspect_again(
        &mut self,
        found: &mut dyn FnMut(&Place<'_>),
    ) -> Result<Facts, Error<T::Error>> {
        let facts = self.changing_facts()?;
        self.inspect_places(found)?;
        Ok(facts)
    }

    /// What it tells of itself, without a look at its places: seven commands.
    pub fn facts(&mut self) -> Result<Facts, Error<T::Error>> {
        let mut facts = self.changing_facts()?;
        facts.discovery = self.discovery()?;
        let (status, len) = self.say(Instruction::Version, yubico::version())?;
        if status == Status::Success {
            facts.version = Version::parse(self.buffers.answer(len)).ok();
        }
        let (status, len) = self.say(Instruction::Serial, yubico::serial())?;
        if status == Status::Success {
            facts.serial = yubico::serial_number(self.buffers.answer(len)).ok();
        }
        Ok(facts)
    }

    fn changing_facts(&mut self) -> Result<Facts, Error<T::Error>> {
        let mut facts = Facts {
            label: self.label.clone(),
            guid: self.guid()?,
            version: None,
            serial: None,
            admin_cipher: None,
            admin_key_is_default: None,
            pin: PinFacts::default(),
            puk: PinFacts::default(),
            discovery: None,
        };
        self.inspect_secrets(&mut facts)?;
        Ok(facts)
    }

    fn inspect_places(&mut self, found: &mut dyn FnMut(&Place<'_>)) -> Result<(), Error<T::Error>> {
        for key in KeyReference::MAIN {
            self.inspect_place(key, found)?;
        }
        for number in 0..self.retired_keys()?.min(KeyReference::RETIRED) {
            self.inspect_place(KeyReference::Retired(number), found)?;
        }
        Ok(())
    }

    /// What the card tells of a key, the admin key, the PIN or the PUK; `None`: nothing.
    pub fn metadata(
        &mut self,
        request: metadata::Request,
    ) -> Result<Option<Metadata<'_>>, Error<T::Error>> {
        if self.has_metadata == Some(false) {
            return Ok(None);
        }
        let (status, len) = self.read(Instruction::Metadata, request.command())?;
        // One that has the command may still have nothing to tell of this.
        self.has_metadata = Some(!matches!(
            status,
            Status::InsNotSupported | Status::ClaNotSupported
        ));
        if status != Status::Success || len == 0 {
            return Ok(None);
        }
        Ok(Metadata::parse(self.buffers.answer(len)).ok())
    }

    fn inspect_secrets(&mut self, facts: &mut Facts) -> Result<(), Error<T::Error>> {
        facts.pin = self.pin_facts(metadata::Request::PIN)?;
        if facts.pin.left.is_none() {
            facts.pin.left = self.told_by_verify(PinReference::Pin)?;
        }
        facts.puk = self.pin_facts(metadata::Request::PUK)?;
        if let Some(known) = self.metadata(metadata::Request::ADMIN_KEY)? {
            facts.admin_cipher = known.cipher();
            facts.admin_key_is_default = known.is_default;
        }
        if facts.admin_cipher.is_none() {
            facts.admin_cipher = self.only_listed_cipher();
        }
        Ok(())
    }

    fn pin_facts(&mut self, request: metadata::Request) -> Result<PinFacts, Error<T::Error>> {
        Ok(match self.metadata(request)? {
            Some(known) => PinFacts {
                left: known.tries.map(|tries| tries.left),
                total: known.tries.map(|tries| tries.total),
                is_default: known.is_default,
            },
            None => PinFacts::default(),
        })
    }

    fn inspect_place(
        &mut self,
        key: KeyReference,
        found: &mut dyn FnMut(&Place<'_>),
    ) -> Result<(), Error<T::Error>> {
        match self.read_certificate(key) {
            Ok(Some(certificate)) => {
                found(&Place {
                    key,
                    certificate: Some(certificate),
                    metadata: None,
                });
                return Ok(());
            }
            // Not readable without a PIN, or not readable at all: the key may tell more.
            Ok(None)
            | Err(
                Error::Malformed(_)
                | Error::NotAuthenticated(_)
                | Error::Unsupported(_)
                | Error::Refused { .. },
            ) => {}
            Err(error) => return Err(error),
        }
        let known = self.metadata(metadata::Request { of: key.id() })?;
        if let Some(metadata) = known.filter(|known| known.algorithm.is_some()) {
            found(&Place {
                key,
                certificate: None,
                metadata: Some(metadata),
            });
        }
        Ok(())
    }

    fn retired_keys(&mut self) -> Result<u8, Error<T::Error>> {
        match self.read_object(ObjectId::KEY_HISTORY) {
            Ok(Some(content)) => {
                Ok(KeyHistory::parse(content).map_or(0, |history| history.on_card))
            }
            Ok(None)
            | Err(Error::Malformed(_) | Error::NotAuthenticated(_) | Error::Refused { .. }) => {
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }
}
