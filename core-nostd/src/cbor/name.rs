//! Names: of options, extensions and members.

use core::fmt;

use super::reader::SMALL;
use super::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// Text that is kept as bytes, since names are compared and hardly ever shown. It is UTF-8.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct Name<'b>(&'b [u8]);

impl<'b> Name<'b> {
    /// This name.
    pub const fn new(name: &'b str) -> Self {
        Self(name.as_bytes())
    }

    /// The name, if the bytes are UTF-8.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn of_utf8(bytes: &'b [u8]) -> Option<Self> {
        let is_text = (!SMALL && is_short_ascii(bytes)) || core::str::from_utf8(bytes).is_ok();
        is_text.then_some(Self(bytes))
    }

    /// The name of which somebody else saw that it is UTF-8.
    pub(super) const fn checked_before(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(self) -> &'b [u8] {
        self.0
    }

    /// As text, which takes another look at all of it.
    pub fn as_str(self) -> &'b str {
        core::str::from_utf8(self.0).unwrap_or_default()
    }
}

impl PartialEq<str> for Name<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'b> Parse<'b> for Name<'b> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.name()
    }
}

impl Encode for Name<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.name(*self)
    }
}

/// Whether this is ASCII, as nearly all names are, of at most 16 bytes.
#[inline(always)]
pub(super) fn is_short_ascii(text: &[u8]) -> bool {
    const BEYOND_ASCII: u64 = 0x8080_8080_8080_8080;
    // Words from both ends, which may overlap.
    let bytes = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) if text.len() <= 16 => {
            u64::from_ne_bytes(*first) | u64::from_ne_bytes(*last)
        }
        (Some(_), _) => return false,
        _ => match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => {
                (u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last)).into()
            }
            _ => text.iter().fold(0, |all, byte| all | u64::from(*byte)),
        },
    };
    bytes & BEYOND_ASCII == 0
}
