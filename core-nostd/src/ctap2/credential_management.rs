//! authenticatorCredentialManagement (0x0A, and 0x41 of the preview). CTAP 2.3 §6.8.
//!
//! ```
//! use keysteward_core::cbor::{Parse, Raw, encode};
//! use keysteward_core::ctap2::PublicKeyCredentialDescriptor;
//! use keysteward_core::ctap2::credential_management::{Request, Subcommand, SubcommandParams};
//!
//! let params = SubcommandParams {
//!     credential_id: Some(PublicKeyCredentialDescriptor::new(b"credential id")),
//!     ..SubcommandParams::default()
//! };
//! let mut buffer = [0; 64];
//! // Encoded first, so that a MAC can be computed over the very bytes that are sent.
//! let params = Raw::encode_in(&params, &mut buffer)?;
//! let request = Request {
//!     sub_command: Subcommand::DeleteCredential,
//!     sub_command_params: Some(params),
//!     pin_uv_auth_protocol: Some(2),
//!     pin_uv_auth_param: Some(&[0; 32]),
//! };
//! let mut message = [0; 128];
//! assert_eq!(Request::parse(encode(&request, &mut message)?)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::{
    LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, subcommand,
};
use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Reader, Writer};
use crate::webauthn::cose::PublicKey;

/// authenticatorCredentialManagement request. The parameters are [`SubcommandParams`], the MAC is
/// over [`authenticated_prefix`] and them.
pub type Request<'a> = subcommand::Request<'a, Subcommand>;

/// What `pin_uv_auth_param` covers before the bytes of the parameters.
pub fn authenticated_prefix(sub_command: Subcommand) -> [u8; 1] {
    [sub_command.into()]
}

/// Member 0x02 of the request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SubcommandParams<'a> {
    /// 0x01: for enumerateCredentialsBegin
    pub rp_id_hash: Option<&'a [u8; 32]>,
    /// 0x02: for deleteCredential and updateUserInformation
    pub credential_id: Option<PublicKeyCredentialDescriptor<'a>>,
    /// 0x03: for updateUserInformation; an absent name is deleted
    pub user: Option<PublicKeyCredentialUserEntity<'a>>,
}

impl Encode for SubcommandParams<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.rp_id_hash)?;
            m.optional(0x02, self.credential_id)?;
            m.optional(0x03, self.user)
        })
    }
}

impl<'b> Parse<'b> for SubcommandParams<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut params = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => params.rp_id_hash = Some(r.read()?),
                Key::Int(0x02) => params.credential_id = Some(r.read()?),
                Key::Int(0x03) => params.user = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(params)
    }
}

/// authenticatorCredentialManagement response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Response<'a> {
    /// 0x01: to getCredsMetadata
    pub existing_resident_credentials_count: Option<u32>,
    /// 0x02: to getCredsMetadata
    pub max_possible_remaining_resident_credentials_count: Option<u32>,
    /// 0x03: to the enumeration of relying parties
    pub rp: Option<PublicKeyCredentialRpEntity<'a>>,
    /// 0x04: beside `rp`
    pub rp_id_hash: Option<&'a [u8; 32]>,
    /// 0x05: to the Begin only; some keys answer 0 or nothing where there are none
    pub total_rps: Option<u32>,
    /// 0x06: to the enumeration of credentials
    pub user: Option<PublicKeyCredentialUserEntity<'a>>,
    /// 0x07: beside `user`
    pub credential_id: Option<PublicKeyCredentialDescriptor<'a>>,
    /// 0x08: beside `user`
    pub public_key: Option<PublicKey<'a>>,
    /// 0x09: to the Begin only
    pub total_credentials: Option<u32>,
    /// 0x0A: credProtect level
    pub cred_protect: Option<u8>,
    /// 0x0B
    pub large_blob_key: Option<LargeBlobKey<'a>>,
    /// 0x0C: since 2.2
    pub third_party_payment: Option<bool>,
}

impl Encode for Response<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.existing_resident_credentials_count)?;
            m.optional(0x02, self.max_possible_remaining_resident_credentials_count)?;
            m.optional(0x03, self.rp)?;
            m.optional(0x04, self.rp_id_hash)?;
            m.optional(0x05, self.total_rps)?;
            m.optional(0x06, self.user)?;
            m.optional(0x07, self.credential_id)?;
            m.optional(0x08, self.public_key)?;
            m.optional(0x09, self.total_credentials)?;
            m.optional(0x0a, self.cred_protect)?;
            m.optional(0x0b, self.large_blob_key)?;
            m.optional(0x0c, self.third_party_payment)
        })
    }
}

impl<'b> Parse<'b> for Response<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut response = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => response.existing_resident_credentials_count = Some(r.read()?),
                Key::Int(0x02) => {
                    response.max_possible_remaining_resident_credentials_count = Some(r.read()?);
                }
                Key::Int(0x03) => response.rp = Some(r.read()?),
                Key::Int(0x04) => response.rp_id_hash = Some(r.read()?),
                Key::Int(0x05) => response.total_rps = Some(r.read()?),
                Key::Int(0x06) => response.user = Some(r.read()?),
                Key::Int(0x07) => {
                    response.credential_id = Some(PublicKeyCredentialDescriptor::read_own(r)?);
                }
                Key::Int(0x08) => response.public_key = Some(r.read()?),
                Key::Int(0x09) => response.total_credentials = Some(r.read()?),
                Key::Int(0x0a) => response.cred_protect = Some(r.read()?),
                Key::Int(0x0b) => response.large_blob_key = Some(r.read()?),
                Key::Int(0x0c) => response.third_party_payment = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(response)
    }
}

/// Member 0x01 of the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subcommand {
    /// 0x01 getCredsMetadata
    CredsMetadata,
    /// 0x02 enumerateRPsBegin
    EnumerateRpsBegin,
    /// 0x03 enumerateRPsGetNextRP; without MAC
    EnumerateRpsGetNextRp,
    /// 0x04 enumerateCredentialsBegin
    EnumerateCredentialsBegin,
    /// 0x05 enumerateCredentialsGetNextCredential; without MAC
    EnumerateCredentialsGetNextCredential,
    /// 0x06 deleteCredential
    DeleteCredential,
    /// 0x07 updateUserInformation; not in the preview
    UpdateUserInformation,
    /// Of a later edition.
    Other(u8),
}

impl From<u8> for Subcommand {
    fn from(byte: u8) -> Self {
        match byte {
            0x01 => Self::CredsMetadata,
            0x02 => Self::EnumerateRpsBegin,
            0x03 => Self::EnumerateRpsGetNextRp,
            0x04 => Self::EnumerateCredentialsBegin,
            0x05 => Self::EnumerateCredentialsGetNextCredential,
            0x06 => Self::DeleteCredential,
            0x07 => Self::UpdateUserInformation,
            other => Self::Other(other),
        }
    }
}

impl From<Subcommand> for u8 {
    fn from(sub_command: Subcommand) -> Self {
        match sub_command {
            Subcommand::CredsMetadata => 0x01,
            Subcommand::EnumerateRpsBegin => 0x02,
            Subcommand::EnumerateRpsGetNextRp => 0x03,
            Subcommand::EnumerateCredentialsBegin => 0x04,
            Subcommand::EnumerateCredentialsGetNextCredential => 0x05,
            Subcommand::DeleteCredential => 0x06,
            Subcommand::UpdateUserInformation => 0x07,
            Subcommand::Other(byte) => byte,
        }
    }
}
