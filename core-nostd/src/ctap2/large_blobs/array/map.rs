//! One blob, encrypted to its credential. CTAP 2.3 §6.10.3.

use core::fmt;

use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Reader, Writer, required};
use crate::crypto::{self, Crypto};
use crate::ctap2::LargeBlobKey;

/// Bytes of the authentication tag at the end of the ciphertext.
pub const TAG_LENGTH: usize = 16;

/// A large-blob map. AES-256-GCM under the credential's largeBlobKey; compression is for the
/// host, which has an allocator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LargeBlobMap<'a> {
    /// 0x01: the deflated blob, encrypted, and the tag
    pub ciphertext: &'a [u8],
    /// 0x02
    pub nonce: [u8; 12],
    /// 0x03: bytes before compression; under the tag too
    pub orig_size: u64,
}

impl<'a> LargeBlobMap<'a> {
    /// Encrypts a deflated blob under a fresh nonce. `room` holds it and [`TAG_LENGTH`] more.
    pub fn seal(
        crypto: &mut impl Crypto,
        key: LargeBlobKey<'_>,
        deflated: &[u8],
        orig_size: u64,
        room: &'a mut [u8],
    ) -> Result<Self, SealError> {
        let needed = deflated.len().saturating_add(TAG_LENGTH);
        let room = room
            .get_mut(..needed)
            .ok_or(SealError::RoomTooSmall { needed })?;
        let (data, tag) = room
            .split_last_chunk_mut()
            .ok_or(SealError::RoomTooSmall { needed })?;
        let mut nonce = [0; 12];
        crypto.random(&mut nonce).map_err(SealError::Crypto)?;
        data.copy_from_slice(deflated);
        *tag = crypto
            .aes256_gcm_seal(key.0, &nonce, &associated_data(orig_size), data)
            .map_err(SealError::Crypto)?;
        Ok(Self {
            ciphertext: room,
            nonce,
            orig_size,
        })
    }

    /// Decrypts the blob into the front of `room`.
    pub fn open<'r>(
        &self,
        crypto: &mut impl Crypto,
        key: LargeBlobKey<'_>,
        room: &'r mut [u8],
    ) -> Result<Opened<'r>, OpenError> {
        let (ciphertext, tag) = self
            .ciphertext
            .split_last_chunk()
            .ok_or(OpenError::NotThisKey)?;
        let needed = ciphertext.len();
        let data = room
            .get_mut(..needed)
            .ok_or(OpenError::RoomTooSmall { needed })?;
        data.copy_from_slice(ciphertext);
        crypto
            .aes256_gcm_open(
                key.0,
                &self.nonce,
                &associated_data(self.orig_size),
                data,
                tag,
            )
            .map_err(|_| OpenError::NotThisKey)?;
        Ok(Opened {
            deflated: data,
            orig_size: self.orig_size,
        })
    }
}

/// "blob" and the original size, little-endian.
fn associated_data(orig_size: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = orig_size.to_le_bytes();
    [b'b', b'l', b'o', b'b', a, b, c, d, e, f, g, h]
}

impl Encode for LargeBlobMap<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.ciphertext)?;
            m.entry(0x02, self.nonce)?;
            m.entry(0x03, self.orig_size)
        })
    }
}

impl<'b> Parse<'b> for LargeBlobMap<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut ciphertext, mut nonce, mut orig_size) = (None, None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => ciphertext = Some(r.read()?),
                Key::Int(0x02) => nonce = Some(*r.byte_array()?),
                Key::Int(0x03) => orig_size = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            ciphertext: required(ciphertext, "ciphertext (0x01) of the large-blob map")?,
            nonce: required(nonce, "nonce (0x02) of the large-blob map")?,
            orig_size: required(orig_size, "origSize (0x03) of the large-blob map")?,
        })
    }
}

/// A blob in clear.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Opened<'r> {
    /// What was stored, compressed by raw DEFLATE (RFC 1951).
    pub deflated: &'r [u8],
    /// Bytes that it inflates to. Authentic, but chosen by whoever stored it: bound it first.
    pub orig_size: u64,
}

/// Leaves out what was stored.
impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("orig_size", &self.orig_size)
            .finish_non_exhaustive()
    }
}

/// Why a blob was not encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SealError {
    /// The blob and its tag do not fit.
    RoomTooSmall {
        /// Bytes.
        needed: usize,
    },
    /// No randomness, or a blob longer than AES-GCM takes.
    Crypto(crypto::Error),
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoomTooSmall { needed } => {
                write!(f, "a large blob needs {needed} bytes to be sealed in")
            }
            Self::Crypto(_) => f.write_str("the large blob could not be encrypted"),
        }
    }
}

impl core::error::Error for SealError {}

/// Why a blob was not decrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OpenError {
    /// The blob does not fit.
    RoomTooSmall {
        /// Bytes.
        needed: usize,
    },
    /// It is another credential's, or was tampered with: no one can tell which.
    NotThisKey,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoomTooSmall { needed } => {
                write!(f, "a large blob needs {needed} bytes to be opened in")
            }
            Self::NotThisKey => f.write_str("the large blob does not open with this key"),
        }
    }
}

impl core::error::Error for OpenError {}
