//! A TPM's structures on the wire: big-endian, one member after the other; what is called TPM2B
//! has its length in front, in two bytes.

use super::TpmError;

/// Takes members from the front.
#[derive(Clone, Copy)]
pub(super) struct Structure<'a>(pub(super) &'a [u8]);

impl<'a> Structure<'a> {
    pub(super) fn u16(&mut self, member: &'static str) -> Result<u16, TpmError> {
        self.array(member).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, member: &'static str) -> Result<u32, TpmError> {
        self.array(member).map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self, member: &'static str) -> Result<u64, TpmError> {
        self.array(member).map(u64::from_be_bytes)
    }

    pub(super) fn byte(&mut self, member: &'static str) -> Result<u8, TpmError> {
        self.array(member).map(|[byte]| byte)
    }

    /// A TPM2B.
    pub(super) fn sized(&mut self, member: &'static str) -> Result<&'a [u8], TpmError> {
        let length = self.u16(member)?.into();
        let (bytes, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(TpmError::EndOfInput { member })?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn finish(self, structure: &'static str) -> Result<(), TpmError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(TpmError::TrailingBytes { structure })
        }
    }

    fn array<const N: usize>(&mut self, member: &'static str) -> Result<[u8; N], TpmError> {
        let (bytes, rest) = self
            .0
            .split_first_chunk()
            .ok_or(TpmError::EndOfInput { member })?;
        self.0 = rest;
        Ok(*bytes)
    }
}
