//! authenticatorGetAssertion (0x02) and the response of authenticatorGetNextAssertion (0x08).
//! CTAP 2.3 §6.2 and §6.3.
//!
//! ```
//! use keysteward_core::cbor::{List, encode};
//! use keysteward_core::ctap2::PublicKeyCredentialDescriptor;
//! use keysteward_core::ctap2::get_assertion::{Options, Request};
//!
//! // A silent look whether the key holds the credential.
//! let allowed = [PublicKeyCredentialDescriptor::new(b"credential id")];
//! let request = Request {
//!     rp_id: "example.com",
//!     client_data_hash: &[0; 32],
//!     allow_list: Some(List::new(&allowed)),
//!     extensions: None,
//!     options: Some(Options { up: Some(false), ..Options::default() }),
//!     pin_uv_auth_param: None,
//!     pin_uv_auth_protocol: None,
//! };
//! assert!(encode(&request, &mut [0; 128]).is_ok());
//! ```

use super::{LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialUserEntity};
use crate::cbor::{BufferFull, Encode, Error, Key, List, Parse, Raw, Reader, Writer, required};

pub use super::make_credential::Options;

/// authenticatorGetAssertion request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// 0x01
    pub rp_id: &'a str,
    /// 0x02
    pub client_data_hash: &'a [u8; 32],
    /// 0x03: never sent empty
    pub allow_list: Option<List<'a, PublicKeyCredentialDescriptor<'a>>>,
    /// 0x04: [`extension::GetAssertionInputs`](super::extension::GetAssertionInputs)
    pub extensions: Option<Raw<'a>>,
    /// 0x05: `rk` is refused here
    pub options: Option<Options>,
    /// 0x06: MAC of `client_data_hash`
    pub pin_uv_auth_param: Option<&'a [u8]>,
    /// 0x07
    pub pin_uv_auth_protocol: Option<u8>,
}

impl Encode for Request<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.rp_id)?;
            m.entry(0x02, self.client_data_hash)?;
            m.optional(0x03, self.allow_list)?;
            m.optional(0x04, self.extensions)?;
            m.optional(0x05, self.options)?;
            m.optional(0x06, self.pin_uv_auth_param)?;
            m.optional(0x07, self.pin_uv_auth_protocol)
        })
    }
}

impl<'b> Parse<'b> for Request<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut rp_id, mut client_data_hash, mut allow_list) = (None, None, None);
        let (mut extensions, mut options) = (None, None);
        let (mut pin_uv_auth_param, mut pin_uv_auth_protocol) = (None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => rp_id = Some(r.read()?),
                Key::Int(0x02) => client_data_hash = Some(r.read()?),
                Key::Int(0x03) => allow_list = Some(r.read()?),
                Key::Int(0x04) => extensions = Some(r.read()?),
                Key::Int(0x05) => options = Some(r.read()?),
                Key::Int(0x06) => pin_uv_auth_param = Some(r.read()?),
                Key::Int(0x07) => pin_uv_auth_protocol = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            rp_id: required(rp_id, "rpId (0x01)")?,
            client_data_hash: required(client_data_hash, "clientDataHash (0x02)")?,
            allow_list,
            extensions,
            options,
            pin_uv_auth_param,
            pin_uv_auth_protocol,
        })
    }
}

/// Response of both commands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response<'a> {
    /// 0x01: CTAP 2.0 keys may leave it out when the allow list had one entry
    pub credential: Option<PublicKeyCredentialDescriptor<'a>>,
    /// 0x02: [`AuthenticatorData`](crate::webauthn::authenticator_data::AuthenticatorData)
    pub auth_data: &'a [u8],
    /// 0x03: over `auth_data` and clientDataHash
    pub signature: &'a [u8],
    /// 0x04: for discoverable credentials; the names only after user verification
    pub user: Option<PublicKeyCredentialUserEntity<'a>>,
    /// 0x05: in the first response, when there are several to be asked for
    pub number_of_credentials: Option<u32>,
    /// 0x06: chosen on the key's own display; since 2.1
    pub user_selected: Option<bool>,
    /// 0x07: since 2.1
    pub large_blob_key: Option<LargeBlobKey<'a>>,
    /// 0x08: extension outputs outside the signed data; since 2.2
    pub unsigned_extension_outputs: Option<Raw<'a>>,
}

impl Encode for Response<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.credential)?;
            m.entry(0x02, self.auth_data)?;
            m.entry(0x03, self.signature)?;
            m.optional(0x04, self.user)?;
            m.optional(0x05, self.number_of_credentials)?;
            m.optional(0x06, self.user_selected)?;
            m.optional(0x07, self.large_blob_key)?;
            m.optional(0x08, self.unsigned_extension_outputs)
        })
    }
}

impl<'b> Parse<'b> for Response<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut credential, mut auth_data, mut signature) = (None, None, None);
        let (mut user, mut number_of_credentials, mut user_selected) = (None, None, None);
        let (mut large_blob_key, mut unsigned) = (None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => credential = Some(PublicKeyCredentialDescriptor::read_own(r)?),
                Key::Int(0x02) => auth_data = Some(r.read()?),
                Key::Int(0x03) => signature = Some(r.read()?),
                Key::Int(0x04) => user = Some(r.read()?),
                Key::Int(0x05) => number_of_credentials = Some(r.read()?),
                Key::Int(0x06) => user_selected = Some(r.read()?),
                Key::Int(0x07) => large_blob_key = Some(r.read()?),
                Key::Int(0x08) => unsigned = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            credential,
            auth_data: required(auth_data, "authData (0x02)")?,
            signature: required(signature, "signature (0x03)")?,
            user,
            number_of_credentials,
            user_selected,
            large_blob_key,
            unsigned_extension_outputs: unsigned,
        })
    }
}
