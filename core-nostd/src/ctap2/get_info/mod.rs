//! authenticatorGetInfo (0x04), which takes no parameters. CTAP 2.3 §6.4.
//!
//! Read for what it says and never refused for what it says beside: unknown members, versions,
//! extensions, options and algorithms, and known members of an unexpected type, are passed over
//! and reported in [`Response::passed_over`]. Only a response that is not well-formed, or lacks
//! `versions` or `aaguid`, is an error.
//!
//! ```
//! use keysteward_core::cbor::Parse;
//! use keysteward_core::ctap2::get_info::{self, Response};
//!
//! // {1: ["FIDO_2_1"], 3: 16 bytes, 4: {"clientPin": true}, 0x7f: {}}
//! let map = b"\xa4\x01\x81\x68FIDO_2_1\x03\x50sixteen bytes ..\x04\xa1\x69clientPin\xf5\x18\x7f\xa0";
//! let info = Response::parse(map)?;
//! assert!(info.has_version(get_info::FIDO_2_1));
//! assert_eq!(info.options.client_pin(), Some(true));
//! assert_eq!(info.passed_over.others(), 1);
//! # Ok::<(), keysteward_core::cbor::Error>(())
//! ```

mod options;
mod passed_over;
mod uv_modality;

#[cfg(test)]
mod tests;

pub use options::Options;
pub use passed_over::PassedOver;
pub use uv_modality::UvModality;

use super::PublicKeyCredentialParameters;
use crate::cbor::{BufferFull, Encode, Entries, Error, Key, List, Parse, Reader, Writer, required};

/// `versions` entry of U2F, alone or beside CTAP2.
pub const U2F_V2: &str = "U2F_V2";
/// `versions` entry of CTAP 2.0.
pub const FIDO_2_0: &str = "FIDO_2_0";
/// `versions` entry of keys between 2.0 and 2.1, with the preview commands.
pub const FIDO_2_1_PRE: &str = "FIDO_2_1_PRE";
/// `versions` entry of CTAP 2.1. There is none for 2.2.
pub const FIDO_2_1: &str = "FIDO_2_1";
/// `versions` entry of CTAP 2.3.
pub const FIDO_2_3: &str = "FIDO_2_3";

/// The longest request, in bytes, for a key that does not say.
pub const DEFAULT_MAX_MSG_SIZE: u32 = 1024;
/// The shortest PIN, in code points, for a key that does not say.
pub const DEFAULT_MIN_PIN_LENGTH: u32 = 4;
/// The longest PIN, in code points, for a key that does not say.
pub const DEFAULT_MAX_PIN_LENGTH: u32 = 63;

macro_rules! response {
    ($($(#[$doc:meta])* $key:literal $member:ident: $type:ty,)*) => {
        /// authenticatorGetInfo response.
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub struct Response<'a> {
            /// 0x01: [`FIDO_2_1`] and the like
            pub versions: List<'a, &'a str>,
            /// 0x02: extension identifiers
            pub extensions: Option<List<'a, &'a str>>,
            /// 0x03: the model; all zero where the maker does not tell
            pub aaguid: &'a [u8; 16],
            /// 0x04; encoded when there are any
            pub options: Options<'a>,
            $($(#[$doc])* pub $member: Option<$type>,)*
            /// What the message held that is not in this struct.
            pub passed_over: PassedOver,
        }

        impl<'a> Response<'a> {
            /// A response without optional members.
            pub fn new(versions: List<'a, &'a str>, aaguid: &'a [u8; 16]) -> Self {
                Self {
                    versions,
                    extensions: None,
                    aaguid,
                    options: Options::default(),
                    $($member: None,)*
                    passed_over: PassedOver::default(),
                }
            }
        }

        impl Encode for Response<'_> {
            fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
                w.map(|m| {
                    m.entry(0x01, self.versions)?;
                    m.optional(0x02, self.extensions)?;
                    m.entry(0x03, self.aaguid)?;
                    m.optional(0x04, (!self.options.0.is_empty()).then_some(self.options.0))?;
                    $(m.optional($key, self.$member)?;)*
                    Ok(())
                })
            }
        }

        impl<'b> Parse<'b> for Response<'b> {
            #[cfg_attr(target_pointer_width = "64", inline(never))]
            fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
                let (mut versions, mut aaguid) = (None, None);
                let mut response = Self::new(List::default(), &[0; 16]);
                r.map(|key, r| {
                    let fits = match key {
                        Key::Int(0x01) => set(&mut versions, r)?,
                        Key::Int(0x02) => set(&mut response.extensions, r)?,
                        Key::Int(0x03) => {
                            aaguid = Some(r.byte_array()?);
                            true
                        }
                        Key::Int(0x04) => {
                            let options = Entries::member(r)?;
                            response.options = Options(options.unwrap_or_default());
                            options.is_some()
                        }
                        $(Key::Int($key) => set(&mut response.$member, r)?,)*
                        unknown => {
                            r.skip_unknown(unknown)?;
                            false
                        }
                    };
                    if !fits {
                        response.passed_over.insert(key);
                    }
                    Ok(())
                })?;
                response.versions = required(versions, "versions (0x01)")?;
                response.aaguid = required(aaguid, "aaguid (0x03)")?;
                Ok(response)
            }
        }
    };
}

response! {
    /// 0x05: bytes of the longest request; absent means [`DEFAULT_MAX_MSG_SIZE`]
    0x05 max_msg_size: u32,
    /// 0x06: PIN/UV auth protocols, preferred first
    0x06 pin_uv_auth_protocols: List<'a, u8>,
    /// 0x07: longest excludeList or allowList
    0x07 max_credential_count_in_list: u32,
    /// 0x08: bytes of the longest credential id
    0x08 max_credential_id_length: u32,
    /// 0x09: `usb`, `nfc`, `ble`, `smart-card` ...
    0x09 transports: List<'a, &'a str>,
    /// 0x0A: preferred first
    0x0a algorithms: List<'a, PublicKeyCredentialParameters<'a>>,
    /// 0x0B: bytes
    0x0b max_serialized_large_blob_array: u32,
    /// 0x0C: true: no token by PIN until the PIN is changed
    0x0c force_pin_change: bool,
    /// 0x0D: code points
    0x0d min_pin_length: u32,
    /// 0x0E
    0x0e firmware_version: u64,
    /// 0x0F: bytes
    0x0f max_cred_blob_length: u32,
    /// 0x10: 0: none may be added
    0x10 max_rp_ids_for_set_min_pin_length: u32,
    /// 0x11: built-in tries before falling back to the PIN
    0x11 preferred_platform_uv_attempts: u32,
    /// 0x12: what the key itself verifies its user by
    0x12 uv_modality: UvModality,
    /// 0x13: certificate names and levels
    0x13 certifications: Entries<'a, u64>,
    /// 0x14: an estimate
    0x14 remaining_discoverable_credentials: u32,
    /// 0x15: vendor commands of authenticatorConfig
    0x15 vendor_prototype_config_commands: List<'a, u64>,
    /// 0x16: absent means `packed`; since 2.2
    0x16 attestation_formats: List<'a, &'a str>,
    /// 0x17: since 2.2
    0x17 uv_count_since_last_pin_entry: u32,
    /// 0x18: true: a reset wants a touch of 5 s; since 2.2
    0x18 long_touch_for_reset: bool,
    /// 0x19: tells the device to who holds a persistent token; since 2.2
    0x19 enc_identifier: &'a [u8],
    /// 0x1A: where a reset is offered; since 2.2
    0x1a transports_for_reset: List<'a, &'a str>,
    /// 0x1B: whether the policy is enforced; absent: it cannot be set; since 2.2
    0x1b pin_complexity_policy: bool,
    /// 0x1C: a URL, as bytes; since 2.2
    0x1c pin_complexity_policy_url: &'a [u8],
    /// 0x1D: code points; absent means [`DEFAULT_MAX_PIN_LENGTH`]; since 2.2
    0x1d max_pin_length: u32,
    /// 0x1E: changes with the stored credentials; since 2.3
    0x1e enc_cred_store_state: &'a [u8],
    /// 0x1F: subcommands of authenticatorConfig; since 2.3
    0x1f authenticator_config_commands: List<'a, u8>,
}

impl Response<'_> {
    /// Whether the key names this version of the protocol.
    pub fn has_version(&self, version: &str) -> bool {
        self.versions.iter().any(|one| one == version)
    }

    /// Whether the key names this extension.
    pub fn has_extension(&self, extension: &str) -> bool {
        let mut extensions = self.extensions.unwrap_or_default().iter();
        extensions.any(|one| one == extension)
    }
}

/// A member that can be read or passed over.
trait Member<'b>: Sized {
    fn member(r: &mut Reader<'b>) -> Result<Option<Self>, Error>;
}

/// Reads into `slot`; tells whether the value fitted.
fn set<'b, T: Member<'b>>(slot: &mut Option<T>, r: &mut Reader<'b>) -> Result<bool, Error> {
    *slot = T::member(r)?;
    Ok(slot.is_some())
}

impl<'b, T: Parse<'b> + Copy> Member<'b> for List<'b, T> {
    fn member(r: &mut Reader<'b>) -> Result<Option<Self>, Error> {
        r.attempt(Self::read_lenient)
    }
}

impl<'b, V: Parse<'b> + Copy> Member<'b> for Entries<'b, V> {
    fn member(r: &mut Reader<'b>) -> Result<Option<Self>, Error> {
        r.attempt(Self::read_lenient)
    }
}

macro_rules! plain_members {
    ($($type:ty),*) => {$(
        impl<'b> Member<'b> for $type {
            fn member(r: &mut Reader<'b>) -> Result<Option<Self>, Error> {
                r.attempt(Self::read)
            }
        }
    )*};
}

plain_members!(bool, u32, u64, UvModality, &'b [u8]);
