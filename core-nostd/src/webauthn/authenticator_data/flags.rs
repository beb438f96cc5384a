//! The flags of authenticator data. WebAuthn Level 3 §6.1.

use core::ops::BitOr;

/// A set of flags. Reserved bits survive.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Flags(pub u8);

impl Flags {
    /// UP
    pub const USER_PRESENT: Self = Self(0x01);
    /// UV
    pub const USER_VERIFIED: Self = Self(0x04);
    /// BE: the credential can be copied to other devices
    pub const BACKUP_ELIGIBLE: Self = Self(0x08);
    /// BS: it has been
    pub const BACKUP_STATE: Self = Self(0x10);
    /// AT
    pub const ATTESTED_CREDENTIAL: Self = Self(0x40);
    /// ED
    pub const EXTENSIONS: Self = Self(0x80);

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These, less `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
