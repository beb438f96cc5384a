//! Certificates on the card. SP 800-73-5 part 1 §3.1.3, part 1 appendix A.
//!
//! They may be compressed; undoing that needs memory that only hosts have.

use super::Malformed;
use crate::iso7816::tlv::{EncodeError, Objects, Tag, encode, template};

/// What an object of a certificate holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Certificate<'a> {
    /// How the bytes are to be read.
    pub format: Format,
    /// X.509 in DER, or what is compressed of it.
    pub bytes: &'a [u8],
}

/// How a certificate is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// X.509 in DER.
    Plain,
    /// The same under gzip (RFC 1952).
    Gzip,
    /// The same under zlib (RFC 1950), as minidrivers have it, and clients that follow them.
    Zlib {
        /// Bytes of the certificate.
        len: u16,
    },
}

impl<'a> Certificate<'a> {
    /// A certificate as it is.
    #[must_use]
    pub const fn plain(der: &'a [u8]) -> Self {
        Self {
            format: Format::Plain,
            bytes: der,
        }
    }

    /// Reads an object's content; `None`: it is empty, as that of a deleted certificate is.
    pub fn parse(content: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let (mut certificate, mut information) = (None, 0);
        for object in Objects::new(content) {
            let object = object.map_err(|_| Malformed)?;
            match (object.tag, object.value) {
                (CERTIFICATE, bytes) => certificate = Some(bytes),
                (INFORMATION, [byte]) => information = *byte,
                _ => {}
            }
        }
        let Some(bytes) = certificate.filter(|bytes| !bytes.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(match *bytes {
            [0x01, 0x00, low, high, ref zlib @ ..] if zlib.first() == Some(&ZLIB) => Self {
                format: Format::Zlib {
                    len: u16::from_le_bytes([low, high]),
                },
                bytes: zlib,
            },
            _ if information & COMPRESSED != 0 => Self {
                format: Format::Gzip,
                bytes,
            },
            _ => Self::plain(bytes),
        }))
    }

    /// Encodes an object's content into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let (information, head) = match self.format {
            Format::Plain => ([0x00], None),
            Format::Gzip => ([COMPRESSED], None),
            Format::Zlib { len } => {
                let [low, high] = len.to_le_bytes();
                ([0x00], Some([0x01, 0x00, low, high]))
            }
        };
        let head = head.as_ref().map_or(&[][..], |head| head);
        let certificate = encode(CERTIFICATE, &[head, self.bytes], buffer)?.len();
        let rest = buffer
            .get_mut(certificate..)
            .ok_or(EncodeError::BufferFull)?;
        let fields = [(INFORMATION, &information[..]), (CHECK, &[])];
        let end = certificate.saturating_add(template(None, &fields, rest)?.len());
        buffer.get(..end).ok_or(EncodeError::BufferFull)
    }
}

const CERTIFICATE: Tag = Tag(0x70);
const INFORMATION: Tag = Tag(0x71);
const CHECK: Tag = Tag(0xFE);
const COMPRESSED: u8 = 0x01;
/// What a stream of zlib begins with, where its window is the usual one.
const ZLIB: u8 = 0x78;
