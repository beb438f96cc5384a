//! Data objects that hold data objects, and rows of them.

use super::{EncodeError, MAX_VALUE, Tag, significant};

/// Encodes the fields one after the other into the front of `buffer`; with `outer` inside of one
/// object.
///
/// ```
/// use keysteward_core::iso7816::tlv::{Tag, template};
///
/// let mut buffer = [0; 16];
/// let fields = [(Tag(0x82), &b""[..]), (Tag(0x81), b"digest")];
/// let bytes = template(Some(Tag(0x7C)), &fields, &mut buffer)?;
/// assert_eq!(bytes, b"\x7c\x0a\x82\x00\x81\x06digest");
/// # Ok::<(), keysteward_core::iso7816::tlv::EncodeError>(())
/// ```
pub fn template<'b>(
    outer: Option<Tag>,
    fields: &[(Tag, &[u8])],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let inner = fields.iter().fold(0_usize, |sum, (tag, value)| {
        sum.saturating_add(encoded_len(*tag, value.len()))
    });
    let mut put = Put::new(buffer);
    if let Some(outer) = outer {
        put.header(outer, inner)?;
    }
    for (tag, value) in fields {
        put.header(*tag, value.len())?;
        put.bytes(value)?;
    }
    put.finish()
}

/// Bytes of an object whose value has `len` bytes.
#[must_use]
pub fn encoded_len(tag: Tag, len: usize) -> usize {
    let length = match len {
        0..=0x7F => 1_usize,
        0x80..=0xFF => 2,
        0x100..=0xFFFF => 3,
        _ => 4,
    };
    significant(&tag.0.to_be_bytes())
        .len()
        .saturating_add(length)
        .saturating_add(len)
}

/// Writes from the front of a buffer on.
pub(crate) struct Put<'b> {
    buffer: &'b mut [u8],
    end: usize,
}

impl<'b> Put<'b> {
    pub(crate) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, end: 0 }
    }

    pub(crate) fn header(&mut self, tag: Tag, length: usize) -> Result<(), EncodeError> {
        if length > MAX_VALUE {
            return Err(EncodeError::ValueTooLong);
        }
        self.bytes(significant(&tag.0.to_be_bytes()))?;
        // No more than three bytes, as MAX_VALUE has it.
        let bytes = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let short = significant(&bytes);
        match short {
            [0..=0x7F] => {}
            [_] => self.bytes(&[0x81])?,
            [_, _] => self.bytes(&[0x82])?,
            _ => self.bytes(&[0x83])?,
        }
        self.bytes(short)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let rest = self.buffer.get_mut(self.end..).unwrap_or_default();
        let room = rest.get_mut(..bytes.len()).ok_or(EncodeError::BufferFull)?;
        room.copy_from_slice(bytes);
        self.end = self.end.saturating_add(bytes.len());
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<&'b [u8], EncodeError> {
        self.buffer.get(..self.end).ok_or(EncodeError::BufferFull)
    }
}
