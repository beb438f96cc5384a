//! authenticatorClientPIN (0x06). CTAP 2.3 §6.5.5.
//!
//! ```
//! use keysteward_core::cbor::{Parse, encode};
//! use keysteward_core::ctap2::client_pin::{Permissions, Request, Response, Subcommand};
//!
//! let request = Request {
//!     pin_uv_auth_protocol: Some(2),
//!     permissions: Some(Permissions::CREDENTIAL_MANAGEMENT),
//!     ..Request::new(Subcommand::PinUvAuthTokenUsingPinWithPermissions)
//! };
//! let mut buffer = [0; 16];
//! assert_eq!(encode(&request, &mut buffer)?, b"\xa3\x01\x02\x02\x09\x09\x04");
//!
//! let response = Response::parse(b"\xa2\x03\x05\x04\xf5")?;
//! assert_eq!((response.pin_retries, response.power_cycle_state), (Some(5), Some(true)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;
use core::ops::BitOr;

use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Reader, Writer, required};
use crate::webauthn::cose::KeyAgreementKey;

/// authenticatorClientPIN request. Which members a subcommand takes stands at [`Subcommand`].
#[derive(Clone, Eq, PartialEq)]
pub struct Request<'a> {
    /// 0x01
    pub pin_uv_auth_protocol: Option<u8>,
    /// 0x02
    pub sub_command: Subcommand,
    /// 0x03: the platform's public key
    pub key_agreement: Option<KeyAgreementKey<'a>>,
    /// 0x04
    pub pin_uv_auth_param: Option<&'a [u8]>,
    /// 0x05: the new PIN, padded to 64 bytes and encrypted
    pub new_pin_enc: Option<&'a [u8]>,
    /// 0x06: the first 16 bytes of the PIN's SHA-256, encrypted
    pub pin_hash_enc: Option<&'a [u8]>,
    /// 0x09: since 2.1
    pub permissions: Option<Permissions>,
    /// 0x0A: since 2.1
    pub rp_id: Option<&'a str>,
}

impl Request<'_> {
    /// A request without optional members.
    pub const fn new(sub_command: Subcommand) -> Self {
        Self {
            pin_uv_auth_protocol: None,
            sub_command,
            key_agreement: None,
            pin_uv_auth_param: None,
            new_pin_enc: None,
            pin_hash_enc: None,
            permissions: None,
            rp_id: None,
        }
    }
}

/// Leaves out what is encrypted.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("client_pin::Request")
            .field("pin_uv_auth_protocol", &self.pin_uv_auth_protocol)
            .field("sub_command", &self.sub_command)
            .field("permissions", &self.permissions)
            .field("rp_id", &self.rp_id)
            .finish_non_exhaustive()
    }
}

impl Encode for Request<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.pin_uv_auth_protocol)?;
            m.entry(0x02, u8::from(self.sub_command))?;
            m.optional(0x03, self.key_agreement)?;
            m.optional(0x04, self.pin_uv_auth_param)?;
            m.optional(0x05, self.new_pin_enc)?;
            m.optional(0x06, self.pin_hash_enc)?;
            m.optional(0x09, self.permissions.map(|permissions| permissions.0))?;
            m.optional(0x0a, self.rp_id)
        })
    }
}

impl<'b> Parse<'b> for Request<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut protocol, mut sub_command, mut key_agreement) = (None, None, None);
        let (mut pin_uv_auth_param, mut new_pin_enc, mut pin_hash_enc) = (None, None, None);
        let (mut permissions, mut rp_id) = (None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => protocol = Some(r.read()?),
                Key::Int(0x02) => sub_command = Some(r.read::<u8>()?.into()),
                Key::Int(0x03) => key_agreement = Some(r.read()?),
                Key::Int(0x04) => pin_uv_auth_param = Some(r.read()?),
                Key::Int(0x05) => new_pin_enc = Some(r.read()?),
                Key::Int(0x06) => pin_hash_enc = Some(r.read()?),
                Key::Int(0x09) => permissions = Some(Permissions(r.read()?)),
                Key::Int(0x0a) => rp_id = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            pin_uv_auth_protocol: protocol,
            sub_command: required(sub_command, "subCommand (0x02)")?,
            key_agreement,
            pin_uv_auth_param,
            new_pin_enc,
            pin_hash_enc,
            permissions,
            rp_id,
        })
    }
}

/// authenticatorClientPIN response.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Response<'a> {
    /// 0x01: the key's public key, to getKeyAgreement
    pub key_agreement: Option<KeyAgreementKey<'a>>,
    /// 0x02: encrypted, to the three subcommands that give a token
    pub pin_uv_auth_token: Option<&'a [u8]>,
    /// 0x03: tries left
    pub pin_retries: Option<u8>,
    /// 0x04: whether a power cycle is needed before the next try; only beside `pin_retries`
    pub power_cycle_state: Option<bool>,
    /// 0x05: tries left by built-in means
    pub uv_retries: Option<u8>,
}

/// Leaves out the token.
impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("client_pin::Response")
            .field("pin_retries", &self.pin_retries)
            .field("power_cycle_state", &self.power_cycle_state)
            .field("uv_retries", &self.uv_retries)
            .finish_non_exhaustive()
    }
}

impl Encode for Response<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.key_agreement)?;
            m.optional(0x02, self.pin_uv_auth_token)?;
            m.optional(0x03, self.pin_retries)?;
            m.optional(0x04, self.power_cycle_state)?;
            m.optional(0x05, self.uv_retries)
        })
    }
}

impl<'b> Parse<'b> for Response<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut response = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => response.key_agreement = Some(r.read()?),
                Key::Int(0x02) => response.pin_uv_auth_token = Some(r.read()?),
                Key::Int(0x03) => response.pin_retries = Some(r.read()?),
                Key::Int(0x04) => response.power_cycle_state = Some(r.read()?),
                Key::Int(0x05) => response.uv_retries = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(response)
    }
}

/// Member 0x02 of the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subcommand {
    /// 0x01 getPINRetries
    PinRetries,
    /// 0x02 getKeyAgreement, with 01
    KeyAgreement,
    /// 0x03 setPIN, with 01 03 04 05; 04 is the MAC of 05
    SetPin,
    /// 0x04 changePIN, with 01 03 04 05 06; 04 is the MAC of 05 and 06
    ChangePin,
    /// 0x05 getPinToken, with 01 03 06
    PinToken,
    /// 0x06 getPinUvAuthTokenUsingUvWithPermissions, with 01 03 09 0A; since 2.1
    PinUvAuthTokenUsingUvWithPermissions,
    /// 0x07 getUVRetries; since 2.1
    UvRetries,
    /// 0x09 getPinUvAuthTokenUsingPinWithPermissions, with 01 03 06 09 0A; since 2.1
    PinUvAuthTokenUsingPinWithPermissions,
    /// Of a later edition.
    Other(u8),
}

impl From<u8> for Subcommand {
    fn from(byte: u8) -> Self {
        match byte {
            0x01 => Self::PinRetries,
            0x02 => Self::KeyAgreement,
            0x03 => Self::SetPin,
            0x04 => Self::ChangePin,
            0x05 => Self::PinToken,
            0x06 => Self::PinUvAuthTokenUsingUvWithPermissions,
            0x07 => Self::UvRetries,
            0x09 => Self::PinUvAuthTokenUsingPinWithPermissions,
            other => Self::Other(other),
        }
    }
}

impl From<Subcommand> for u8 {
    fn from(sub_command: Subcommand) -> Self {
        match sub_command {
            Subcommand::PinRetries => 0x01,
            Subcommand::KeyAgreement => 0x02,
            Subcommand::SetPin => 0x03,
            Subcommand::ChangePin => 0x04,
            Subcommand::PinToken => 0x05,
            Subcommand::PinUvAuthTokenUsingUvWithPermissions => 0x06,
            Subcommand::UvRetries => 0x07,
            Subcommand::PinUvAuthTokenUsingPinWithPermissions => 0x09,
            Subcommand::Other(byte) => byte,
        }
    }
}

/// Member 0x09 of the request: what a token may be used for. Undefined bits are to be ignored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Permissions(pub u32);

impl Permissions {
    /// `mc`: makeCredential
    pub const MAKE_CREDENTIAL: Self = Self(0x01);
    /// `ga`: getAssertion
    pub const GET_ASSERTION: Self = Self(0x02);
    /// `cm`: credentialManagement
    pub const CREDENTIAL_MANAGEMENT: Self = Self(0x04);
    /// `be`: bioEnrollment
    pub const BIO_ENROLLMENT: Self = Self(0x08);
    /// `lbw`: writing large blobs
    pub const LARGE_BLOB_WRITE: Self = Self(0x10);
    /// `acfg`: authenticatorConfig
    pub const AUTHENTICATOR_CONFIG: Self = Self(0x20);
    /// `pcmr`: persistent, for reading credentials; alone only; since 2.2
    pub const PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY: Self = Self(0x40);

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// As the specification names them, with what it calls them for short.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(mut left) = *self;
        let mut separator = "";
        for (Self(bit), name) in NAMES {
            if left & bit != 0 {
                write!(f, "{separator}{name}")?;
                separator = ", ";
                left &= !bit;
            }
        }
        match left {
            0 if separator.is_empty() => f.write_str("nothing"),
            0 => Ok(()),
            other => write!(f, "{separator}0x{other:02X}"),
        }
    }
}

/// CTAP 2.3 §6.5.5.7.
const NAMES: [(Permissions, &str); 7] = [
    (Permissions::MAKE_CREDENTIAL, "MakeCredential (mc)"),
    (Permissions::GET_ASSERTION, "GetAssertion (ga)"),
    (
        Permissions::CREDENTIAL_MANAGEMENT,
        "Credential Management (cm)",
    ),
    (Permissions::BIO_ENROLLMENT, "Bio Enrollment (be)"),
    (Permissions::LARGE_BLOB_WRITE, "Large Blob Write (lbw)"),
    (
        Permissions::AUTHENTICATOR_CONFIG,
        "Authenticator Configuration (acfg)",
    ),
    (
        Permissions::PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY,
        "Persistent Credential Management Read Only (pcmr)",
    ),
];

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
