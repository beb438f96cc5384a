//! authenticatorBioEnrollment. CTAP 2.3 §6.7.
//!
//! Enrols fingers. The preview (0x40) is the same command for older platforms, whose tokens have no
//! permissions.

use super::fingerprint::{Template, TemplateId};
use super::profile::Edition;
use super::record::record;
use super::secret::random;
use super::{Authenticator, Environment, Scan, other, parse};
use crate::storage::{Change, Record, Storage};
use keysteward_core::cbor::{Encode, List, Writer};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::Status;
use keysteward_core::ctap2::bio_enrollment::{
    FingerprintKind, Modality, Request, Response, SampleStatus, Subcommand, SubcommandParams,
    TemplateInfo, authenticated_prefix,
};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::subcommand::authenticated_message;

/// A finger that is being enrolled.
pub(super) struct Enrolment {
    id: TemplateId,
    slot: u8,
    /// That of the first good sample.
    finger: Option<u32>,
    remaining: u8,
}

/// Proof that whoever asks may enrol.
struct Permitted(());

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    pub(super) fn bio_enrollment(
        &mut self,
        request: &Request<'_>,
        edition: Edition,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        if request.get_modality == Some(true) {
            let response = Response {
                modality: Some(Modality::Fingerprint),
                ..Response::default()
            };
            return response.encode(w).map_err(other);
        }
        let sub_command = request.sub_command.ok_or(Status::MissingParameter)?;
        match request.modality.ok_or(Status::MissingParameter)? {
            Modality::Fingerprint => {}
            Modality::Other(_) => return Err(Status::InvalidParameter),
        }
        match sub_command {
            Subcommand::CancelCurrentEnrollment => {
                self.ram.enrolment = None;
                return Ok(());
            }
            Subcommand::FingerprintSensorInfo => return sensor_info(w),
            Subcommand::Other(_) => return Err(Status::InvalidSubcommand),
            _ => {}
        }
        let permitted = self.authorize_bio(request, sub_command, edition)?;
        let params = match request.sub_command_params {
            Some(params) => parse(params.bytes())?,
            None => SubcommandParams::default(),
        };
        match sub_command {
            Subcommand::EnrollBegin => self.enroll_begin(&params, permitted, environment, w),
            Subcommand::EnrollCaptureNextSample => {
                self.enroll_capture(&params, permitted, environment, w)
            }
            Subcommand::EnumerateEnrollments => self.enumerate_enrollments(permitted, w),
            Subcommand::SetFriendlyName => self.set_friendly_name(&params, permitted),
            Subcommand::RemoveEnrollment => self.remove_enrollment(&params, permitted),
            _ => Err(Status::InvalidSubcommand),
        }
    }

    fn authorize_bio(
        &mut self,
        request: &Request<'_>,
        sub_command: Subcommand,
        edition: Edition,
    ) -> Result<Permitted, Status> {
        let given = self.given(request.pin_uv_auth_protocol, request.pin_uv_auth_param)?;
        let given = given.ok_or(Status::PuatRequired)?;
        let prefix = authenticated_prefix(Modality::Fingerprint, sub_command);
        let message = authenticated_message(&prefix, request.sub_command_params);
        let permission = Permissions::BIO_ENROLLMENT;
        match edition {
            Edition::Final => self.verify_token(given, &message, permission)?,
            Edition::Preview => self.verify_preview_token(given, &message, permission)?,
        };
        Ok(Permitted(()))
    }

    /// §6.7.4
    fn enroll_begin(
        &mut self,
        params: &SubcommandParams<'_>,
        _: Permitted,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        self.ram.enrolment = None;
        let slot = self.free_finger()?.ok_or(Status::FpDatabaseFull)?;
        let enrolment = Enrolment {
            id: random(&mut self.crypto).map_err(other)?,
            slot,
            finger: None,
            remaining: SAMPLES,
        };
        let id = enrolment.id;
        self.ram.enrolment = Some(enrolment);
        self.capture(Some(&id), params, environment, w)
    }

    /// §6.7.4
    fn enroll_capture(
        &mut self,
        params: &SubcommandParams<'_>,
        _: Permitted,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let id = params.template_id.ok_or(Status::MissingParameter)?;
        match &self.ram.enrolment {
            None => Err(Status::NotAllowed),
            Some(enrolment) if enrolment.id != id => Err(Status::InvalidParameter),
            Some(_) => self.capture(None, params, environment, w),
        }
    }

    /// Takes one sample; tells `id` where it is new.
    fn capture(
        &mut self,
        id: Option<&[u8]>,
        params: &SubcommandParams<'_>,
        environment: &mut dyn Environment,
        w: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let timeout = params.timeout_milliseconds.unwrap_or(CAPTURE_TIMEOUT);
        let status = match environment.wait_for_finger(timeout.into()) {
            Scan::Sample(sample) if sample.quality == SampleStatus::Good => {
                self.take_sample(sample.finger)?
            }
            Scan::Sample(sample) => sample.quality,
            Scan::TimedOut => SampleStatus::NoUserActivity,
            Scan::Cancelled => {
                self.ram.enrolment = None;
                return Err(Status::KeepaliveCancel);
            }
        };
        let enrolment = self.ram.enrolment.as_ref();
        let remaining = enrolment.map_or(0, |enrolment| enrolment.remaining);
        let response = Response {
            template_id: id,
            last_enroll_sample_status: Some(status),
            remaining_samples: Some(remaining.into()),
            ..Response::default()
        };
        response.encode(w).map_err(other)
    }

    /// What becomes of a good sample. The last one enrols the finger.
    fn take_sample(&mut self, finger: u32) -> Result<SampleStatus, Status> {
        if self.enrolled(finger)? {
            return Ok(SampleStatus::Exists);
        }
        let enrolment = self.ram.enrolment.as_mut().ok_or(Status::NotAllowed)?;
        if *enrolment.finger.get_or_insert(finger) != finger {
            return Ok(SampleStatus::MergeFailure);
        }
        enrolment.remaining = enrolment.remaining.saturating_sub(1);
        if enrolment.remaining > 0 {
            return Ok(SampleStatus::Good);
        }
        let Enrolment { id, slot, .. } = *enrolment;
        self.ram.enrolment = None;
        let template = Template {
            id,
            name: None,
            finger,
        };
        let mut next = self.owner.clone();
        next.fingerprints = next.fingerprints.saturating_add(1);
        let mut room = Template::ROOM;
        let bytes = record(&template, &mut room).map_err(other)?;
        self.store(next, &[Change::replace(Record::Fingerprint(slot), bytes)])?;
        Ok(SampleStatus::Good)
    }

    /// §6.7.6
    #[inline(never)]
    fn enumerate_enrollments(&self, _: Permitted, w: &mut Writer<'_>) -> Result<(), Status> {
        let mut rooms = [Template::ROOM; MAX_FINGERS];
        let mut templates = heapless::Vec::<Template<'_>, MAX_FINGERS>::new();
        for (slot, room) in (0..self.storage.capacity().fingerprints).zip(&mut rooms) {
            if let Some(template) = self.template(Record::Fingerprint(slot), room)? {
                templates.push(template).map_err(|_| Status::OtherError)?;
            }
        }
        if templates.is_empty() {
            return Err(Status::InvalidOption);
        }
        let infos: heapless::Vec<TemplateInfo<'_>, MAX_FINGERS> =
            templates.iter().map(Template::info).collect();
        let response = Response {
            template_infos: Some(List::new(&infos)),
            ..Response::default()
        };
        response.encode(w).map_err(other)
    }

    /// §6.7.7
    fn set_friendly_name(
        &mut self,
        params: &SubcommandParams<'_>,
        _: Permitted,
    ) -> Result<(), Status> {
        let id = params.template_id.ok_or(Status::MissingParameter)?;
        let name = params
            .template_friendly_name
            .ok_or(Status::MissingParameter)?;
        if name.len() > MAX_NAME {
            return Err(Status::InvalidLength);
        }
        let slot = self.finger_named(id)?.ok_or(Status::InvalidOption)?;
        let (mut old, mut new) = (Template::ROOM, Template::ROOM);
        let template = self.template(Record::Fingerprint(slot), &mut old)?;
        let template = template.ok_or(Status::InvalidOption)?;
        let renamed = Template {
            name: Some(name),
            ..template
        };
        let bytes = record(&renamed, &mut new).map_err(other)?;
        let change = Change::replace(Record::Fingerprint(slot), bytes);
        self.store(self.owner.clone(), &[change])
    }

    /// §6.7.8
    fn remove_enrollment(
        &mut self,
        params: &SubcommandParams<'_>,
        _: Permitted,
    ) -> Result<(), Status> {
        let id = params.template_id.ok_or(Status::MissingParameter)?;
        let slot = self.finger_named(id)?.ok_or(Status::InvalidOption)?;
        let mut next = self.owner.clone();
        next.fingerprints = next.fingerprints.saturating_sub(1);
        self.store(next, &[Change::Delete(Record::Fingerprint(slot))])
    }

    fn finger_named(&self, id: &[u8]) -> Result<Option<u8>, Status> {
        self.find_finger(&mut |template| template.is_some_and(|template| template.id == id))
    }

    fn free_finger(&self) -> Result<Option<u8>, Status> {
        self.find_finger(&mut |template| template.is_none())
    }

    fn find_finger(
        &self,
        fits: &mut dyn FnMut(Option<Template<'_>>) -> bool,
    ) -> Result<Option<u8>, Status> {
        for (slot, _) in (0..self.storage.capacity().fingerprints).zip(0..MAX_FINGERS) {
            let mut room = Template::ROOM;
            if fits(self.template(Record::Fingerprint(slot), &mut room)?) {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }
}

/// §6.7.3
fn sensor_info(w: &mut Writer<'_>) -> Result<(), Status> {
    let response = Response {
        fingerprint_kind: Some(FingerprintKind::Touch),
        max_capture_samples_required_for_enroll: Some(SAMPLES.into()),
        max_template_friendly_name: u32::try_from(MAX_NAME).ok(),
        ..Response::default()
    };
    response.encode(w).map_err(other)
}

/// Good samples that an enrolment takes.
const SAMPLES: u8 = 4;
/// Bytes.
const MAX_NAME: usize = 64;
/// However many a storage has room for.
const MAX_FINGERS: usize = 10;
/// Milliseconds.
const CAPTURE_TIMEOUT: u32 = 30_000;

#[cfg(all(test, feature = "std"))]
pub(super) mod tests;
