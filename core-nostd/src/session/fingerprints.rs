//! bioEnrollment, and its preview of CTAP 2.1-PRE. CTAP 2.3 §6.7.
//!
//! An enrolment is a conversation with the person at the sensor: each sample is
//! told as it is taken, and the person may stop after each, or in the middle of
//! one by the keep-alive callback's `Break`. Either way the token forgets the
//! finger.

use super::exchange::Answer;
use super::{CtapTransport, Error, Feature, Session};
use crate::cbor::{self, Encode};
use crate::crypto::Crypto;
use crate::ctap2::bio_enrollment::{
    FingerprintKind, Modality, Request, Response, SampleStatus, Subcommand, SubcommandParams,
    TemplateInfo, authenticated_prefix,
};
use crate::ctap2::{Command, Status};
use crate::pin_protocol::PinUvAuthToken;
use core::ops::ControlFlow;

/// What the sensor says of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FingerprintSensor {
    /// Whether a finger is laid on it or drawn over it.
    pub kind: Option<FingerprintKind>,
    /// Good samples that an enrolment needs.
    pub max_capture_samples_required_for_enroll: Option<u32>,
    /// Bytes of the longest name.
    pub max_template_friendly_name: Option<u32>,
}

/// One sample of a finger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sample {
    /// What the sensor made of it; only a good one brings the enrolment on.
    pub status: SampleStatus,
    /// Good samples still to come; at zero the finger is enrolled.
    pub remaining: u32,
}

/// Names an enrolled finger.
pub type TemplateId = heapless::Vec<u8, MAX_TEMPLATE_ID>;

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Asks what kind of sensor there is. Wants no pinUvAuthToken.
    pub fn fingerprint_sensor(&mut self) -> Result<FingerprintSensor, Error<T::Error>> {
        let answer = self.enrollment(Subcommand::FingerprintSensorInfo, None, None)?;
        let response: Response<'_> = self.read(answer)?;
        match response.modality {
            None | Some(Modality::Fingerprint) => Ok(FingerprintSensor {
                kind: response.fingerprint_kind,
                max_capture_samples_required_for_enroll: response
                    .max_capture_samples_required_for_enroll,
                max_template_friendly_name: response.max_template_friendly_name,
            }),
            Some(_) => Err(Error::Unsupported(Feature::Fingerprints)),
        }
    }

    /// Lists the enrolled fingers. `Break` ends the list.
    pub fn fingerprints(
        &mut self,
        token: &PinUvAuthToken,
        found: &mut dyn FnMut(TemplateInfo<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error<T::Error>> {
        let answer = match self.enrollment(Subcommand::EnumerateEnrollments, None, Some(token)) {
            // Both mean that there is none.
            Err(
                Error::NoCredentials
                | Error::Refused {
                    status: Status::InvalidOption,
                    ..
                },
            ) => return Ok(()),
            outcome => outcome?,
        };
        let response: Response<'_> = self.read_or_default(answer)?;
        for info in response.template_infos.unwrap_or_default().iter() {
            if found(info).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Enrols a finger and tells its template id. The sensor waits for each
    /// sample as long as it likes, or for `timeout_milliseconds`.
    ///
    /// `heard` is told of every sample; its `Break`, like that of the keep-alive
    /// callback, ends with [`Error::Cancelled`], and nothing is enrolled then.
    pub fn enroll_fingerprint(
        &mut self,
        token: &PinUvAuthToken,
        timeout_milliseconds: Option<u32>,
        heard: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<TemplateId, Error<T::Error>> {
        let enrolled = self.enroll(token, timeout_milliseconds, heard);
        match enrolled {
            Ok(_) | Err(Error::Transport(_) | Error::Unsupported(_)) => {}
            Err(_) => {
                // Where this does not arrive, any other command does as well.
                let _ = self.enrollment(Subcommand::CancelCurrentEnrollment, None, None);
            }
        }
        self.forget_facts();
        enrolled
    }

    /// Gives a finger another name.
    pub fn rename_fingerprint(
        &mut self,
        token: &PinUvAuthToken,
        id: &[u8],
        name: &str,
    ) -> Result<(), Error<T::Error>> {
        let params = SubcommandParams {
            template_id: Some(id),
            template_friendly_name: Some(name),
            ..SubcommandParams::default()
        };
        match self.enrollment(Subcommand::SetFriendlyName, Some(&params), Some(token)) {
            Err(Error::Refused {
                status: Status::InvalidLength,
                ..
            }) => Err(Error::FingerprintNameTooLong),
            outcome => known(outcome),
        }
    }

    /// Forgets a finger. After the last one the token no longer verifies its
    /// user itself.
    pub fn remove_fingerprint(
        &mut self,
        token: &PinUvAuthToken,
        id: &[u8],
    ) -> Result<(), Error<T::Error>> {
        let params = SubcommandParams {
            template_id: Some(id),
            ..SubcommandParams::default()
        };
        let outcome = self.enrollment(Subcommand::RemoveEnrollment, Some(&params), Some(token));
        self.forget_facts();
        known(outcome)
    }

    /// Takes samples until there are enough.
    fn enroll(
        &mut self,
        token: &PinUvAuthToken,
        timeout_milliseconds: Option<u32>,
        heard: &mut dyn FnMut(Sample) -> ControlFlow<()>,
    ) -> Result<TemplateId, Error<T::Error>> {
        let (id, mut last) = self.begin_enrollment(token, timeout_milliseconds)?;
        for _ in 0..MAX_SAMPLES {
            let stop = heard(last).is_break();
            if last.remaining == 0 {
                return Ok(id);
            }
            if stop {
                return Err(Error::Cancelled);
            }
            let params = SubcommandParams {
                template_id: Some(&id),
                timeout_milliseconds,
                ..SubcommandParams::default()
            };
            let next = Subcommand::EnrollCaptureNextSample;
            let answer = self.enrollment(next, Some(&params), Some(token))?;
            let command = self.enrollment_command()?;
            last = sample(command, &self.read(answer)?)?;
        }
        Err(Error::EnrolmentEndless)
    }

    fn begin_enrollment(
        &mut self,
        token: &PinUvAuthToken,
        timeout_milliseconds: Option<u32>,
    ) -> Result<(TemplateId, Sample), Error<T::Error>> {
        let params = SubcommandParams {
            timeout_milliseconds,
            ..SubcommandParams::default()
        };
        let params: Option<&dyn Encode> = match timeout_milliseconds {
            Some(_) => Some(&params),
            None => None,
        };
        let answer = match self.enrollment(Subcommand::EnrollBegin, params, Some(token)) {
            Err(Error::StoreFull) => Err(Error::FingerprintsFull),
            outcome => outcome,
        }?;
        let command = self.enrollment_command()?;
        let response: Response<'_> = self.read(answer)?;
        let id = response
            .template_id
            .ok_or(Error::missing(command, "templateId (0x04)"))?;
        let id = TemplateId::from_slice(id).map_err(|_| Error::Malformed {
            command,
            error: cbor::Error::OutOfRange {
                position: 0,
                expected: "a templateId (0x04) of at most 64 bytes",
            },
        })?;
        Ok((id, sample(command, &response)?))
    }

    fn enrollment(
        &mut self,
        subcommand: Subcommand,
        params: Option<&dyn Encode>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Answer, Error<T::Error>> {
        let command = self.enrollment_command()?;
        let prefix = authenticated_prefix(Modality::Fingerprint, subcommand);
        self.exchange_authenticated(command, &prefix, params, token, &mut |members, w| {
            let request = Request::new(Modality::Fingerprint, subcommand);
            request.with(members).encode(w)
        })
    }

    /// 0x09 or 0x40, as the token says.
    fn enrollment_command(&mut self) -> Result<Command, Error<T::Error>> {
        let facts = self.facts()?;
        facts
            .bio_enrollment
            .ok_or(Error::Unsupported(Feature::Fingerprints))
    }
}

/// Tokens call a template id that they do not know an invalid option.
fn known<T>(outcome: Result<Answer, Error<T>>) -> Result<(), Error<T>> {
    match outcome {
        Err(
            Error::NoCredentials
            | Error::Refused {
                status: Status::InvalidOption,
                ..
            },
        ) => Err(Error::NoSuchFingerprint),
        outcome => outcome.map(drop),
    }
}

fn sample<E>(command: Command, response: &Response<'_>) -> Result<Sample, Error<E>> {
    Ok(Sample {
        status: response
            .last_enroll_sample_status
            .ok_or(Error::missing(command, "lastEnrollSampleStatus (0x05)"))?,
        remaining: response
            .remaining_samples
            .ok_or(Error::missing(command, "remainingSamples (0x06)"))?,
    })
}

/// Bytes of the longest template id that is taken.
pub const MAX_TEMPLATE_ID: usize = 64;

/// A dozen good ones are the most that sensors want.
const MAX_SAMPLES: u32 = 128;
