//! What the factory burns in, and a reset leaves. CTAP 2.3 §6.6.

use super::Error;
use super::owner::{self, Owner};
use super::profile::Profile;
use super::record::{load, record};
use super::secret::Key;
use crate::storage::{Change, Record, Storage};
use keysteward_core::cbor::{self, BufferFull, Encode, Parse, Reader, Writer};
use keysteward_core::crypto::Crypto;
use zeroize::Zeroizing;

/// What the authenticator keeps of it in RAM.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Factory {
    pub profile: Profile,
    pub aaguid: [u8; 16],
    pub firmware_version: u32,
    /// Of the model: one for at least 100,000 keys, so that it names nobody.
    pub attestation_key: Key<32>,
    /// This device's own; without one there is no enterprise attestation. CTAP 2.3 §7.1.
    pub enterprise_key: Option<Key<32>>,
    /// RP IDs that get enterprise attestation when they ask for the vendor-facilitated kind.
    pub enterprise_rp_ids: u8,
}

/// What a key is on the day it is bought.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Identity<'a> {
    pub profile: Profile,
    pub aaguid: [u8; 16],
    pub firmware_version: u32,
    pub attestation: Attestation<'a>,
    /// Without it there is no enterprise attestation.
    pub enterprise: Option<Enterprise<'a>>,
    /// The root of all certificates, in DER.
    pub root: &'a [u8],
}

/// A key of the factory's and its certificate in DER, at most
/// [`MAX_RECORD`](crate::storage::MAX_RECORD) bytes.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Attestation<'a> {
    pub key: &'a Key<32>,
    pub certificate: &'a [u8],
}

/// Attestation that names the device. CTAP 2.3 §7.1.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Enterprise<'a> {
    /// In the certificate too.
    pub serial: &'a str,
    pub attestation: Attestation<'a>,
    /// RP IDs that get it when they ask for the vendor-facilitated kind; 255 at most are kept.
    pub rp_ids: &'a [&'a str],
}

impl<'a> Identity<'a> {
    /// A key of CTAP 2.3 and firmware version 1 that does not tell which one it is.
    pub const fn new(aaguid: [u8; 16], attestation: Attestation<'a>, root: &'a [u8]) -> Self {
        Self {
            profile: Profile::Ctap23,
            aaguid,
            firmware_version: 1,
            attestation,
            enterprise: None,
            root,
        }
    }

    /// Makes the key that `storage` is to be: everything before [`Record::Factory`], without which
    /// the key is blank.
    pub fn burn_in(
        &self,
        storage: &mut impl Storage,
        crypto: &mut impl Crypto,
    ) -> Result<(), Error> {
        let attestation = self.attestation;
        storage.commit(&[
            Change::replace(Record::Certificate, attestation.certificate),
            Change::replace(Record::Root, self.root),
        ])?;
        let mut enterprise_rp_ids = 0_u8;
        if let Some(Enterprise {
            serial,
            attestation,
            rp_ids,
        }) = self.enterprise
        {
            storage.commit(&[
                Change::replace(Record::Serial, serial.as_bytes()),
                Change::replace(Record::EnterpriseCertificate, attestation.certificate),
            ])?;
            for rp_id in rp_ids.iter().take(u8::MAX.into()) {
                let record = Record::EnterpriseRpId(enterprise_rp_ids);
                storage.commit(&[Change::replace(record, rp_id.as_bytes())])?;
                enterprise_rp_ids = enterprise_rp_ids.saturating_add(1);
            }
        }
        let factory = Factory {
            profile: self.profile,
            aaguid: self.aaguid,
            firmware_version: self.firmware_version,
            attestation_key: attestation.key.clone(),
            enterprise_key: self.enterprise.map(|own| own.attestation.key.clone()),
            enterprise_rp_ids,
        };
        let owner = Owner::fresh(self.profile.features(), crypto)?;
        let mut factory_room = Room::new([0; _]);
        let mut owner_room = owner::Room::new([0; _]);
        storage.commit(&[
            Change::replace(Record::Owner, owner.record(&mut owner_room)?),
            Change::replace(
                Record::Factory,
                record(&factory, factory_room.as_mut_slice())?,
            ),
        ])?;
        Ok(())
    }
}

impl Factory {
    /// Reads it; `None`: the key is blank.
    pub fn read_from(storage: &impl Storage) -> Result<Option<Self>, Error> {
        let mut room = Room::new([0; _]);
        load(storage, Record::Factory, room.as_mut_slice())
    }
}

impl Encode for Factory {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.aaguid)?;
            m.entry(0x02, self.firmware_version)?;
            m.entry(0x03, self.attestation_key.0)?;
            m.optional(0x04, self.enterprise_key.as_ref().map(|key| key.0))?;
            m.entry(0x05, self.enterprise_rp_ids)?;
            m.entry(0x06, self.profile.features().name)
        })
    }
}

impl<'b> Parse<'b> for Factory {
    fn read(r: &mut Reader<'b>) -> Result<Self, cbor::Error> {
        let mut factory = Self {
            profile: Profile::Ctap23,
            aaguid: [0; 16],
            firmware_version: 0,
            attestation_key: Key([0; 32]),
            enterprise_key: None,
            enterprise_rp_ids: 0,
        };
        r.map(|key, r| {
            match key {
                cbor::Key::Int(0x01) => factory.aaguid = *r.byte_array()?,
                cbor::Key::Int(0x02) => factory.firmware_version = r.read()?,
                cbor::Key::Int(0x03) => factory.attestation_key = Key(*r.byte_array()?),
                cbor::Key::Int(0x04) => factory.enterprise_key = Some(Key(*r.byte_array()?)),
                cbor::Key::Int(0x05) => factory.enterprise_rp_ids = r.read()?,
                cbor::Key::Int(0x06) => {
                    let position = r.position();
                    let profile = Profile::named(r.read()?);
                    factory.profile = profile.ok_or(cbor::Error::OutOfRange {
                        position,
                        expected: "a profile of this version",
                    })?;
                }
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(factory)
    }
}

/// Takes the record.
type Room = Zeroizing<[u8; 128]>;
