//! What the card wants before it uses a key. Yubico's.

use crate::iso7816::tlv::Tag;

/// When the PIN is wanted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PinPolicy {
    /// 01: the key works without.
    Never,
    /// 02: once for as long as the applet stays selected.
    Once,
    /// 03: immediately before each use.
    Always,
    /// 04: a finger, once; the PIN helps out.
    MatchOnce,
    /// 05: a finger before each use; the PIN helps out.
    MatchAlways,
}

/// When a touch is wanted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TouchPolicy {
    /// 01
    Never,
    /// 02: for each use.
    Always,
    /// 03: counts for 15 seconds.
    Cached,
}

impl PinPolicy {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::Never,
        Self::Once,
        Self::Always,
        Self::MatchOnce,
        Self::MatchAlways,
    ];

    /// As it stands under tag AA.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Never => 1,
            Self::Once => 2,
            Self::Always => 3,
            Self::MatchOnce => 4,
            Self::MatchAlways => 5,
        }
    }

    /// The one of this number.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.id() == id)
    }

    /// What people and interfaces call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Once => "once",
            Self::Always => "always",
            Self::MatchOnce => "match-once",
            Self::MatchAlways => "match-always",
        }
    }

    /// The one of this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

impl TouchPolicy {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Never, Self::Always, Self::Cached];

    /// As it stands under tag AB.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Never => 1,
            Self::Always => 2,
            Self::Cached => 3,
        }
    }

    /// The one of this number.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.id() == id)
    }

    /// What people and interfaces call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Always => "always",
            Self::Cached => "cached",
        }
    }

    /// The one of this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

pub(super) const PIN_POLICY: Tag = Tag(0xAA);
pub(super) const TOUCH_POLICY: Tag = Tag(0xAB);
