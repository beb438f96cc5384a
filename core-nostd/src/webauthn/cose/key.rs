//! COSE_Key of a credential.

use super::members::{AKP, EC2, Members, OKP, RSA};
use super::{Algorithm, Curve, Ec2Key, MlDsaKey, OkpKey, RsaKey};
use crate::cbor::{BufferFull, Encode, Error, Parse, Raw, Reader, Writer, required};

/// The public key of a credential. The two kinds that this crate verifies and most keys make
/// have variants of their own.
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
    /// Another algorithm of ECDSA.
    Ec2(Ec2Key<'a>),
    /// Another algorithm on an Edwards curve.
    Okp(OkpKey<'a>),
    /// RSA.
    Rsa(RsaKey<'a>),
    /// ML-DSA.
    MlDsa(MlDsaKey<'a>),
    /// Any other key, carried through as it came; also one of the above whose members disagree.
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
            Self::Ec2(key) => key.algorithm(),
            Self::Okp(key) => key.algorithm(),
            Self::Rsa(key) => key.algorithm(),
            Self::MlDsa(key) => key.algorithm(),
            Self::Other { algorithm, .. } => *algorithm,
        }
    }

    /// Whether both are one key, under whichever algorithm. Keys that are not read here are one
    /// when their bytes are.
    pub fn is_same_key(&self, other: &PublicKey<'_>) -> bool {
        match (self.on_curve(), other.on_curve()) {
            (Some(a), Some(b)) => return a == b,
            (None, None) => {}
            _ => return false,
        }
        match (self, other) {
            (Self::Rsa(a), PublicKey::Rsa(b)) => (a.n(), a.e()) == (b.n(), b.e()),
            (a, b) => a == b,
        }
    }

    /// The curve and the coordinates, the second empty where the curve has one.
    pub(crate) fn on_curve(&self) -> Option<(Curve, &[u8], &[u8])> {
        Some(match self {
            Self::Es256 { x, y } => (Curve::P256, *x, *y),
            Self::Ed25519 { x } => (Curve::Ed25519, *x, &[]),
            Self::Ec2(key) => (key.curve(), key.x(), key.y()),
            Self::Okp(key) => (key.curve(), key.x(), &[]),
            Self::Rsa(_) | Self::MlDsa(_) | Self::Other { .. } => return None,
        })
    }
}

impl Encode for PublicKey<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::Es256 { x, y } => ec2(w, Algorithm::Es256, Curve::P256, *x, *y),
            Self::Ed25519 { x } => okp(w, Algorithm::EdDsa, Curve::Ed25519, *x),
            Self::Ec2(key) => ec2(w, key.algorithm(), key.curve(), key.x(), key.y()),
            Self::Okp(key) => okp(w, key.algorithm(), key.curve(), key.x()),
            Self::Rsa(key) => Members {
                key_type: Some(RSA),
                algorithm: Some(key.algorithm()),
                first: Some(key.n()),
                second: Some(key.e()),
                ..Members::default()
            }
            .encode(w),
            Self::MlDsa(key) => Members {
                key_type: Some(AKP),
                algorithm: Some(key.algorithm()),
                first: Some(key.public()),
                ..Members::default()
            }
            .encode(w),
            Self::Other { key, .. } => w.raw(*key),
        }
    }
}

impl<'b> Parse<'b> for PublicKey<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (members, key) = r.with_raw(Members::read)?;
        let algorithm = required(members.algorithm, "alg (3) of the COSE key")?;
        Ok(typed(&members, algorithm).unwrap_or(Self::Other { algorithm, key }))
    }
}

/// The key that the members make, if they agree on one.
fn typed<'b>(members: &Members<'b>, algorithm: Algorithm) -> Option<PublicKey<'b>> {
    let curve = members.curve.and_then(Curve::from_identifier);
    match (members.key_type?, algorithm) {
        (EC2, _) => {
            let (x, y) = (members.second?, members.third?);
            if (algorithm, curve?) == (Algorithm::Es256, Curve::P256) {
                let (x, y) = (x.try_into().ok()?, y.try_into().ok()?);
                return Some(PublicKey::Es256 { x, y });
            }
            let key = Ec2Key::new(algorithm, x, y)?;
            (Some(key.curve()) == curve).then_some(PublicKey::Ec2(key))
        }
        (OKP, _) if members.third.is_some() => None,
        (OKP, Algorithm::EdDsa) => {
            let x = members.second?.try_into().ok()?;
            (curve? == Curve::Ed25519).then_some(PublicKey::Ed25519 { x })
        }
        (OKP, _) => {
            let key = OkpKey::new(algorithm, members.second?)?;
            (Some(key.curve()) == curve).then_some(PublicKey::Okp(key))
        }
        (RSA, _) => RsaKey::new(algorithm, members.first?, members.second?).map(PublicKey::Rsa),
        (AKP, _) => MlDsaKey::new(algorithm, members.first?).map(PublicKey::MlDsa),
        _ => None,
    }
}

pub(super) fn ec2(
    w: &mut Writer<'_>,
    algorithm: Algorithm,
    curve: Curve,
    x: &[u8],
    y: &[u8],
) -> Result<(), BufferFull> {
    let key = Members {
        key_type: Some(EC2),
        algorithm: Some(algorithm),
        curve: Some(curve.identifier()),
        second: Some(x),
        third: Some(y),
        ..Members::default()
    };
    key.encode(w)
}

fn okp(w: &mut Writer<'_>, algorithm: Algorithm, curve: Curve, x: &[u8]) -> Result<(), BufferFull> {
    let key = Members {
        key_type: Some(OKP),
        algorithm: Some(algorithm),
        curve: Some(curve.identifier()),
        second: Some(x),
        ..Members::default()
    };
    key.encode(w)
}
