//! bioEnrollment. CTAP 2.3 §6.7.

use keysteward_core::cbor::{Parse, Raw};
use keysteward_core::ctap2::Command;
use keysteward_core::ctap2::bio_enrollment::{
    Modality, Request, Response, Subcommand, SubcommandParams, authenticated_prefix,
};
use keysteward_core::ctap2::subcommand::authenticated_message;

use super::{Auth, Facts, Key, Platform, Step, send};

impl Platform {
    pub(super) fn lay_finger(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let unknown = vec![0x77; 16];
        let count = self.fingers.len().max(1);
        let id = |at: u8| {
            self.fingers
                .get(usize::from(at) % count)
                .unwrap_or(&unknown)
        };
        let last = self.fingers.last().unwrap_or(&unknown);
        let mut params = SubcommandParams::default();
        let (sub_command, auth) = match *step {
            Step::Sensor => (Subcommand::FingerprintSensorInfo, Auth::None),
            Step::EnrollBegin { auth } => {
                params.timeout_milliseconds = Some(500);
                (Subcommand::EnrollBegin, auth)
            }
            Step::EnrollNext { auth } => {
                params.template_id = Some(last);
                (Subcommand::EnrollCaptureNextSample, auth)
            }
            Step::EnrollCancel => (Subcommand::CancelCurrentEnrollment, Auth::None),
            Step::Fingers { auth } => (Subcommand::EnumerateEnrollments, auth),
            Step::NameFinger { at, auth } => {
                params.template_id = Some(id(at));
                params.template_friendly_name = Some("thumb");
                (Subcommand::SetFriendlyName, auth)
            }
            Step::RemoveFinger { at, auth } => {
                params.template_id = Some(id(at));
                (Subcommand::RemoveEnrollment, auth)
            }
            ref other => unreachable!("{other:?} is about no finger"),
        };
        let mut room = [0; 128];
        let has_params = params != SubcommandParams::default();
        let params = has_params.then(|| Raw::encode_in(&params, &mut room).expect("the room"));
        let prefix = authenticated_prefix(Modality::Fingerprint, sub_command);
        let (param, protocol) = self.authenticate(auth, &authenticated_message(&prefix, params));
        let request = Request {
            sub_command_params: params,
            pin_uv_auth_protocol: protocol,
            pin_uv_auth_param: param.as_deref(),
            ..Request::new(Modality::Fingerprint, sub_command)
        };
        let answer = send(key, Command::BioEnrollment, Some(&request))?;
        if answer.is_empty() {
            return Ok(());
        }
        let answer = Response::parse(&answer).expect("an answer");
        if sub_command == Subcommand::EnrollBegin {
            let id = answer.template_id.expect("what is enrolled has a name");
            self.fingers.push(id.to_vec());
        }
        let number = |number: Option<u64>| number.unwrap_or(u64::MAX);
        facts.push((
            "remaining",
            number(answer.remaining_samples.map(Into::into)),
        ));
        let infos = answer.template_infos.map(|infos| infos.iter().count());
        facts.push(("fingers", infos.map_or(u64::MAX, |count| count as u64)));
        Ok(())
    }
}
