//! What the commands with authenticated subcommands share: authenticatorBioEnrollment,
//! authenticatorCredentialManagement and authenticatorConfig. CTAP 2.3 §6.7, §6.8, §6.11.
//!
//! ```
//! use keysteward_core::cbor::Raw;
//! use keysteward_core::ctap2::authenticator_config::{Subcommand, authenticated_prefix};
//! use keysteward_core::ctap2::subcommand::authenticated_message;
//!
//! let prefix = authenticated_prefix(Subcommand::SetMinPinLength);
//! let message = authenticated_message(&prefix, Some(Raw::EMPTY_MAP));
//! assert_eq!(message.concat(), [&[0xff; 32][..], &[0x0d, 0x03, 0xa0]].concat());
//! ```

use crate::cbor::{
    BufferFull, Encode, Error, Key, MapWriter, Parse, Raw, Reader, Writer, required,
};

/// Request of authenticatorCredentialManagement or authenticatorConfig, of which `S` is the
/// subcommand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<'a, S> {
    /// 0x01
    pub sub_command: S,
    /// 0x02: byte for byte, because `pin_uv_auth_param` is over them
    pub sub_command_params: Option<Raw<'a>>,
    /// 0x03
    pub pin_uv_auth_protocol: Option<u8>,
    /// 0x04: MAC of [`authenticated_message`]
    pub pin_uv_auth_param: Option<&'a [u8]>,
}

/// What `pin_uv_auth_param` covers, in parts: the command's own prefix, then the parameters.
pub fn authenticated_message<'m>(prefix: &'m [u8], params: Option<Raw<'m>>) -> [&'m [u8]; 2] {
    [prefix, params.map_or(&[], Raw::bytes)]
}

impl<'a, S> Request<'a, S> {
    pub(crate) fn new(sub_command: S, members: Members<'a>) -> Self {
        Self {
            sub_command,
            sub_command_params: members.params,
            pin_uv_auth_protocol: members.protocol,
            pin_uv_auth_param: members.param,
        }
    }
}

impl<S: Copy + Into<u8>> Encode for Request<'_, S> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        let members = Members {
            params: self.sub_command_params,
            protocol: self.pin_uv_auth_protocol,
            param: self.pin_uv_auth_param,
        };
        w.map(|m| {
            m.entry(0x01, self.sub_command.into())?;
            members.encode(0x02, m)
        })
    }
}

impl<'b, S: From<u8>> Parse<'b> for Request<'b, S> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut sub_command, mut members) = (None, Members::default());
        r.map(|key, r| match key {
            Key::Int(0x01) => {
                sub_command = Some(r.read::<u8>()?);
                Ok(())
            }
            other => members.read(0x02, other, r),
        })?;
        let sub_command = required(sub_command, "subCommand (0x01)")?;
        Ok(Self::new(sub_command.into(), members))
    }
}

/// The members behind the subcommand, under keys that ascend from the first.
#[derive(Clone, Copy, Default)]
pub(crate) struct Members<'a> {
    pub(crate) params: Option<Raw<'a>>,
    pub(crate) protocol: Option<u8>,
    pub(crate) param: Option<&'a [u8]>,
}

impl<'b> Members<'b> {
    pub(super) fn encode(&self, first: i64, m: &mut MapWriter<'_, '_>) -> Result<(), BufferFull> {
        m.optional(first, self.params)?;
        m.optional(first.wrapping_add(1), self.protocol)?;
        m.optional(first.wrapping_add(2), self.param)
    }

    /// Reads the value of one of them, and skips that of any other key.
    pub(super) fn read(
        &mut self,
        first: i64,
        key: Key<'b>,
        r: &mut Reader<'b>,
    ) -> Result<(), Error> {
        match key {
            Key::Int(at) if at == first => self.params = Some(r.read()?),
            Key::Int(at) if at == first.wrapping_add(1) => self.protocol = Some(r.read()?),
            Key::Int(at) if at == first.wrapping_add(2) => self.param = Some(r.read()?),
            unknown => r.skip_unknown(unknown)?,
        }
        Ok(())
    }
}
