//! credProtect. CTAP 2.3 §12.1.

use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// When a credential is shown and used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredProtect {
    /// 0x01: always
    UserVerificationOptional,
    /// 0x02: without user verification only to who names it
    UserVerificationOptionalWithCredentialIdList,
    /// 0x03: never without user verification
    UserVerificationRequired,
    /// Of a later edition; a token refuses it.
    Other(u8),
}

impl From<u8> for CredProtect {
    fn from(level: u8) -> Self {
        match level {
            0x01 => Self::UserVerificationOptional,
            0x02 => Self::UserVerificationOptionalWithCredentialIdList,
            0x03 => Self::UserVerificationRequired,
            other => Self::Other(other),
        }
    }
}

impl From<CredProtect> for u8 {
    fn from(level: CredProtect) -> Self {
        match level {
            CredProtect::UserVerificationOptional => 0x01,
            CredProtect::UserVerificationOptionalWithCredentialIdList => 0x02,
            CredProtect::UserVerificationRequired => 0x03,
            CredProtect::Other(level) => level,
        }
    }
}

impl Encode for CredProtect {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.unsigned(u8::from(*self).into())
    }
}

impl<'b> Parse<'b> for CredProtect {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        u8::read(r).map(Self::from)
    }
}
