//! GENERAL AUTHENTICATE: the admin key proven. GIDS 2.0; ISO/IEC 7816-4 §7.5.5.
//!
//! One way, the host enciphers a challenge of eight bytes: that is short enough to be read to
//! somebody who has the key, and is how a PIN is unblocked offline. Both ways, each side shows the
//! other's random number under the key:
//!
//! ```text
//!   host                                         card
//!    R1 --------------------------------------->
//!       <--------------------------------------- R2
//!    E(R2 | R1 | Z1 | 80) --------------------->
//!       <--------------------- E(R1 | R2 | Z2 | 80)
//! ```
//!
//! E is 3DES in CBC with an initial vector of zeros; the specification has it in ECB, and cards and
//! clients do not. It is put together here from the single blocks that an
//! [`AdminKey`] answers: the key may lie elsewhere.

use super::{KeyReference, command, required, required_byte, unreadable};
use crate::admin_key::{AdminKey, Cipher};
use crate::der::{Item, encode};
use crate::iso7816::tlv::{EncodeError, Objects, Tag};
use crate::iso7816::{Command, Le, Status};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// The card's challenge, or the host's answer to it.
pub type Short = [u8; 8];
/// A random number of either side.
pub type Random = [u8; 16];
/// Two random numbers and half of a session key, enciphered.
pub type Cryptogram = [u8; 40];

/// MANAGE SECURITY ENVIRONMENT: the admin key is the one to be proven.
#[must_use]
pub const fn select_admin_key() -> Command<'static> {
    const ADMIN: [u8; 3] = [0x83, 0x01, KeyReference::ADMIN.0];
    command(MANAGE, SET_FOR_EXTERNAL, AUTHENTICATION, &ADMIN, None)
}

/// Which key a MANAGE SECURITY ENVIRONMENT for authentication names.
pub fn parse_select_key(command: &Command<'_>) -> Result<KeyReference, Status> {
    // Whether external or mutual, the data of GENERAL AUTHENTICATE say.
    if !matches!(command.p1, SET_FOR_EXTERNAL | SET_FOR_MUTUAL) || command.p2 != AUTHENTICATION {
        return Err(Status::IncorrectP1P2);
    }
    let key = required_byte(command.data, 0x83).map_err(unreadable)?;
    Ok(KeyReference(key))
}

/// What the host says in a GENERAL AUTHENTICATE.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Request {
    /// Give a short challenge.
    GiveChallenge,
    /// The answer to it.
    Answer(Short),
    /// Here is mine, give yours.
    Exchange(Random),
    /// Both, enciphered.
    Prove(Cryptogram),
}

impl Request {
    /// The command, whose data are written to `buffer`, at most 44 bytes.
    pub fn command<'b>(&self, buffer: &'b mut [u8]) -> Result<Command<'b>, EncodeError> {
        let (tag, value): (u32, &[u8]) = match self {
            Self::GiveChallenge => (CHALLENGE, &[]),
            Self::Answer(answer) => (RESPONSE, answer),
            Self::Exchange(random) => (CHALLENGE, random),
            Self::Prove(cryptogram) => (RESPONSE, cryptogram),
        };
        let data = encode(
            &[Item::Template(TEMPLATE, &[Item::Value(tag, value)])],
            buffer,
        )?;
        let le = match self {
            Self::Answer(_) => None,
            _ => Some(Le::SHORT),
        };
        Ok(command(AUTHENTICATE, 0x00, 0x00, data, le))
    }

    /// Reads a command.
    pub fn parse(command: &Command<'_>) -> Result<Self, Status> {
        if (command.p1, command.p2) != (0x00, 0x00) {
            return Err(Status::IncorrectP1P2);
        }
        let template = required(command.data, TEMPLATE).map_err(unreadable)?;
        let object = Objects::new(template)
            .next()
            .ok_or(Status::IncorrectData)?
            .map_err(|_| Status::IncorrectData)?;
        let wrong = |_| Status::IncorrectData;
        match (object.tag.0, object.value.len()) {
            (CHALLENGE, 0) => Ok(Self::GiveChallenge),
            (CHALLENGE, _) => Ok(Self::Exchange(object.value.try_into().map_err(wrong)?)),
            (RESPONSE, 8) => Ok(Self::Answer(object.value.try_into().map_err(wrong)?)),
            (RESPONSE, _) => Ok(Self::Prove(object.value.try_into().map_err(wrong)?)),
            _ => Err(Status::IncorrectData),
        }
    }
}

/// What the card says: a challenge of eight or 16 bytes, or a cryptogram. Read by its length.
pub fn parse_response<const N: usize>(bytes: &[u8]) -> Result<[u8; N], super::Error> {
    let template = required(bytes, TEMPLATE)?;
    let tag = Tag(if N == CRYPTOGRAM { RESPONSE } else { CHALLENGE });
    let value = required(template, tag.0)?;
    value.try_into().map_err(|_| super::Error::WrongLength {
        tag,
        len: value.len(),
    })
}

/// Encodes what the card says into the front of `buffer`.
pub fn encode_response<'b, const N: usize>(
    value: &[u8; N],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let tag = if N == CRYPTOGRAM { RESPONSE } else { CHALLENGE };
    encode(
        &[Item::Template(TEMPLATE, &[Item::Value(tag, value)])],
        buffer,
    )
}

/// What is inside a cryptogram. Half of a session key among it, which nobody uses and nobody is
/// shown.
#[derive(Clone, Eq, PartialEq)]
#[expect(missing_debug_implementations, reason = "holds half of a session key")]
pub struct Proof {
    /// The other side's random number.
    pub theirs: Random,
    /// This side's.
    pub ours: Random,
    /// Half of a session key.
    pub half_key: [u8; 7],
}

impl Proof {
    /// Enciphers it.
    pub fn seal<K: AdminKey>(&self, key: &mut K) -> Result<Cryptogram, K::Error> {
        let mut clear = [0; CRYPTOGRAM];
        let half_key = self.half_key.iter().chain(&[PADDING]);
        let parts = self.theirs.iter().chain(&self.ours).chain(half_key);
        for (to, from) in clear.iter_mut().zip(parts) {
            *to = *from;
        }
        let (mut sealed, mut before) = ([0; CRYPTOGRAM], [0; 8]);
        let (blocks, _) = clear.as_chunks_mut::<8>();
        for (block, to) in blocks.iter_mut().zip(sealed.as_chunks_mut::<8>().0) {
            mask(block, &before);
            let answer = key.answer(Cipher::TripleDes, &[], block)?;
            copy(&answer.challenge, to);
            before = *to;
        }
        clear.zeroize();
        Ok(sealed)
    }

    /// Deciphers one; `None` when its last byte is not what it must be.
    pub fn open<K: AdminKey>(sealed: &Cryptogram, key: &mut K) -> Result<Option<Self>, K::Error> {
        let (mut clear, mut before) = ([0; CRYPTOGRAM], [0; 8]);
        let (blocks, _) = sealed.as_chunks::<8>();
        for (block, to) in blocks.iter().zip(clear.as_chunks_mut::<8>().0) {
            let answer = key.answer(Cipher::TripleDes, block, &[])?;
            copy(&answer.witness, to);
            mask(to, &before);
            before = *block;
        }
        let mut proof = Self {
            theirs: [0; 16],
            ours: [0; 16],
            half_key: [0; 7],
        };
        let to = proof.theirs.iter_mut().chain(&mut proof.ours);
        for (to, from) in to.chain(&mut proof.half_key).zip(&clear) {
            *to = *from;
        }
        let padded = clear.last() == Some(&PADDING);
        clear.zeroize();
        Ok(padded.then_some(proof))
    }

    /// Whether it shows both numbers, the opener's first. In constant time.
    #[must_use]
    pub fn shows(&self, openers: &Random, others: &Random) -> bool {
        bool::from(self.theirs.ct_eq(openers) & self.ours.ct_eq(others))
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        self.half_key.zeroize();
    }
}

fn mask(block: &mut [u8; 8], with: &[u8; 8]) {
    for (byte, mask) in block.iter_mut().zip(with) {
        *byte ^= mask;
    }
}

fn copy(from: &[u8], to: &mut [u8; 8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

const CRYPTOGRAM: usize = 40;
const PADDING: u8 = 0x80;
const MANAGE: u8 = 0x22;
/// P1 of MANAGE SECURITY ENVIRONMENT: set, for what is verified.
const SET_FOR_EXTERNAL: u8 = 0x81;
/// The same, and for what is computed.
const SET_FOR_MUTUAL: u8 = 0xC1;
/// P2: authentication template.
const AUTHENTICATION: u8 = 0xA4;
const AUTHENTICATE: u8 = 0x87;
/// Dynamic authentication template.
const TEMPLATE: u32 = 0x7C;
const CHALLENGE: u32 = 0x81;
const RESPONSE: u32 = 0x82;
