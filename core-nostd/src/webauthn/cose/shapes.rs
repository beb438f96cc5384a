//! Keys whose algorithm says how long they are. RFC 9053 §7, RFC 9864 (algorithms that name their
//! curve), RFC 8230 (RSA), and the COSE registry of IANA (ML-DSA).

use super::Algorithm;

/// A curve of the COSE registry.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Curve {
    /// 1
    P256,
    /// 2
    P384,
    /// 3
    P521,
    /// 6
    Ed25519,
    /// 7
    Ed448,
}

impl Curve {
    /// Bytes of a coordinate on a curve of NIST, or of a whole key on one of Edwards.
    pub const fn length(self) -> usize {
        match self {
            Self::P256 | Self::Ed25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
            Self::Ed448 => 57,
        }
    }

    pub(super) const fn from_identifier(identifier: i64) -> Option<Self> {
        Some(match identifier {
            1 => Self::P256,
            2 => Self::P384,
            3 => Self::P521,
            6 => Self::Ed25519,
            7 => Self::Ed448,
            _ => return None,
        })
    }

    pub(super) const fn identifier(self) -> i64 {
        match self {
            Self::P256 => 1,
            Self::P384 => 2,
            Self::P521 => 3,
            Self::Ed25519 => 6,
            Self::Ed448 => 7,
        }
    }
}

/// A key of ECDSA that is not ES256.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ec2Key<'a> {
    algorithm: Algorithm,
    curve: Curve,
    x: &'a [u8],
    y: &'a [u8],
}

impl<'a> Ec2Key<'a> {
    /// A key of [`Algorithm::Esp256`], [`Es384`](Algorithm::Es384),
    /// [`Esp384`](Algorithm::Esp384), [`Es512`](Algorithm::Es512) or
    /// [`Esp512`](Algorithm::Esp512), with big-endian coordinates of the curve's length; `None`
    /// for any other.
    pub fn new(algorithm: Algorithm, x: &'a [u8], y: &'a [u8]) -> Option<Self> {
        let curve = match algorithm {
            Algorithm::Esp256 => Curve::P256,
            Algorithm::Es384 | Algorithm::Esp384 => Curve::P384,
            Algorithm::Es512 | Algorithm::Esp512 => Curve::P521,
            _ => return None,
        };
        let fits = x.len() == curve.length() && y.len() == curve.length();
        fits.then_some(Self {
            algorithm,
            curve,
            x,
            y,
        })
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The curve, which WebAuthn binds to the algorithm.
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// Big-endian, of the curve's length.
    pub const fn x(&self) -> &'a [u8] {
        self.x
    }

    /// Big-endian, of the curve's length.
    pub const fn y(&self) -> &'a [u8] {
        self.y
    }
}

/// A key on an Edwards curve whose algorithm names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OkpKey<'a> {
    algorithm: Algorithm,
    curve: Curve,
    x: &'a [u8],
}

impl<'a> OkpKey<'a> {
    /// A key of [`Algorithm::Ed25519`] or [`Ed448`](Algorithm::Ed448) and of its length; `None`
    /// for any other.
    pub fn new(algorithm: Algorithm, x: &'a [u8]) -> Option<Self> {
        let curve = match algorithm {
            Algorithm::Ed25519 => Curve::Ed25519,
            Algorithm::Ed448 => Curve::Ed448,
            _ => return None,
        };
        (x.len() == curve.length()).then_some(Self {
            algorithm,
            curve,
            x,
        })
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The curve.
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// As in RFC 8032.
    pub const fn x(&self) -> &'a [u8] {
        self.x
    }
}

/// A key of RSA, of any length.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RsaKey<'a> {
    algorithm: Algorithm,
    n: &'a [u8],
    e: &'a [u8],
}

impl<'a> RsaKey<'a> {
    /// A key of [`Algorithm::Rs256`] or [`Rs1`](Algorithm::Rs1); `None` for any other algorithm.
    pub const fn new(algorithm: Algorithm, n: &'a [u8], e: &'a [u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Rs1 => Some(Self { algorithm, n, e }),
            _ => None,
        }
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The modulus, big-endian.
    pub const fn n(&self) -> &'a [u8] {
        self.n
    }

    /// The public exponent, big-endian.
    pub const fn e(&self) -> &'a [u8] {
        self.e
    }
}

/// A key of ML-DSA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MlDsaKey<'a> {
    algorithm: Algorithm,
    public: &'a [u8],
}

impl<'a> MlDsaKey<'a> {
    /// A key of [`Algorithm::MlDsa44`], [`MlDsa65`](Algorithm::MlDsa65) or
    /// [`MlDsa87`](Algorithm::MlDsa87) and of its length (FIPS 204 §4); `None` for any other.
    pub fn new(algorithm: Algorithm, public: &'a [u8]) -> Option<Self> {
        let length = match algorithm {
            Algorithm::MlDsa44 => 1312,
            Algorithm::MlDsa65 => 1952,
            Algorithm::MlDsa87 => 2592,
            _ => return None,
        };
        (public.len() == length).then_some(Self { algorithm, public })
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// As in FIPS 204.
    pub const fn public(&self) -> &'a [u8] {
        self.public
    }
}
