//! Authenticator data: what a key signs. WebAuthn Level 3 §6.1.
//!
//! ```text
//! rpIdHash 32 ‖ flags 1 ‖ signCount 4 [‖ aaguid 16 ‖ L 2 ‖ credentialId L ‖ COSE_Key] [‖ map]
//! ```
//!
//! ```
//! use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};
//!
//! let rp_id_hash = [7; 32];
//! let data = AuthenticatorData {
//!     rp_id_hash: &rp_id_hash,
//!     flags: Flags::USER_PRESENT | Flags::USER_VERIFIED,
//!     sign_count: 3,
//!     attested_credential: None,
//!     extensions: None,
//! };
//! let mut buffer = [0; 64];
//! let bytes = data.encode(&mut buffer)?;
//! assert_eq!(bytes.len(), 37);
//! assert_eq!(AuthenticatorData::parse(bytes)?, data);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod flags;
#[cfg(test)]
mod tests;

pub use flags::Flags;

use core::fmt;

use super::cose::PublicKey;
use crate::cbor::{self, BufferFull, Encode, Parse, Raw, Reader, Writer};

/// Longest credential id, in bytes; the shortest has one. WebAuthn Level 3 §4.
pub const MAX_CREDENTIAL_ID: usize = 1023;

/// Authenticator data.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthenticatorData<'a> {
    /// SHA-256 of the RP ID.
    pub rp_id_hash: &'a [u8; 32],
    /// Without the two flags that say whether the members below are there.
    pub flags: Flags,
    /// Signature counter; 0 where the key keeps none.
    pub sign_count: u32,
    /// In answers to makeCredential.
    pub attested_credential: Option<AttestedCredential<'a>>,
    /// A map: [`extension`](crate::ctap2::extension) outputs.
    pub extensions: Option<Raw<'a>>,
}

/// A new credential. WebAuthn Level 3 §6.5.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttestedCredential<'a> {
    /// The key's model.
    pub aaguid: &'a [u8; 16],
    /// 1 to [`MAX_CREDENTIAL_ID`] bytes.
    pub credential_id: &'a [u8],
    /// The credential's public key.
    pub public_key: PublicKey<'a>,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads bytes that hold authenticator data and nothing else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let short = Error::TooShort {
            length: bytes.len(),
        };
        let (rp_id_hash, rest) = bytes.split_first_chunk().ok_or(short)?;
        let (&[flags], rest) = rest.split_first_chunk().ok_or(short)?;
        let (&sign_count, mut rest) = rest.split_first_chunk().ok_or(short)?;
        let flags = Flags(flags);
        if flags.contains(Flags::BACKUP_STATE) && !flags.contains(Flags::BACKUP_ELIGIBLE) {
            return Err(Error::BackedUpButNotEligible);
        }
        let offset = |rest: &[u8]| bytes.len().saturating_sub(rest.len());
        let mut attested_credential = None;
        if flags.contains(Flags::ATTESTED_CREDENTIAL) {
            let (aaguid, after) = rest.split_first_chunk().ok_or(short)?;
            let (&length, after) = after.split_first_chunk().ok_or(short)?;
            let length = usize::from(u16::from_be_bytes(length));
            if length == 0 || length > MAX_CREDENTIAL_ID {
                return Err(Error::CredentialIdLength { length });
            }
            let (credential_id, after) = after.split_at_checked(length).ok_or(short)?;
            let (public_key, after) = item(after, offset(after))?;
            attested_credential = Some(AttestedCredential {
                aaguid,
                credential_id,
                public_key,
            });
            rest = after;
        }
        let mut extensions = None;
        if flags.contains(Flags::EXTENSIONS) {
            let position = offset(rest);
            let (map, after): (Raw<'a>, _) = item(rest, position)?;
            if !map.is_map() {
                return Err(Error::ExtensionsNotAMap { position });
            }
            extensions = Some(map);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Error::TrailingBytes {
                position: offset(rest),
            });
        }
        Ok(Self {
            rp_id_hash,
            flags: flags.without(Flags::ATTESTED_CREDENTIAL | Flags::EXTENSIONS),
            sign_count: u32::from_be_bytes(sign_count),
            attested_credential,
            extensions,
        })
    }

    /// Encodes into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferFull> {
        let mut w = Writer::new(buffer);
        w.append(self.rp_id_hash)?;
        w.append(&[self.flags_byte()])?;
        w.append(&self.sign_count.to_be_bytes())?;
        if let Some(credential) = &self.attested_credential {
            let length = u16::try_from(credential.credential_id.len()).map_err(|_| BufferFull)?;
            w.append(credential.aaguid)?;
            w.append(&length.to_be_bytes())?;
            w.append(credential.credential_id)?;
            credential.public_key.encode(&mut w)?;
        }
        if let Some(extensions) = self.extensions {
            w.raw(extensions)?;
        }
        Ok(w.finish())
    }

    /// The flags as they stand in the bytes.
    pub fn flags_byte(&self) -> u8 {
        let mut flags = self.flags;
        if self.attested_credential.is_some() {
            flags = flags | Flags::ATTESTED_CREDENTIAL;
        }
        if self.extensions.is_some() {
            flags = flags | Flags::EXTENSIONS;
        }
        flags.0
    }
}

/// Reads the CBOR item at the start of `bytes`, which lie at `offset`; only CBOR tells its end.
fn item<'b, T: Parse<'b>>(bytes: &'b [u8], offset: usize) -> Result<(T, &'b [u8]), Error> {
    let mut reader = Reader::new(bytes);
    let value = reader
        .read()
        .map_err(|source| Error::Cbor { offset, source })?;
    let rest = bytes.get(reader.position()..).unwrap_or_default();
    Ok((value, rest))
}

/// Why bytes are not authenticator data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// They end before what the flags announce.
    TooShort {
        /// Bytes there are.
        length: usize,
    },
    /// BS is set and BE is not.
    BackedUpButNotEligible,
    /// Of no byte, or longer than [`MAX_CREDENTIAL_ID`].
    CredentialIdLength {
        /// The length announced.
        length: usize,
    },
    /// The public key or the extensions.
    Cbor {
        /// Where the CBOR item begins; positions in `source` count from there.
        offset: usize,
        /// What is wrong with it.
        source: cbor::Error,
    },
    /// Extensions of another type.
    ExtensionsNotAMap {
        /// Where they begin.
        position: usize,
    },
    /// Bytes after the last member.
    TrailingBytes {
        /// Where they begin.
        position: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { length } => {
                write!(f, "authenticator data end too early, after {length} bytes")
            }
            Self::BackedUpButNotEligible => f.write_str(
                "authenticator data call the credential backed up, but not eligible for backup",
            ),
            Self::CredentialIdLength { length } => write!(
                f,
                "a credential id of {length} bytes, 1 to {MAX_CREDENTIAL_ID} are allowed"
            ),
            Self::Cbor { offset, .. } => {
                write!(f, "authenticator data are not readable from byte {offset}")
            }
            Self::ExtensionsNotAMap { position } => {
                write!(f, "the extensions at byte {position} are not a map")
            }
            Self::TrailingBytes { position } => {
                write!(
                    f,
                    "bytes follow the authenticator data from byte {position}"
                )
            }
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Cbor { source, .. } => Some(source),
            _ => None,
        }
    }
}
