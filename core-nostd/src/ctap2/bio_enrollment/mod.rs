//! authenticatorBioEnrollment (0x09, and 0x40 of the preview). CTAP 2.3 §6.7.
//!
//! ```
//! use keysteward_core::cbor::{Parse, Raw, encode};
//! use keysteward_core::ctap2::bio_enrollment::{
//!     Modality, Request, Response, SampleStatus, Subcommand, SubcommandParams,
//! };
//!
//! let params = SubcommandParams {
//!     timeout_milliseconds: Some(15_000),
//!     ..SubcommandParams::default()
//! };
//! let mut buffer = [0; 64];
//! // Encoded first, so that a MAC can be computed over the very bytes that are sent.
//! let params = Raw::encode_in(&params, &mut buffer)?;
//! let request = Request {
//!     sub_command_params: Some(params),
//!     pin_uv_auth_protocol: Some(2),
//!     pin_uv_auth_param: Some(&[0; 32]),
//!     ..Request::new(Modality::Fingerprint, Subcommand::EnrollBegin)
//! };
//! let mut message = [0; 128];
//! assert_eq!(Request::parse(encode(&request, &mut message)?)?, request);
//!
//! let response = Response::parse(b"\xa3\x04\x41\x07\x05\x01\x06\x04")?;
//! assert_eq!(response.last_enroll_sample_status, Some(SampleStatus::TooHigh));
//! assert_eq!(response.remaining_samples, Some(4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod sample_status;

pub use sample_status::SampleStatus;

use super::subcommand::Members;
use crate::cbor::{BufferFull, Encode, Error, Key, List, Parse, Raw, Reader, Writer, required};

/// authenticatorBioEnrollment request: a subcommand for a modality, or the question which
/// modality there is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request<'a> {
    /// 0x01
    pub modality: Option<Modality>,
    /// 0x02
    pub sub_command: Option<Subcommand>,
    /// 0x03: [`SubcommandParams`], byte for byte, because `pin_uv_auth_param` is over them
    pub sub_command_params: Option<Raw<'a>>,
    /// 0x04
    pub pin_uv_auth_protocol: Option<u8>,
    /// 0x05: MAC of [`authenticated_prefix`] and the parameters
    pub pin_uv_auth_param: Option<&'a [u8]>,
    /// 0x06: true, and alone, to ask for the modality
    pub get_modality: Option<bool>,
}

impl<'a> Request<'a> {
    /// A request of this subcommand, without parameters and MAC.
    pub const fn new(modality: Modality, sub_command: Subcommand) -> Self {
        Self {
            modality: Some(modality),
            sub_command: Some(sub_command),
            sub_command_params: None,
            pin_uv_auth_protocol: None,
            pin_uv_auth_param: None,
            get_modality: None,
        }
    }

    /// The question which modality there is.
    pub const fn modality() -> Self {
        Self {
            modality: None,
            sub_command: None,
            sub_command_params: None,
            pin_uv_auth_protocol: None,
            pin_uv_auth_param: None,
            get_modality: Some(true),
        }
    }

    pub(crate) fn with(self, members: Members<'a>) -> Self {
        Self {
            sub_command_params: members.params,
            pin_uv_auth_protocol: members.protocol,
            pin_uv_auth_param: members.param,
            ..self
        }
    }
}

/// What `pin_uv_auth_param` covers before the bytes of the parameters.
pub fn authenticated_prefix(modality: Modality, sub_command: Subcommand) -> [u8; 2] {
    [modality.into(), sub_command.into()]
}

impl Encode for Request<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        let members = Members {
            params: self.sub_command_params,
            protocol: self.pin_uv_auth_protocol,
            param: self.pin_uv_auth_param,
        };
        w.map(|m| {
            m.optional(0x01, self.modality.map(u8::from))?;
            m.optional(0x02, self.sub_command.map(u8::from))?;
            members.encode(0x03, m)?;
            m.optional(0x06, self.get_modality)
        })
    }
}

impl<'b> Parse<'b> for Request<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut request, mut members) = (Self::default(), Members::default());
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => request.modality = Some(r.read::<u8>()?.into()),
                Key::Int(0x02) => request.sub_command = Some(r.read::<u8>()?.into()),
                Key::Int(0x06) => request.get_modality = Some(r.read()?),
                other => members.read(0x03, other, r)?,
            }
            Ok(())
        })?;
        Ok(request.with(members))
    }
}

/// Member 0x03 of the request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SubcommandParams<'a> {
    /// 0x01: for all that deal with one enrolment
    pub template_id: Option<&'a [u8]>,
    /// 0x02: for setFriendlyName
    pub template_friendly_name: Option<&'a str>,
    /// 0x03: for the two that capture; how long to wait for the finger
    pub timeout_milliseconds: Option<u32>,
}

impl Encode for SubcommandParams<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.template_id)?;
            m.optional(0x02, self.template_friendly_name)?;
            m.optional(0x03, self.timeout_milliseconds)
        })
    }
}

impl<'b> Parse<'b> for SubcommandParams<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut params = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => params.template_id = Some(r.read()?),
                Key::Int(0x02) => params.template_friendly_name = Some(r.read()?),
                Key::Int(0x03) => params.timeout_milliseconds = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(params)
    }
}

/// authenticatorBioEnrollment response.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Response<'a> {
    /// 0x01: to getModality
    pub modality: Option<Modality>,
    /// 0x02: to getFingerprintSensorInfo
    pub fingerprint_kind: Option<FingerprintKind>,
    /// 0x03: to getFingerprintSensorInfo: good samples that an enrolment needs
    pub max_capture_samples_required_for_enroll: Option<u32>,
    /// 0x04: to enrollBegin
    pub template_id: Option<&'a [u8]>,
    /// 0x05: to the two that capture
    pub last_enroll_sample_status: Option<SampleStatus>,
    /// 0x06: to the two that capture; 0: the finger is enrolled
    pub remaining_samples: Option<u32>,
    /// 0x07: to enumerateEnrollments
    pub template_infos: Option<List<'a, TemplateInfo<'a>>>,
    /// 0x08: to getFingerprintSensorInfo: bytes of the longest name
    pub max_template_friendly_name: Option<u32>,
}

impl Encode for Response<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(0x01, self.modality.map(u8::from))?;
            m.optional(0x02, self.fingerprint_kind.map(u8::from))?;
            m.optional(0x03, self.max_capture_samples_required_for_enroll)?;
            m.optional(0x04, self.template_id)?;
            m.optional(0x05, self.last_enroll_sample_status.map(u8::from))?;
            m.optional(0x06, self.remaining_samples)?;
            m.optional(0x07, self.template_infos)?;
            m.optional(0x08, self.max_template_friendly_name)
        })
    }
}

impl<'b> Parse<'b> for Response<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut response = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => response.modality = Some(r.read::<u8>()?.into()),
                Key::Int(0x02) => response.fingerprint_kind = Some(r.read::<u8>()?.into()),
                Key::Int(0x03) => {
                    response.max_capture_samples_required_for_enroll = Some(r.read()?);
                }
                Key::Int(0x04) => response.template_id = Some(r.read()?),
                Key::Int(0x05) => {
                    response.last_enroll_sample_status = Some(r.read::<u8>()?.into());
                }
                Key::Int(0x06) => response.remaining_samples = Some(r.read()?),
                Key::Int(0x07) => response.template_infos = Some(r.read()?),
                Key::Int(0x08) => response.max_template_friendly_name = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(response)
    }
}

/// One enrolled finger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TemplateInfo<'a> {
    /// 0x01
    pub template_id: &'a [u8],
    /// 0x02: for people; keys may cut it
    pub template_friendly_name: Option<&'a str>,
}

impl Encode for TemplateInfo<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.template_id)?;
            m.optional(0x02, self.template_friendly_name)
        })
    }
}

impl<'b> Parse<'b> for TemplateInfo<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut template_id, mut template_friendly_name) = (None, None);
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => template_id = Some(r.read()?),
                Key::Int(0x02) => template_friendly_name = Some(r.text_prefix()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            template_id: required(template_id, "templateId (0x01) of the template info")?,
            template_friendly_name,
        })
    }
}

macro_rules! codes {
    (
        $(#[$doc:meta])* $name:ident
        $($(#[$variant_doc:meta])* $code:literal $variant:ident,)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name {
            $(
                #[doc = concat!("`", stringify!($code), "`")]
                $(#[$variant_doc])*
                $variant,
            )*
            /// Of a later edition.
            Other(u8),
        }

        impl From<u8> for $name {
            fn from(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $code,)*
                    $name::Other(code) => code,
                }
            }
        }
    };
}

codes! {
    /// What of the user is measured.
    Modality
    0x01 Fingerprint,
}

codes! {
    /// How a finger is laid on the sensor.
    FingerprintKind
    0x01 Touch,
    0x02 Swipe,
}

codes! {
    /// Member 0x02 of the request. `MAC` marks those that need a token with the permission `be`.
    Subcommand
    /// enrollBegin; MAC; takes a time-out
    0x01 EnrollBegin,
    /// enrollCaptureNextSample; MAC; takes the template id and a time-out
    0x02 EnrollCaptureNextSample,
    /// cancelCurrentEnrollment
    0x03 CancelCurrentEnrollment,
    /// enumerateEnrollments; MAC; where there is none, the status is INVALID_OPTION
    0x04 EnumerateEnrollments,
    /// setFriendlyName; MAC; takes the template id and the name
    0x05 SetFriendlyName,
    /// removeEnrollment; MAC; takes the template id
    0x06 RemoveEnrollment,
    /// getFingerprintSensorInfo
    0x07 FingerprintSensorInfo,
}
