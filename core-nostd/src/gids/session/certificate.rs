//! Certificates of containers: read, and written so that Windows sees them. They travel compressed;
//! who has an allocator compresses.

use super::containers::Authority;
use super::{Error, Session};
use crate::crypto::Crypto;
use crate::gids::data_object::PutData;
use crate::gids::key_file::Usage;
use crate::gids::minidriver::cardcf::Change;
use crate::gids::minidriver::certificate::{CertificateFile, HEADER, name};
use crate::gids::minidriver::masterfile::{Entry, Name, free_address};
use crate::iso7816::CardTransport;

impl<T: CardTransport, C: Crypto> Session<'_, T, C> {
    /// The certificate of a container, compressed; `None` where there is none.
    pub fn certificate(
        &mut self,
        number: u8,
    ) -> Result<Option<CertificateFile<'_>>, Error<T::Error>> {
        let Some(usage) = self.container(number)?.usage else {
            return Ok(None);
        };
        let Some(address) = self.find(Name::MSCP, name(number, usage))? else {
            return Ok(None);
        };
        match self.read(address)? {
            None | Some(0) => Ok(None),
            Some(len) => Ok(Some(CertificateFile::parse(self.file(len))?)),
        }
    }

    /// Writes the certificate of a container beside its key, in place of one that is there. With
    /// `make_default`, logon takes this container and no other.
    pub fn write_certificate<'p>(
        &mut self,
        _by: impl Into<Authority<'p>>,
        number: u8,
        certificate: &CertificateFile<'_>,
        make_default: bool,
    ) -> Result<(), Error<T::Error>> {
        let container = self.container(number)?;
        let usage = container.usage.ok_or(Error::WrongUsage)?;
        let name = name(number, usage);
        self.count(Change::Files)?;
        let known = self.find(Name::MSCP, name)?;
        let address = match known {
            Some(address) => address,
            None => {
                let len = self.read_masterfile()?;
                free_address(self.file(len))?.ok_or(Error::CardFull)?
            }
        };
        let len = self.edit::<HEADER>(0, 0, &certificate.header())?;
        let end = len.saturating_add(certificate.compressed.len());
        self.buffers
            .file
            .get_mut(len..end)
            .filter(|room| room.len() == certificate.compressed.len())
            .ok_or(Error::TooLong)?
            .copy_from_slice(certificate.compressed);
        self.write(address, end)?;
        // Named only once it is there.
        if known.is_none() {
            self.add(&Entry {
                folder: Name::MSCP,
                name,
                address,
            })?;
        }
        if make_default && !container.is_default {
            self.make_default(number)?;
            self.count(Change::Containers)?;
        }
        self.count(Change::Files)
    }

    pub(super) fn delete_certificate_file(
        &mut self,
        _by: Authority<'_>,
        number: u8,
        usage: Usage,
    ) -> Result<(), Error<T::Error>> {
        let Some(address) = self.find(Name::MSCP, name(number, usage))? else {
            return Ok(());
        };
        self.count(Change::Files)?;
        self.forget(address)?;
        self.put(PutData::Object(address, &[]))?.found()?;
        self.count(Change::Files)
    }
}
