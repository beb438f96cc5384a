//! Public keys, as a card gives them (SP 800-73-5 part 2 §3.3.2) and as everybody else wants them
//! (SubjectPublicKeyInfo: RFC 5280 §4.1.2.7, RFC 3279, RFC 5480, RFC 8410).

use super::{Algorithm, Malformed};
use crate::iso7816::tlv::{EncodeError, Objects, Put, Tag, encoded_len, template};

/// The public half of a key on the card. Numbers are big-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublicKey<'a> {
    /// RSA of any length.
    Rsa {
        /// 81
        modulus: &'a [u8],
        /// 82
        exponent: &'a [u8],
    },
    /// 86: an uncompressed point.
    P256(&'a [u8; 65]),
    /// 86: an uncompressed point.
    P384(&'a [u8; 97]),
    /// 86: RFC 8032.
    Ed25519(&'a [u8; 32]),
    /// 86: RFC 7748.
    X25519(&'a [u8; 32]),
}

impl<'a> PublicKey<'a> {
    /// Reads the answer of GENERATE ASYMMETRIC KEY PAIR to a request for this algorithm.
    pub fn parse(data: &'a [u8], algorithm: Algorithm) -> Result<Self, Malformed> {
        match Objects::new(data).find(TEMPLATE) {
            Ok(Some(template)) => Self::parse_members(template.value, algorithm),
            _ => Err(Malformed),
        }
    }

    /// The same without its template, as metadata have it.
    pub fn parse_members(members: &'a [u8], algorithm: Algorithm) -> Result<Self, Malformed> {
        let member = |tag| match Objects::new(members).find(tag) {
            Ok(Some(object)) => Ok(object.value),
            _ => Err(Malformed),
        };
        match algorithm {
            Algorithm::P256 => Ok(Self::P256(point(member(POINT)?)?)),
            Algorithm::P384 => Ok(Self::P384(point(member(POINT)?)?)),
            Algorithm::Ed25519 => Ok(Self::Ed25519(exactly(member(POINT)?)?)),
            Algorithm::X25519 => Ok(Self::X25519(exactly(member(POINT)?)?)),
            Algorithm::Rsa1024 | Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => {
                let modulus = positive(member(MODULUS)?);
                let exponent = positive(member(EXPONENT)?);
                if Some(modulus.len()) != algorithm.modulus_len() || exponent.is_empty() {
                    return Err(Malformed);
                }
                Ok(Self::Rsa { modulus, exponent })
            }
        }
    }

    /// What the key is for; `None` for RSA of a length that cards do not have.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::P256(_) => Some(Algorithm::P256),
            Self::P384(_) => Some(Algorithm::P384),
            Self::Ed25519(_) => Some(Algorithm::Ed25519),
            Self::X25519(_) => Some(Algorithm::X25519),
            Self::Rsa { modulus, .. } => {
                let len = Some(modulus.len());
                let mut all = Algorithm::ALL.into_iter();
                all.find(|algorithm| algorithm.modulus_len() == len)
            }
        }
    }

    /// Encodes the answer of GENERATE ASYMMETRIC KEY PAIR into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        self.encode_in(Some(TEMPLATE), buffer)
    }

    /// The same without its template, as metadata have it.
    pub fn encode_members<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        self.encode_in(None, buffer)
    }

    fn encode_in<'b>(
        &self,
        outer: Option<Tag>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], EncodeError> {
        match *self {
            Self::Rsa { modulus, exponent } => {
                let members = [(MODULUS, modulus), (EXPONENT, exponent)];
                template(outer, &members, buffer)
            }
            Self::P256(point) => template(outer, &[(POINT, point)], buffer),
            Self::P384(point) => template(outer, &[(POINT, point)], buffer),
            Self::Ed25519(key) | Self::X25519(key) => template(outer, &[(POINT, key)], buffer),
        }
    }

    /// Encodes SubjectPublicKeyInfo, in DER, into the front of `buffer`:
    /// [`MAX_SPKI`](Self::MAX_SPKI) bytes suffice.
    pub fn spki<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        match *self {
            Self::Rsa { modulus, exponent } => rsa_spki(modulus, exponent, buffer),
            Self::P256(point) => whole(&P256_HEAD, point, buffer),
            Self::P384(point) => whole(&P384_HEAD, point, buffer),
            Self::Ed25519(key) => whole(&ED25519_HEAD, key, buffer),
            Self::X25519(key) => whole(&X25519_HEAD, key, buffer),
        }
    }

    /// Longest SubjectPublicKeyInfo: of RSA with 4096 bits.
    pub const MAX_SPKI: usize = 560;
}

fn point<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], Malformed> {
    match bytes.first() {
        Some(&UNCOMPRESSED) => exactly(bytes),
        _ => Err(Malformed),
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed)
}

/// A number without zeros in front.
fn positive(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

/// SubjectPublicKeyInfo of all but RSA is one head for each algorithm.
fn whole<'b>(head: &[u8], key: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
    let len = head.len().saturating_add(key.len());
    let room = buffer.get_mut(..len).ok_or(EncodeError::BufferFull)?;
    for (to, from) in room.iter_mut().zip(head.iter().chain(key)) {
        *to = *from;
    }
    Ok(room)
}

fn rsa_spki<'b>(
    modulus: &[u8],
    exponent: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    // RSAPublicKey, a sequence of two integers, stands in a bit string of which no bit is unused.
    let numbers = integer_len(modulus).saturating_add(integer_len(exponent));
    let sequence = encoded_len(SEQUENCE, numbers);
    let bits = encoded_len(BIT_STRING, sequence.saturating_add(1));
    let all = RSA_ALGORITHM.len().saturating_add(bits);
    let mut put = Put::new(buffer);
    put.header(SEQUENCE, all)?;
    put.bytes(&RSA_ALGORITHM)?;
    put.header(BIT_STRING, sequence.saturating_add(1))?;
    put.bytes(&[0x00])?;
    put.header(SEQUENCE, numbers)?;
    for number in [modulus, exponent] {
        put.header(INTEGER, signed_len(number))?;
        if signed_len(number) > number.len() {
            put.bytes(&[0x00])?;
        }
        put.bytes(number)?;
    }
    put.finish()
}

fn integer_len(number: &[u8]) -> usize {
    encoded_len(INTEGER, signed_len(number))
}

/// Bytes of a positive number, with one more where it would look like a negative one.
fn signed_len(number: &[u8]) -> usize {
    let negative = number.first().is_none_or(|first| first & 0x80 != 0);
    number.len().saturating_add(usize::from(negative))
}

const TEMPLATE: Tag = Tag(0x7F49);
const MODULUS: Tag = Tag(0x81);
const EXPONENT: Tag = Tag(0x82);
const POINT: Tag = Tag(0x86);
const UNCOMPRESSED: u8 = 0x04;
const SEQUENCE: Tag = Tag(0x30);
const INTEGER: Tag = Tag(0x02);
const BIT_STRING: Tag = Tag(0x03);
/// rsaEncryption, NULL.
const RSA_ALGORITHM: [u8; 15] = [
    0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// id-ecPublicKey, prime256v1.
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
    0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// id-ecPublicKey, secp384r1.
const P384_HEAD: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];
/// id-Ed25519.
const ED25519_HEAD: [u8; 12] = [
    0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// id-X25519.
const X25519_HEAD: [u8; 12] = [
    0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x6E, 0x03, 0x21, 0x00,
];
