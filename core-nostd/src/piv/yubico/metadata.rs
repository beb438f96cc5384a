//! GET METADATA: what the card tells of a key, the PIN, the PUK or the admin key, without a secret.

use super::super::{
    ADMIN_KEY, Algorithm, Malformed, PinPolicy, PinReference, PublicKey, TouchPolicy, command, ins,
};
use crate::admin_key::Cipher;
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};
use crate::iso7816::{Command, Le, Status};
use heapless::Vec;

/// GET METADATA request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// P2: a key's [`id`](super::super::KeyReference::id), [`ADMIN_KEY`], or that of a PIN.
    pub of: u8,
}

impl Request {
    /// Of the admin key.
    pub const ADMIN_KEY: Self = Self { of: ADMIN_KEY };
    /// Of the PIN.
    pub const PIN: Self = Self {
        of: PinReference::Pin.id(),
    };
    /// Of the PUK.
    pub const PUK: Self = Self {
        of: PinReference::Puk.id(),
    };

    /// The command.
    #[must_use]
    pub const fn command(&self) -> Command<'static> {
        Command {
            le: Some(Le::EXTENDED),
            ..command(ins::METADATA, 0x00, self.of, &[])
        }
    }

    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        match (command.p1, command.data) {
            (0x00, []) => Ok(Self { of: command.p2 }),
            _ => Err(Status::IncorrectP1P2),
        }
    }
}

/// What the card tells. Some cards answer nothing at all: then every member is absent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata<'a> {
    /// 01: of a key the algorithm, of the admin key the cipher; of PINs FF.
    pub algorithm: Option<u8>,
    /// 02
    pub pin_policy: Option<PinPolicy>,
    /// 02
    pub touch_policy: Option<TouchPolicy>,
    /// 03: whether the key was made on the card; it was imported if not.
    pub generated: Option<bool>,
    /// 04: members of a public key; see [`public_key`](Self::public_key).
    pub public: Option<&'a [u8]>,
    /// 05: whether it is the one of the factory.
    pub is_default: Option<bool>,
    /// 06: tries in all, and tries left.
    pub tries: Option<Tries>,
}

/// Tries of a PIN or PUK.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tries {
    /// After a right one.
    pub total: u8,
    /// Now.
    pub left: u8,
}

impl<'a> Metadata<'a> {
    /// Reads an answer. What is not known is passed over.
    pub fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut metadata = Self::default();
        for object in Objects::new(data) {
            let object = object.map_err(|_| Malformed)?;
            match (object.tag, object.value) {
                (ALGORITHM, [id]) => metadata.algorithm = Some(*id),
                (POLICY, [pin, touch]) => {
                    metadata.pin_policy = PinPolicy::from_id(*pin);
                    metadata.touch_policy = TouchPolicy::from_id(*touch);
                }
                (ORIGIN, [origin]) => metadata.generated = Some(*origin == GENERATED),
                (PUBLIC, members) => metadata.public = Some(members),
                (DEFAULT, [flag]) => metadata.is_default = Some(*flag != 0),
                (TRIES, [total, left]) => {
                    metadata.tries = Some(Tries {
                        total: *total,
                        left: *left,
                    });
                }
                _ => {}
            }
        }
        Ok(metadata)
    }

    /// Of the admin key.
    #[must_use]
    pub fn cipher(&self) -> Option<Cipher> {
        Cipher::from_piv_id(self.algorithm?)
    }

    /// Of a key.
    #[must_use]
    pub fn key_algorithm(&self) -> Option<Algorithm> {
        Algorithm::from_id(self.algorithm?)
    }

    /// Of a key, where the card tells it and it can be read.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey<'a>> {
        PublicKey::parse_members(self.public?, self.key_algorithm()?).ok()
    }

    /// Encodes into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let algorithm = self.algorithm.map(|id| [id]);
        let policy = match (self.pin_policy, self.touch_policy) {
            (None, None) => None,
            (pin, touch) => Some([
                pin.map_or(0, PinPolicy::id),
                touch.map_or(0, TouchPolicy::id),
            ]),
        };
        let origin = self
            .generated
            .map(|generated| [if generated { GENERATED } else { IMPORTED }]);
        let is_default = self.is_default.map(|is_default| [u8::from(is_default)]);
        let tries = self.tries.map(|tries| [tries.total, tries.left]);
        let members: [(Tag, Option<&[u8]>); 6] = [
            (ALGORITHM, algorithm.as_ref().map(|id| id.as_slice())),
            (POLICY, policy.as_ref().map(|policy| policy.as_slice())),
            (ORIGIN, origin.as_ref().map(|origin| origin.as_slice())),
            (PUBLIC, self.public),
            (DEFAULT, is_default.as_ref().map(|flag| flag.as_slice())),
            (TRIES, tries.as_ref().map(|tries| tries.as_slice())),
        ];
        let mut fields = Vec::<(Tag, &[u8]), 6>::new();
        for (tag, member) in members {
            if let Some(value) = member {
                // Six members fit six.
                let _ = fields.push((tag, value));
            }
        }
        template(None, &fields, buffer)
    }
}

const ALGORITHM: Tag = Tag(0x01);
const POLICY: Tag = Tag(0x02);
const ORIGIN: Tag = Tag(0x03);
const PUBLIC: Tag = Tag(0x04);
const DEFAULT: Tag = Tag(0x05);
const TRIES: Tag = Tag(0x06);
const GENERATED: u8 = 0x01;
const IMPORTED: u8 = 0x02;
