//! authenticatorMakeCredential (0x01). CTAP 2.3 §6.1.
//!
//! ```
//! use keysteward_core::cbor::{List, Parse, encode};
//! use keysteward_core::ctap2::make_credential::{Options, Request};
//! use keysteward_core::ctap2::{
//!     PublicKeyCredentialParameters, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
//! };
//! use keysteward_core::webauthn::cose::Algorithm;
//!
//! let parameters = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
//! let request = Request {
//!     client_data_hash: &[0x5a; 32],
//!     rp: PublicKeyCredentialRpEntity { id: "example.com", name: None },
//!     user: PublicKeyCredentialUserEntity { id: b"u1", name: Some("alice"), display_name: None },
//!     pub_key_cred_params: List::new(&parameters),
//!     exclude_list: None,
//!     extensions: None,
//!     options: Some(Options { rk: Some(true), ..Options::default() }),
//!     pin_uv_auth_param: None,
//!     pin_uv_auth_protocol: None,
//!     enterprise_attestation: None,
//!     attestation_formats_preference: None,
//! };
//! let mut buffer = [0; 256];
//! assert_eq!(Request::parse(encode(&request, &mut buffer)?)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::{
    LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
};
use crate::cbor::{BufferFull, Encode, Error, Key, List, Parse, Raw, Reader, Writer, required};
use crate::webauthn::attestation::AttestationObject;

/// Enterprise attestation for relying parties that the key's maker put on its list.
pub const VENDOR_FACILITATED: u8 = 1;
/// Enterprise attestation for relying parties that the platform vouches for.
pub const PLATFORM_MANAGED: u8 = 2;

/// authenticatorMakeCredential request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// 0x01
    pub client_data_hash: &'a [u8; 32],
    /// 0x02
    pub rp: PublicKeyCredentialRpEntity<'a>,
    /// 0x03
    pub user: PublicKeyCredentialUserEntity<'a>,
    /// 0x04: the first one that the key supports wins
    pub pub_key_cred_params: List<'a, PublicKeyCredentialParameters<'a>>,
    /// 0x05: never sent empty
    pub exclude_list: Option<List<'a, PublicKeyCredentialDescriptor<'a>>>,
    /// 0x06: [`extension::MakeCredentialInputs`](super::extension::MakeCredentialInputs)
    pub extensions: Option<Raw<'a>>,
    /// 0x07
    pub options: Option<Options>,
    /// 0x08: MAC of `client_data_hash`; zero bytes ask for a touch only
    pub pin_uv_auth_param: Option<&'a [u8]>,
    /// 0x09
    pub pin_uv_auth_protocol: Option<u8>,
    /// 0x0A: [`VENDOR_FACILITATED`] or [`PLATFORM_MANAGED`]; since 2.1
    pub enterprise_attestation: Option<u8>,
    /// 0x0B: best first; since 2.2
    pub attestation_formats_preference: Option<List<'a, &'a str>>,
}

impl Encode for Request<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.client_data_hash)?;
            m.entry(0x02, self.rp)?;
            m.entry(0x03, self.user)?;
            m.entry(0x04, self.pub_key_cred_params)?;
            m.optional(0x05, self.exclude_list)?;
            m.optional(0x06, self.extensions)?;
            m.optional(0x07, self.options)?;
            m.optional(0x08, self.pin_uv_auth_param)?;
            m.optional(0x09, self.pin_uv_auth_protocol)?;
            m.optional(0x0a, self.enterprise_attestation)?;
            m.optional(0x0b, self.attestation_formats_preference)
        })
    }
}

impl<'b> Parse<'b> for Request<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut client_data_hash, mut rp, mut user, mut params) = (None, None, None, None);
        let (mut exclude_list, mut extensions, mut options) = (None, None, None);
        let (mut pin_uv_auth_param, mut pin_uv_auth_protocol) = (None, None);
        let (mut enterprise_attestation, mut formats) = (None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => client_data_hash = Some(r.read()?),
                Key::Int(0x02) => rp = Some(r.read()?),
                Key::Int(0x03) => user = Some(r.read()?),
                Key::Int(0x04) => params = Some(r.read()?),
                Key::Int(0x05) => exclude_list = Some(r.read()?),
                Key::Int(0x06) => extensions = Some(r.read()?),
                Key::Int(0x07) => options = Some(r.read()?),
                Key::Int(0x08) => pin_uv_auth_param = Some(r.read()?),
                Key::Int(0x09) => pin_uv_auth_protocol = Some(r.read()?),
                Key::Int(0x0a) => enterprise_attestation = Some(r.read()?),
                Key::Int(0x0b) => formats = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            client_data_hash: required(client_data_hash, "clientDataHash (0x01)")?,
            rp: required(rp, "rp (0x02)")?,
            user: required(user, "user (0x03)")?,
            pub_key_cred_params: required(params, "pubKeyCredParams (0x04)")?,
            exclude_list,
            extensions,
            options,
            pin_uv_auth_param,
            pin_uv_auth_protocol,
            enterprise_attestation,
            attestation_formats_preference: formats,
        })
    }
}

/// Member 0x07 of the request. An absent `up` means true, the others false.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// Make the credential discoverable.
    pub rk: Option<bool>,
    /// Ask for user presence; `false` is refused.
    pub up: Option<bool>,
    /// Verify the user by means of the key itself; ignored beside pinUvAuthParam.
    pub uv: Option<bool>,
}

impl Encode for Options {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional("rk", self.rk)?;
            m.optional("up", self.up)?;
            m.optional("uv", self.uv)
        })
    }
}

impl<'b> Parse<'b> for Options {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut options = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is("rk") => options.rk = Some(r.read()?),
                _ if key.is("up") => options.up = Some(r.read()?),
                _ if key.is("uv") => options.uv = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(options)
    }
}

/// authenticatorMakeCredential response. Its first three members are the attestation object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response<'a> {
    /// 0x01: attestation statement format
    pub fmt: &'a str,
    /// 0x02: [`AuthenticatorData`](crate::webauthn::authenticator_data::AuthenticatorData)
    pub auth_data: &'a [u8],
    /// 0x03: [`Statement`](crate::webauthn::attestation::Statement); absent when no attestation
    /// was wanted
    pub att_stmt: Option<Raw<'a>>,
    /// 0x04: whether this is an enterprise attestation; since 2.1
    pub ep_att: Option<bool>,
    /// 0x05: since 2.1
    pub large_blob_key: Option<LargeBlobKey<'a>>,
    /// 0x06: extension outputs outside the signed data; since 2.2
    pub unsigned_extension_outputs: Option<Raw<'a>>,
}

impl<'a> Response<'a> {
    /// The attestation object that the relying party gets.
    pub fn attestation_object(&self) -> AttestationObject<'a> {
        AttestationObject {
            fmt: self.fmt,
            att_stmt: self.att_stmt.unwrap_or(Raw::EMPTY_MAP),
            auth_data: self.auth_data,
        }
    }
}

impl Encode for Response<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.fmt)?;
            m.entry(0x02, self.auth_data)?;
            m.optional(0x03, self.att_stmt)?;
            m.optional(0x04, self.ep_att)?;
            m.optional(0x05, self.large_blob_key)?;
            m.optional(0x06, self.unsigned_extension_outputs)
        })
    }
}

impl<'b> Parse<'b> for Response<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut fmt, mut auth_data, mut att_stmt) = (None, None, None);
        let (mut ep_att, mut large_blob_key, mut unsigned) = (None, None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => fmt = Some(r.read()?),
                Key::Int(0x02) => auth_data = Some(r.read()?),
                Key::Int(0x03) => att_stmt = Some(r.read()?),
                Key::Int(0x04) => ep_att = Some(r.read()?),
                Key::Int(0x05) => large_blob_key = Some(r.read()?),
                Key::Int(0x06) => unsigned = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            fmt: required(fmt, "fmt (0x01)")?,
            auth_data: required(auth_data, "authData (0x02)")?,
            att_stmt,
            ep_att,
            large_blob_key,
            unsigned_extension_outputs: unsigned,
        })
    }
}
