//! The tables of the specifications: which member stands under which key, and of what type.

mod attestation;
mod names;
mod request;
mod response;

pub(crate) use attestation::{ATTESTATION_OBJECT, statement, statement_shape};
pub(crate) use names::{UV_MODALITY, algorithm, authenticator_config, status};
pub(crate) use request::request;
pub(crate) use response::response;

/// What an item is expected to be.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Whatever comes: nobody here knows.
    Any,
    Integer,
    /// A number that stands for something.
    Named(fn(i64) -> Option<&'static str>),
    /// A number whose bits stand for something.
    Bits(&'static [(u64, &'static str)]),
    Bool,
    Text,
    Bytes,
    /// Bytes of exactly this length.
    Sized(usize),
    /// Bytes that hold text.
    Utf8,
    /// Bytes that hold authenticator data. WebAuthn Level 3 §6.1.
    AuthenticatorData,
    /// Bytes that hold an X.509 certificate.
    Certificate,
    /// Bytes that hold a TPMS_ATTEST.
    TpmCertInfo,
    /// Bytes that hold a TPMT_PUBLIC.
    TpmPublicArea,
    /// Bytes that hold a serialized large-blob array, or a fragment of one. CTAP 2.3 §6.10.
    LargeBlobArray,
    /// An attestation statement: a map, or an array of them with their formats.
    Statement,
    List(&'static Shape),
    /// A map with known keys.
    Map(&'static [Member]),
    /// A COSE_Key.
    CoseKey,
    /// A map whose keys are names of their own.
    Entries(&'static Shape),
}

/// A member of a map.
pub(crate) struct Member {
    pub(crate) key: Name,
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
}

pub(crate) enum Name {
    Number(i64),
    Text(&'static str),
}

impl Shape {
    /// The type in words.
    pub(crate) fn due(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Integer | Self::Named(_) | Self::Bits(_) => "an integer",
            Self::Bool => "true or false",
            Self::Text => "text",
            Self::Bytes
            | Self::Sized(_)
            | Self::Utf8
            | Self::AuthenticatorData
            | Self::Certificate
            | Self::TpmCertInfo
            | Self::TpmPublicArea
            | Self::LargeBlobArray => "a byte string",
            Self::List(_) => "an array",
            Self::Map(_) | Self::CoseKey | Self::Entries(_) | Self::Statement => "a map",
        }
    }

    pub(crate) const fn takes_integer(&self) -> bool {
        matches!(self, Self::Integer | Self::Named(_) | Self::Bits(_))
    }

    pub(crate) const fn takes_bytes(&self) -> bool {
        matches!(
            self,
            Self::Bytes
                | Self::Sized(_)
                | Self::Utf8
                | Self::AuthenticatorData
                | Self::Certificate
                | Self::TpmCertInfo
                | Self::TpmPublicArea
                | Self::LargeBlobArray
        )
    }
}

/// A member under a number.
const fn at(key: i64, name: &'static str, shape: Shape) -> Member {
    Member {
        key: Name::Number(key),
        name,
        shape,
    }
}

/// A member under a name.
const fn under(name: &'static str, shape: Shape) -> Member {
    Member {
        key: Name::Text(name),
        name,
        shape,
    }
}

/// PublicKeyCredentialRpEntity. WebAuthn Level 3 §5.4.2.
const RP: Shape = Shape::Map(&[
    under("id", Shape::Text),
    under("name", Shape::Text),
    under("icon", Shape::Text),
]);

/// PublicKeyCredentialUserEntity. WebAuthn Level 3 §5.4.3.
const USER: Shape = Shape::Map(&[
    under("id", Shape::Bytes),
    under("name", Shape::Text),
    under("displayName", Shape::Text),
    under("icon", Shape::Text),
]);

/// PublicKeyCredentialDescriptor. WebAuthn Level 3 §5.8.3.
const DESCRIPTOR: Shape = Shape::Map(&[
    under("id", Shape::Bytes),
    under("type", Shape::Text),
    under("transports", Shape::List(&Shape::Text)),
]);

/// PublicKeyCredentialParameters. WebAuthn Level 3 §5.3.
const PARAMETERS: Shape = Shape::Map(&[
    under("alg", Shape::Named(names::algorithm)),
    under("type", Shape::Text),
]);

/// Members of a COSE_Key, of which those below zero mean what `kty` says. RFC 9052 §7, RFC 9053
/// §7, RFC 8230 §4.
pub(crate) fn cose_key(kty: Option<i64>) -> &'static [Member] {
    const OKP: &[Member] = &[KTY, ALG, at(-1, "crv", CURVE), at(-2, "x", Shape::Bytes)];
    const EC2: &[Member] = &[
        KTY,
        ALG,
        at(-1, "crv", CURVE),
        at(-2, "x", Shape::Bytes),
        at(-3, "y", Shape::Bytes),
    ];
    const RSA: &[Member] = &[
        KTY,
        ALG,
        at(-1, "n", Shape::Bytes),
        at(-2, "e", Shape::Bytes),
    ];
    const AKP: &[Member] = &[KTY, ALG, at(-1, "pub", Shape::Bytes)];
    const OTHER: &[Member] = &[KTY, ALG];
    match kty {
        Some(1) => OKP,
        Some(2) => EC2,
        Some(3) => RSA,
        Some(7) => AKP,
        _ => OTHER,
    }
}

const KTY: Member = at(1, "kty", Shape::Named(names::key_type));
const ALG: Member = at(3, "alg", Shape::Named(names::algorithm));
const CURVE: Shape = Shape::Named(names::curve);

/// The array of authenticatorLargeBlobs, without its hash. CTAP 2.3 §6.10.3.
pub(crate) const LARGE_BLOBS: Shape = Shape::List(&Shape::Map(&[
    at(1, "ciphertext", Shape::Bytes),
    at(2, "nonce", Shape::Sized(12)),
    at(3, "origSize", Shape::Integer),
]));

/// Inputs and outputs of extensions. CTAP 2.3 §12.
pub(crate) const EXTENSIONS: Shape = Shape::Map(&[
    under("credProtect", Shape::Named(names::cred_protect)),
    under("credBlob", Shape::Any),
    under("hmac-secret", Shape::Any),
    under("hmac-secret-mc", HMAC_SECRET),
    under("largeBlob", Shape::Any),
    under("largeBlobKey", Shape::Bool),
    under("minPinLength", Shape::Any),
    under("pinComplexityPolicy", Shape::Bool),
    under("thirdPartyPayment", Shape::Bool),
]);

/// Input of hmac-secret at getAssertion, and of hmac-secret-mc. CTAP 2.3 §12.5.
const HMAC_SECRET: Shape = Shape::Map(&[
    at(1, "keyAgreement", Shape::CoseKey),
    at(2, "saltEnc", Shape::Bytes),
    at(3, "saltAuth", Shape::Bytes),
    at(4, "pinUvAuthProtocol", Shape::Integer),
]);
