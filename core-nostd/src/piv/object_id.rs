//! Where data lie on the card. SP 800-73-5 part 1 table 3; Yubico's in 5FFFxx.

use core::fmt;

/// The tag of a data object.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectId(pub u32);

impl ObjectId {
    /// Card capability container.
    pub const CAPABILITIES: Self = Self(0x5F_C107);
    /// Cardholder unique identifier.
    pub const CHUID: Self = Self(0x5F_C102);
    /// Cardholder fingerprints.
    pub const FINGERPRINTS: Self = Self(0x5F_C103);
    /// Security object.
    pub const SECURITY: Self = Self(0x5F_C106);
    /// Cardholder facial image.
    pub const FACE: Self = Self(0x5F_C108);
    /// Printed information.
    pub const PRINTED: Self = Self(0x5F_C109);
    /// Key history.
    pub const KEY_HISTORY: Self = Self(0x5F_C10C);
    /// Cardholder iris images.
    pub const IRIS: Self = Self(0x5F_C121);
    /// Certificate of the signer of secure messaging.
    pub const SECURE_MESSAGING_SIGNER: Self = Self(0x5F_C122);
    /// Pairing code reference data.
    pub const PAIRING_CODE: Self = Self(0x5F_C123);
    /// Discovery object; comes without a wrapping.
    pub const DISCOVERY: Self = Self(0x7E);
    /// Biometric information templates; come without a wrapping.
    pub const BIOMETRIC_TEMPLATES: Self = Self(0x7F61);
    /// Yubico's: what the administrator's tools left here.
    pub const ADMIN_DATA: Self = Self(0x5F_FF00);
    /// Yubico's: which containers Windows sees.
    pub const CONTAINER_MAP: Self = Self(0x5F_FF10);
    /// Yubico's: certificates of roots for Windows, in five parts.
    pub const ROOTS: [Self; 5] = [
        Self(0x5F_FF11),
        Self(0x5F_FF12),
        Self(0x5F_FF13),
        Self(0x5F_FF14),
        Self(0x5F_FF15),
    ];

    /// Whether it is written and read without a wrapping of tag 53.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        matches!(self, Self::DISCOVERY | Self::BIOMETRIC_TEMPLATES)
    }

    /// The tag's bytes, as the tag list 5C has them, in the lower part of four.
    pub(super) fn bytes(&self) -> impl AsRef<[u8]> + use<> {
        let mut bytes = heapless::Vec::<u8, 4>::new();
        for byte in self.0.to_be_bytes() {
            if byte != 0 || !bytes.is_empty() {
                // Four bytes fit four.
                let _ = bytes.push(byte);
            }
        }
        bytes
    }

    /// Reads the tag in a tag list; `None` where it has no bytes, or more than three.
    pub(super) fn parse(tag: &[u8]) -> Option<Self> {
        if tag.is_empty() || tag.len() > 3 {
            return None;
        }
        let number = tag
            .iter()
            .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        Some(Self(number))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}
