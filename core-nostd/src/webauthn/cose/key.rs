//! COSE_Key, as far as FIDO uses it.

use super::Algorithm;
use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Raw, Reader, Writer, required};

/// Key type OKP, for Edwards curves.
const OKP: i64 = 1;
/// Key type EC2, for curves with two coordinates.
const EC2: i64 = 2;
/// Curve P-256 of EC2.
const P256: i64 = 1;
/// Curve Ed25519 of OKP.
const ED25519: i64 = 6;

/// The public key of a credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublicKey<'a> {
    /// Algorithm -7 on P-256.
    Es256 {
        /// Big-endian.
        x: &'a [u8; 32],
        /// Big-endian.
        y: &'a [u8; 32],
    },
    /// Algorithm -8 on Ed25519.
    Ed25519 {
        /// As in RFC 8032.
        x: &'a [u8; 32],
    },
    /// Any other key, carried through as it came.
    Other {
        /// Its algorithm.
        algorithm: Algorithm,
        /// The whole COSE_Key.
        key: Raw<'a>,
    },
}

impl PublicKey<'_> {
    /// The key's algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
            Self::Other { algorithm, .. } => *algorithm,
        }
    }
}

impl Encode for PublicKey<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::Es256 { x, y } => ec2_p256(w, Algorithm::Es256, x, y),
            Self::Ed25519 { x } => w.map(|m| {
                m.entry(1, OKP)?;
                m.entry(3, Algorithm::EdDsa)?;
                m.entry(-1, ED25519)?;
                m.entry(-2, *x)
            }),
            Self::Other { key, .. } => w.raw(*key),
        }
    }
}

impl<'b> Parse<'b> for PublicKey<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut ahead = r.clone();
        let key = r.raw()?;
        let members = Members::read(&mut ahead)?;
        let algorithm = required(members.algorithm, "alg (3) of the COSE key")?;
        let kind = (members.key_type, algorithm, members.curve);
        Ok(match (kind, members.x, members.y) {
            ((Some(EC2), Algorithm::Es256, Some(P256)), Some(x), Some(y)) => Self::Es256 { x, y },
            ((Some(OKP), Algorithm::EdDsa, Some(ED25519)), Some(x), None) => Self::Ed25519 { x },
            _ => Self::Other { algorithm, key },
        })
    }
}

/// The public key of one side of a PIN/UV auth protocol: on P-256, with both coordinates.
/// CTAP 2.3 §6.5.6. Not checked to lie on the curve; that is for the cryptography to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyAgreementKey<'a> {
    /// Big-endian.
    pub x: &'a [u8; 32],
    /// Big-endian.
    pub y: &'a [u8; 32],
}

impl Encode for KeyAgreementKey<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        ec2_p256(w, Algorithm::EcdhEsHkdf256, self.x, self.y)
    }
}

impl<'b> Parse<'b> for KeyAgreementKey<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let position = r.position();
        let members = Members::read(r)?;
        if members.key_type != Some(EC2) || members.curve != Some(P256) {
            return Err(Error::OutOfRange {
                position,
                expected: "a COSE key on P-256",
            });
        }
        // The algorithm is a label only, and old keys put others there.
        Ok(Self {
            x: required(members.x, "x (-2) of the COSE key")?,
            y: required(members.y, "y (-3) of the COSE key")?,
        })
    }
}

/// The members that keys of 32-byte coordinates have. One of another type or size is `None`.
#[derive(Default)]
struct Members<'b> {
    key_type: Option<i64>,
    algorithm: Option<Algorithm>,
    curve: Option<i64>,
    x: Option<&'b [u8; 32]>,
    y: Option<&'b [u8; 32]>,
}

impl<'b> Members<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut members = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(1) => members.key_type = r.attempt(Reader::integer)?,
                Key::Int(3) => members.algorithm = Some(r.read()?),
                Key::Int(-1) => members.curve = r.attempt(Reader::integer)?,
                Key::Int(-2) => members.x = r.attempt(Reader::byte_array)?,
                Key::Int(-3) => members.y = r.attempt(Reader::byte_array)?,
                _ => r.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }
}

fn ec2_p256(
    w: &mut Writer<'_>,
    algorithm: Algorithm,
    x: &[u8; 32],
    y: &[u8; 32],
) -> Result<(), BufferFull> {
    w.map(|m| {
        m.entry(1, EC2)?;
        m.entry(3, algorithm)?;
        m.entry(-1, P256)?;
        m.entry(-2, x)?;
        m.entry(-3, y)
    })
}
