//! What steps are made of.

use arbitrary::Arbitrary;
use keysteward_core::cbor::List;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::{PublicKeyCredentialParameters, make_credential};
use keysteward_core::pin_protocol::{PADDED_PIN, PinProtocol};
use keysteward_core::webauthn::cose::Algorithm;

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    One,
    Two,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pins {
    First,
    Second,
    /// Of three characters.
    Short,
    Long,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rp {
    Com,
    Org,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithms {
    Es256,
    EdDsa,
    Unknown,
    UnknownThenEs256,
    None,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    pub rk: Option<bool>,
    pub up: Option<bool>,
    pub uv: Option<bool>,
}

/// pinUvAuthParam and pinUvAuthProtocol.
#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    None,
    /// Of the last token that was got.
    Token,
    Wrong,
    Empty,
    WithoutProtocol,
    UnknownProtocol,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Allow {
    None,
    Known,
    Unknown,
}

/// What secrets are derived from.
#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub struct Salts {
    pub protocol: Protocol,
    pub two: bool,
    /// Their MAC is another's.
    pub torn: bool,
}

impl From<Protocol> for PinProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::One => Self::One,
            Protocol::Two => Self::Two,
        }
    }
}

impl Pins {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::First => "1234",
            Self::Second => "567890",
            Self::Short => "123",
            Self::Long => "a rather long one, of sixty-three characters as the longest are",
        }
    }

    pub(super) fn padded(self) -> Vec<u8> {
        let mut padded = self.text().as_bytes().to_vec();
        padded.resize(PADDED_PIN, 0);
        padded
    }

    pub(super) fn hash(self, crypto: &impl Crypto) -> [u8; 16] {
        let hash = crypto.sha256(&[self.text().as_bytes()]);
        *hash.first_chunk().expect("32 bytes")
    }
}

impl Rp {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Com => "example.com",
            Self::Org => "example.org",
        }
    }
}

impl Algorithms {
    pub(super) fn list(self) -> List<'static, PublicKeyCredentialParameters<'static>> {
        const ES256: PublicKeyCredentialParameters<'_> =
            PublicKeyCredentialParameters::new(Algorithm::Es256);
        const EDDSA: PublicKeyCredentialParameters<'_> =
            PublicKeyCredentialParameters::new(Algorithm::EdDsa);
        const UNKNOWN: PublicKeyCredentialParameters<'_> =
            PublicKeyCredentialParameters::new(Algorithm::Other(-65535));
        List::new(match self {
            Self::Es256 => &[ES256],
            Self::EdDsa => &[EDDSA, ES256],
            Self::Unknown => &[UNKNOWN],
            Self::UnknownThenEs256 => &[UNKNOWN, ES256],
            Self::None => &[],
        })
    }
}

impl Options {
    pub(super) fn member(self) -> Option<make_credential::Options> {
        let Self { rk, up, uv } = self;
        let any = rk.or(up).or(uv);
        any.map(|_| make_credential::Options { rk, up, uv })
    }
}
