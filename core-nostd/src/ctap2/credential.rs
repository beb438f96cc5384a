//! The dictionaries that several commands share. WebAuthn Level 3 §5.4 and §5.8.3, as CTAP 2.3
//! §6.1 and §6.2 put them into CBOR.
//!
//! The members `icon` of CTAP 2.0 and all unknown ones are passed over.

use crate::cbor::{BufferFull, Encode, Error, List, Name, Parse, Reader, Writer, required};
use crate::webauthn::authenticator_data::MAX_CREDENTIAL_ID;
use crate::webauthn::cose::Algorithm;

/// The only credential type there is.
pub const PUBLIC_KEY: &str = "public-key";

/// Names a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKeyCredentialDescriptor<'a> {
    /// The credential id.
    pub id: &'a [u8],
    /// [`PUBLIC_KEY`]; a descriptor of another type is to be ignored.
    pub type_: &'a str,
    /// How the key that holds it was reached: `usb`, `nfc`, `ble`, `smart-card` ...
    pub transports: Option<List<'a, &'a str>>,
}

impl<'a> PublicKeyCredentialDescriptor<'a> {
    /// The descriptor of a public-key credential.
    pub const fn new(id: &'a [u8]) -> Self {
        Self {
            id,
            type_: PUBLIC_KEY,
            transports: None,
        }
    }

    /// Reads the descriptor of a credential that a token names as its own. Those that a relying
    /// party names may be of anybody.
    pub(super) fn read_own(r: &mut Reader<'a>) -> Result<Self, Error> {
        let position = r.position();
        let own: Self = r.read()?;
        if own.id.is_empty() || own.id.len() > MAX_CREDENTIAL_ID {
            let expected = "a credential id of 1 to 1023 bytes";
            return Err(Error::OutOfRange { position, expected });
        }
        Ok(own)
    }
}

impl Encode for PublicKeyCredentialDescriptor<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry("id", self.id)?;
            m.entry("type", self.type_)?;
            m.optional("transports", self.transports)
        })
    }
}

impl<'b> Parse<'b> for PublicKeyCredentialDescriptor<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut id, mut type_, mut transports) = (None, None, None);
        r.map(|key, r| {
            match key {
                _ if key.is("id") => id = Some(r.read()?),
                _ if key.is("type") => type_ = Some(credential_type(r)?),
                _ if key.is("transports") => transports = r.attempt(List::read_lenient)?,
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            id: required(id, "id of the credential descriptor")?,
            type_: required(type_, "type of the credential descriptor")?,
            transports,
        })
    }
}

/// Nearly always the one that there is, which need not be looked through once more.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn credential_type<'b>(r: &mut Reader<'b>) -> Result<&'b str, Error> {
    if cfg!(not(target_pointer_width = "64")) {
        return r.read();
    }
    let name: Name<'b> = r.read()?;
    Ok(match name == *PUBLIC_KEY {
        true => PUBLIC_KEY,
        false => name.as_str(),
    })
}

/// A signature algorithm that may be used for a credential type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKeyCredentialParameters<'a> {
    /// The algorithm.
    pub alg: Algorithm,
    /// [`PUBLIC_KEY`]; parameters of another type are to be ignored.
    pub type_: &'a str,
}

impl PublicKeyCredentialParameters<'_> {
    /// Public-key credentials with this algorithm.
    pub const fn new(alg: Algorithm) -> Self {
        Self {
            alg,
            type_: PUBLIC_KEY,
        }
    }
}

impl Encode for PublicKeyCredentialParameters<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry("alg", self.alg)?;
            m.entry("type", self.type_)
        })
    }
}

impl<'b> Parse<'b> for PublicKeyCredentialParameters<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        // The canonical map of the one type that there is. Like all that is there for speed alone,
        // not on a microcontroller.
        if cfg!(target_pointer_width = "64")
            && let Some(alg) = r.integer_between(b"\xa2\x63alg", b"\x64type\x6apublic-key")
        {
            return Ok(Self::new(alg.into()));
        }
        let (mut alg, mut type_) = (None, None);
        r.map(|key, r| {
            match key {
                _ if key.is("alg") => alg = Some(r.read()?),
                _ if key.is("type") => type_ = Some(credential_type(r)?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            alg: required(alg, "alg of the credential parameters")?,
            type_: required(type_, "type of the credential parameters")?,
        })
    }
}

/// The relying party.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKeyCredentialRpEntity<'a> {
    /// The RP ID, a domain name.
    pub id: &'a str,
    /// For people. Keys may cut it to 64 bytes.
    pub name: Option<&'a str>,
}

impl Encode for PublicKeyCredentialRpEntity<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry("id", self.id)?;
            m.optional("name", self.name)
        })
    }
}

impl<'b> Parse<'b> for PublicKeyCredentialRpEntity<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut id, mut name) = (None, None);
        r.map(|key, r| {
            match key {
                _ if key.is("id") => id = Some(r.read()?),
                _ if key.is("name") => name = Some(r.text_prefix()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            id: required(id, "id of the relying party")?,
            name,
        })
    }
}

/// The account that a credential belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKeyCredentialUserEntity<'a> {
    /// The user handle, 1 to 64 bytes.
    pub id: &'a [u8],
    /// The account's name. Keys may cut it to 64 bytes, and hide it without user verification.
    pub name: Option<&'a str>,
    /// The person's name. As above.
    pub display_name: Option<&'a str>,
}

impl Encode for PublicKeyCredentialUserEntity<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry("id", self.id)?;
            m.optional("name", self.name)?;
            m.optional("displayName", self.display_name)
        })
    }
}

impl<'b> Parse<'b> for PublicKeyCredentialUserEntity<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut id, mut name, mut display_name) = (None, None, None);
        r.map(|key, r| {
            match key {
                _ if key.is("id") => id = Some(r.read()?),
                _ if key.is("name") => name = Some(r.text_prefix()?),
                _ if key.is("displayName") => display_name = Some(r.text_prefix()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            id: required(id, "id of the user")?,
            name,
            display_name,
        })
    }
}
