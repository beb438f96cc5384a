//! Discovery object. SP 800-73-5 part 1 §3.3.2.

use super::{AID, Malformed};
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};

/// Discovery object: which secrets the applet takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Discovery {
    /// 5F2F, first byte.
    pub policy: u8,
    /// 5F2F, second byte: 10 the applet's own PIN is preferred, 20 the global one.
    pub preferred: u8,
}

impl Discovery {
    /// The applet's own PIN, and no other.
    pub const PIN: Self = Self {
        policy: OWN_PIN,
        preferred: 0x00,
    };

    /// Whether the global PIN is taken too.
    #[must_use]
    pub const fn takes_global_pin(self) -> bool {
        self.policy & GLOBAL_PIN != 0
    }

    /// Reads an object's content.
    pub fn parse(content: &[u8]) -> Result<Self, Malformed> {
        match Objects::new(content).find(POLICY) {
            Ok(Some(object)) => match *object.value {
                [policy, preferred] => Ok(Self { policy, preferred }),
                _ => Err(Malformed),
            },
            _ => Err(Malformed),
        }
    }

    /// Encodes an object's content into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let mut aid = [0; 11];
        for (to, from) in aid.iter_mut().zip(AID.iter().chain(&VERSION)) {
            *to = *from;
        }
        let policy = [self.policy, self.preferred];
        template(None, &[(IDENTIFIER, &aid), (POLICY, &policy)], buffer)
    }
}

/// Of the applet, as it stands behind its name.
const VERSION: [u8; 2] = [0x01, 0x00];
const IDENTIFIER: Tag = Tag(0x4F);
const POLICY: Tag = Tag(0x5F2F);
const OWN_PIN: u8 = 0x40;
const GLOBAL_PIN: u8 = 0x20;
