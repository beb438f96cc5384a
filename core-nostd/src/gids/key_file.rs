//! Files of keys, and what a key is for: control reference templates. GIDS 2.0
//! §12.5.3.

use super::file::{Access, FileId, IDENTIFIER, PARAMETERS, SECURITY, rule, templates};
use super::{KeyReference, file, required_byte, unreadable};
use crate::der::{Item, encode};
use crate::iso7816::Status;
use crate::iso7816::tlv::EncodeError;
use heapless::Vec;

/// A file for a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyFile {
    /// Which key.
    pub key: KeyReference,
    /// What for.
    pub usage: Usage,
    /// Who makes it anew on the card; `None` for a symmetric key.
    pub generate: Access,
    /// Who uses it.
    pub manage: Access,
    /// Who writes it.
    pub put: Access,
    /// Who reads its public half.
    pub read: Access,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Usage {
    /// 3DES: proves the administrator.
    Admin,
    /// RSA: signs and deciphers. AT_KEYEXCHANGE of Windows.
    KeyExchange(KeySize),
    /// RSA: signs alone. AT_SIGNATURE of Windows.
    Signature(KeySize),
}

/// An RSA key's length.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum KeySize {
    /// Too short to be made anew; cards hold old ones.
    Rsa1024,
    /// The longest that Windows' own minidriver uses.
    Rsa2048,
    /// Only some cards have it.
    Rsa3072,
    /// Only some cards have it.
    Rsa4096,
}

impl KeySize {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Rsa1024, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// Bits of the modulus.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::Rsa1024 => 1024,
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }

    /// Bytes of the modulus, and of whatever the key works on.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Rsa1024 => 128,
            Self::Rsa2048 => 256,
            Self::Rsa3072 => 384,
            Self::Rsa4096 => 512,
        }
    }

    /// The size of so many bits.
    #[must_use]
    pub fn of_bits(bits: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.bits() == bits)
    }

    /// The low half of algorithm identifiers.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Rsa1024 => 0x06,
            Self::Rsa2048 => 0x07,
            Self::Rsa3072 => 0x08,
            Self::Rsa4096 => 0x09,
        }
    }

    /// The size that an algorithm identifier is about.
    #[must_use]
    pub fn of_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.id() == id & 0x0F)
    }
}

impl KeyFile {
    /// The file of the admin key. Who has proven the key replaces it.
    pub const ADMIN: Self = Self {
        key: KeyReference::ADMIN,
        usage: Usage::Admin,
        generate: Access::NEVER,
        manage: Access::ALWAYS,
        put: Access::ADMIN,
        read: Access::NEVER,
    };

    /// The file of a container's key, as Windows' minidriver creates it.
    #[must_use]
    pub const fn of_container(key: KeyReference, usage: Usage) -> Self {
        Self {
            key,
            usage,
            generate: Access::USER,
            manage: Access::USER,
            put: Access::USER,
            read: Access::ALWAYS,
        }
    }

    pub(super) fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let id = self.key.file().0.to_be_bytes();
        let reference = [self.key.0];
        let (mode, rules): (u8, &[u8]) = match self.usage {
            Usage::Admin => (0x87, &[self.manage.0, self.put.0, self.read.0]),
            Usage::KeyExchange(_) | Usage::Signature(_) => (
                0x8F,
                &[self.generate.0, self.manage.0, self.put.0, self.read.0],
            ),
        };
        let mut security: Vec<u8, 5> = Vec::new();
        for byte in [mode].iter().chain(rules) {
            security.push(*byte).map_err(|_| EncodeError::BufferFull)?;
        }
        let algorithms = self.usage.algorithms();
        let insides: Vec<[Item<'_>; 3], 5> = algorithms
            .iter()
            .map(|(_, algorithm, usage)| {
                [
                    Item::Value(ALGORITHM, core::slice::from_ref(algorithm)),
                    Item::Value(KEY, &reference),
                    Item::Value(QUALIFIER, core::slice::from_ref(usage)),
                ]
            })
            .collect();
        let mut templates: Vec<Item<'_>, 5> = Vec::new();
        for ((tag, ..), inside) in algorithms.iter().zip(&insides) {
            let template = Item::Template(*tag, inside);
            templates
                .push(template)
                .map_err(|_| EncodeError::BufferFull)?;
        }
        let parameters = [
            Item::Value(file::DESCRIPTOR, &[DESCRIPTOR]),
            Item::Value(IDENTIFIER, &id),
            Item::Value(SECURITY, &security),
            Item::Template(KEY_ATTRIBUTES, &templates),
        ];
        encode(&[Item::Template(PARAMETERS, &parameters)], buffer)
    }

    /// Reads what file control parameters say of a key.
    pub(super) fn parse(id: FileId, rules: &[u8], parameters: &[u8]) -> Result<Self, Status> {
        let [high, reference] = id.0.to_be_bytes();
        let key = KeyReference(reference);
        if high != 0xB0 || reference < KeyReference::ADMIN.0 {
            return Err(Status::IncorrectData);
        }
        let (mut usage, mut deciphers) = (None, false);
        for template in templates(parameters, KEY_ATTRIBUTES) {
            let (tag, inside) = template?;
            let algorithm = required_byte(inside, ALGORITHM).map_err(unreadable)?;
            let size = KeySize::of_id(algorithm);
            let found = match (tag.0, size) {
                (AUTHENTICATION, _) if algorithm == TRIPLE_DES => Usage::Admin,
                (CONFIDENTIALITY | SIGNATURE, Some(size)) => {
                    deciphers |= tag.0 == CONFIDENTIALITY;
                    Usage::Signature(size)
                }
                _ => return Err(Status::FunctionNotSupported),
            };
            if usage.is_some_and(|usage| usage != found) {
                return Err(Status::IncorrectData);
            }
            usage = Some(found);
        }
        let usage = match usage.ok_or(Status::IncorrectData)? {
            Usage::Signature(size) if deciphers => Usage::KeyExchange(size),
            usage => usage,
        };
        let generate = match usage {
            Usage::Admin => Access::NEVER,
            Usage::KeyExchange(_) | Usage::Signature(_) => rule(rules, 0x08)?,
        };
        Ok(Self {
            key,
            usage,
            generate,
            manage: rule(rules, 0x04)?,
            put: rule(rules, 0x02)?,
            read: rule(rules, 0x01)?,
        })
    }
}

impl Usage {
    /// The length of an RSA key.
    #[must_use]
    pub const fn size(self) -> Option<KeySize> {
        match self {
            Self::Admin => None,
            Self::KeyExchange(size) | Self::Signature(size) => Some(size),
        }
    }

    /// Whether it deciphers.
    #[must_use]
    pub const fn deciphers(self) -> bool {
        matches!(self, Self::KeyExchange(_))
    }

    /// Tag, algorithm and usage qualifier of each template.
    fn algorithms(self) -> Vec<(u32, u8, u8), 5> {
        let all: &[(u32, u8)] = match self {
            Self::Admin => {
                return Vec::from_slice(&[(AUTHENTICATION, TRIPLE_DES, 0xC0)]).unwrap_or_default();
            }
            Self::KeyExchange(_) => &[
                (CONFIDENTIALITY, 0x00),
                (CONFIDENTIALITY, 0x80),
                (CONFIDENTIALITY, 0x40),
                (SIGNATURE, 0x10),
                (SIGNATURE, 0x50),
            ],
            Self::Signature(_) => &[(SIGNATURE, 0x10), (SIGNATURE, 0x50)],
        };
        let size = self.size().map_or(0, KeySize::id);
        all.iter()
            .map(|(tag, padding)| (*tag, padding | size, 0x40))
            .collect()
    }
}

/// File descriptor byte of a key.
pub(super) const DESCRIPTOR: u8 = 0x18;
const KEY_ATTRIBUTES: u32 = 0xA5;
/// Control reference templates.
const AUTHENTICATION: u32 = 0xA4;
const SIGNATURE: u32 = 0xB6;
const CONFIDENTIALITY: u32 = 0xB8;
/// What is in them.
pub(super) const ALGORITHM: u32 = 0x80;
pub(super) const KEY: u32 = 0x83;
const QUALIFIER: u32 = 0x95;
/// 3DES in CBC.
const TRIPLE_DES: u8 = 0x02;
