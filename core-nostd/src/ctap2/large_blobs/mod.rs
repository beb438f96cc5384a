//! authenticatorLargeBlobs (0x0C). CTAP 2.3 §6.10.
//!
//! A key keeps one array of blobs for all relying parties, and hands it out to anybody. It is
//! read and written in fragments; what the bytes mean is in [`mod@array`].
//!
//! ```
//! use keysteward_core::cbor::{Parse, encode};
//! use keysteward_core::ctap2::large_blobs::{Request, Response};
//!
//! let request = Request::get(960, 0);
//! assert_eq!(encode(&request, &mut [0; 16])?, b"\xa2\x01\x19\x03\xc0\x03\x00");
//!
//! let response = Response::parse(b"\xa1\x01\x43\x80\x76\xbe")?;
//! assert_eq!(response.config, Some(&b"\x80\x76\xbe"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod array;

use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Reader, Writer, required};
use crate::crypto::Crypto;

/// authenticatorLargeBlobs request. Exactly one of `get` and `set` is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// 0x01: how many bytes to read
    pub get: Option<u32>,
    /// 0x02: a fragment to write
    pub set: Option<&'a [u8]>,
    /// 0x03: where to read or write
    pub offset: u32,
    /// 0x04: bytes of all that will be written; beside `set` at offset 0 only
    pub length: Option<u32>,
    /// 0x05: MAC of [`authenticated_message`]; beside `set` only
    pub pin_uv_auth_param: Option<&'a [u8]>,
    /// 0x06
    pub pin_uv_auth_protocol: Option<u8>,
}

impl<'a> Request<'a> {
    /// Reads `count` bytes from `offset`. A response with fewer ends the array.
    pub const fn get(count: u32, offset: u32) -> Self {
        Self {
            get: Some(count),
            set: None,
            offset,
            length: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        }
    }

    /// Begins to write an array of `length` bytes; without MAC.
    pub const fn set_first(fragment: &'a [u8], length: u32) -> Self {
        Self {
            get: None,
            set: Some(fragment),
            offset: 0,
            length: Some(length),
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        }
    }

    /// Goes on writing at `offset`; without MAC. Any other command in between loses the write.
    pub const fn set_next(fragment: &'a [u8], offset: u32) -> Self {
        Self {
            get: None,
            set: Some(fragment),
            offset,
            length: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        }
    }
}

/// The longest fragment, in bytes, for a key that takes messages of `max_msg_size`.
pub const fn max_fragment_length(max_msg_size: u32) -> u32 {
    max_msg_size.saturating_sub(64)
}

/// What `pin_uv_auth_param` covers when a fragment is written.
pub fn authenticated_message(crypto: &impl Crypto, offset: u32, fragment: &[u8]) -> [u8; 70] {
    let mut message = [0xff; 70];
    let (_, rest) = message.split_at_mut(32);
    let due = [crate::ctap2::Command::LargeBlobs.into(), 0x00]
        .into_iter()
        .chain(offset.to_le_bytes())
        .chain(crypto.sha256(&[fragment]));
    for (to, from) in rest.iter_mut().zip(due) {
        *to = from;
    }
    message
}

impl Encode for Request<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.get)?;
            m.optional(0x02, self.set)?;
            m.entry(0x03, self.offset)?;
            m.optional(0x04, self.length)?;
            m.optional(0x05, self.pin_uv_auth_param)?;
            m.optional(0x06, self.pin_uv_auth_protocol)
        })
    }
}

impl<'b> Parse<'b> for Request<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut get, mut set, mut offset, mut length) = (None, None, None, None);
        let (mut pin_uv_auth_param, mut pin_uv_auth_protocol) = (None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => get = Some(r.read()?),
                Key::Int(0x02) => set = Some(r.read()?),
                Key::Int(0x03) => offset = Some(r.read()?),
                Key::Int(0x04) => length = Some(r.read()?),
                Key::Int(0x05) => pin_uv_auth_param = Some(r.read()?),
                Key::Int(0x06) => pin_uv_auth_protocol = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            get,
            set,
            offset: required(offset, "offset (0x03)")?,
            length,
            pin_uv_auth_param,
            pin_uv_auth_protocol,
        })
    }
}

/// authenticatorLargeBlobs response, to `get` only.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Response<'a> {
    /// 0x01: as many bytes as were asked for, or all that is left
    pub config: Option<&'a [u8]>,
}

impl Encode for Response<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| m.optional(0x01, self.config))
    }
}

impl<'b> Parse<'b> for Response<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut response = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => response.config = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(response)
    }
}
