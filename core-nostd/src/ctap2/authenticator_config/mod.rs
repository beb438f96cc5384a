//! authenticatorConfig (0x0D). CTAP 2.3 §6.11. The response has no map.
//!
//! ```
//! use keysteward_core::cbor::encode;
//! use keysteward_core::ctap2::authenticator_config::SetMinPinLength;
//!
//! let params = SetMinPinLength {
//!     new_min_pin_length: Some(6),
//!     force_change_pin: Some(true),
//!     ..SetMinPinLength::default()
//! };
//! assert_eq!(encode(&params, &mut [0; 8])?, [0xa2, 0x01, 0x06, 0x03, 0xf5]);
//! # Ok::<(), keysteward_core::cbor::BufferFull>(())
//! ```

mod vendor_prototype;

pub use vendor_prototype::VendorPrototype;

use super::subcommand;
use crate::cbor::{BufferFull, Encode, Error, Key, List, Parse, Reader, Writer};

/// authenticatorConfig request. The parameters are [`SetMinPinLength`] or [`VendorPrototype`] for
/// those subcommands, the MAC is over [`authenticated_prefix`] and them.
pub type Request<'a> = subcommand::Request<'a, Subcommand>;

/// What `pin_uv_auth_param` covers before the bytes of the parameters.
pub fn authenticated_prefix(sub_command: Subcommand) -> [u8; 34] {
    let mut prefix = [0xff; 34];
    let [.., command, sub] = &mut prefix;
    *command = super::Command::AuthenticatorConfig.into();
    *sub = sub_command.into();
    prefix
}

/// Parameters of setMinPINLength.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SetMinPinLength<'a> {
    /// 0x01: code points; may only grow
    pub new_min_pin_length: Option<u32>,
    /// 0x02: who may learn the length by the minPinLength extension; replaces the earlier list
    pub min_pin_length_rp_ids: Option<List<'a, &'a str>>,
    /// 0x03: let no token be had until the PIN is changed
    pub force_change_pin: Option<bool>,
    /// 0x04: enforce the vendor's complexity policy; since 2.2
    pub pin_complexity_policy: Option<bool>,
}

impl Encode for SetMinPinLength<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.new_min_pin_length)?;
            m.optional(0x02, self.min_pin_length_rp_ids)?;
            m.optional(0x03, self.force_change_pin)?;
            m.optional(0x04, self.pin_complexity_policy)
        })
    }
}

impl<'b> Parse<'b> for SetMinPinLength<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut params = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => params.new_min_pin_length = Some(r.read()?),
                Key::Int(0x02) => params.min_pin_length_rp_ids = Some(r.read()?),
                Key::Int(0x03) => params.force_change_pin = Some(r.read()?),
                Key::Int(0x04) => params.pin_complexity_policy = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(params)
    }
}

/// Member 0x01 of the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subcommand {
    /// 0x01 enableEnterpriseAttestation
    EnableEnterpriseAttestation,
    /// 0x02 toggleAlwaysUv
    ToggleAlwaysUv,
    /// 0x03 setMinPINLength
    SetMinPinLength,
    /// 0x04 enableLongTouchForReset; since 2.2
    EnableLongTouchForReset,
    /// 0xFF vendorPrototype
    VendorPrototype,
    /// Of a later edition.
    Other(u8),
}

impl From<u8> for Subcommand {
    fn from(byte: u8) -> Self {
        match byte {
            0x01 => Self::EnableEnterpriseAttestation,
            0x02 => Self::ToggleAlwaysUv,
            0x03 => Self::SetMinPinLength,
            0x04 => Self::EnableLongTouchForReset,
            0xff => Self::VendorPrototype,
            other => Self::Other(other),
        }
    }
}

impl From<Subcommand> for u8 {
    fn from(sub_command: Subcommand) -> Self {
        match sub_command {
            Subcommand::EnableEnterpriseAttestation => 0x01,
            Subcommand::ToggleAlwaysUv => 0x02,
            Subcommand::SetMinPinLength => 0x03,
            Subcommand::EnableLongTouchForReset => 0x04,
            Subcommand::VendorPrototype => 0xff,
            Subcommand::Other(byte) => byte,
        }
    }
}
