//! How a key verifies its user. CTAP 2.3 §6.4, member 0x12; FIDO Registry of Predefined Values
//! §3.1.

use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// A set of user verification methods.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct UvModality(pub u64);

impl UvModality {
    /// A touch, which verifies nobody.
    pub const PRESENCE_INTERNAL: Self = Self(0x0001);
    /// A finger.
    pub const FINGERPRINT_INTERNAL: Self = Self(0x0002);
    /// A PIN typed at the key itself.
    pub const PASSCODE_INTERNAL: Self = Self(0x0004);
    /// A voice.
    pub const VOICEPRINT_INTERNAL: Self = Self(0x0008);
    /// A face.
    pub const FACEPRINT_INTERNAL: Self = Self(0x0010);
    /// A place.
    pub const LOCATION_INTERNAL: Self = Self(0x0020);
    /// An eye.
    pub const EYEPRINT_INTERNAL: Self = Self(0x0040);
    /// A pattern drawn at the key itself.
    pub const PATTERN_INTERNAL: Self = Self(0x0080);
    /// A hand.
    pub const HANDPRINT_INTERNAL: Self = Self(0x0100);
    /// None at all.
    pub const NONE: Self = Self(0x0200);
    /// All of those named are needed together.
    pub const ALL: Self = Self(0x0400);
    /// A PIN typed at the platform: clientPIN.
    pub const PASSCODE_EXTERNAL: Self = Self(0x0800);
    /// A pattern drawn at the platform.
    pub const PATTERN_EXTERNAL: Self = Self(0x1000);

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Encode for UvModality {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.unsigned(self.0)
    }
}

impl<'b> Parse<'b> for UvModality {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.read().map(Self)
    }
}
