//! Response APDUs. ISO/IEC 7816-4 §5.3.

use super::{Status, join};
use core::fmt;

/// Longest response to a command of the short form, in bytes: 256 and the status.
pub const MAX_SHORT_RESPONSE: usize = 258;

/// A card's answer. Its data may be a secret: not shown by `Debug`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Response<'a> {
    /// Up to Le bytes.
    pub data: &'a [u8],
    /// SW1 and SW2.
    pub status: Status,
}

impl<'a> Response<'a> {
    /// Reads one APDU.
    pub fn parse(apdu: &'a [u8]) -> Result<Self, ResponseTooShort> {
        let (data, &sw) = apdu
            .split_last_chunk()
            .ok_or(ResponseTooShort { len: apdu.len() })?;
        Ok(Self {
            data,
            status: Status::from(u16::from_be_bytes(sw)),
        })
    }

    /// Encodes into the front of `buffer`; `None` when it does not fit.
    #[must_use]
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        join(buffer, &[self.data, &self.status.bytes()])
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes, {:?})", self.data.len(), self.status)
    }
}

/// An answer without room for a status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ResponseTooShort {
    /// Bytes there are.
    pub len: usize,
}

impl fmt::Display for ResponseTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the card answered {} bytes, which hold no status",
            self.len
        )
    }
}

impl core::error::Error for ResponseTooShort {}
