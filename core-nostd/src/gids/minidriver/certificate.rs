//! `mscp/kxcNN` and `mscp/kscNN`: the certificate of a container, compressed. Windows' minidriver
//! for GIDS, undocumented: a version, the length of the certificate, and the certificate as zlib
//! (RFC 1950) makes it. Whoever has an allocator compresses.

use super::super::Error;
use super::super::key_file::Usage;
use super::masterfile::Name;

/// A certificate's file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CertificateFile<'a> {
    /// Bytes of the certificate in DER.
    pub len: u16,
    /// The certificate, as zlib makes it.
    pub compressed: &'a [u8],
}

/// Bytes in front of what is compressed.
pub const HEADER: usize = 4;

impl<'a> CertificateFile<'a> {
    /// Reads the file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        match bytes {
            [0x01, 0x00, l0, l1, compressed @ ..] => Ok(Self {
                len: u16::from_le_bytes([*l0, *l1]),
                compressed,
            }),
            _ => Err(Error::File {
                name: "of a certificate",
                problem: "is compressed in another way than by zlib",
            }),
        }
    }

    /// What stands in front of the compressed bytes.
    #[must_use]
    pub const fn header(&self) -> [u8; HEADER] {
        let [l0, l1] = self.len.to_le_bytes();
        [0x01, 0x00, l0, l1]
    }
}

/// The name of the file of a container's certificate.
#[must_use]
pub fn name(container: u8, usage: Usage) -> Name {
    let [high, low] = [container >> 4, container & 0x0F].map(|digit| match digit {
        0..=9 => digit | b'0',
        _ => digit.wrapping_sub(10).wrapping_add(b'A'),
    });
    let kind = if usage.deciphers() { b'x' } else { b's' };
    Name::of(&[b'k', kind, b'c', high, low])
}
