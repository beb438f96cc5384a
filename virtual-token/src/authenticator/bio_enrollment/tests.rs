use super::*;
use crate::authenticator::Sample;
use crate::authenticator::platform::{PIN, Platform, raw};
use crate::manufacture::Profile;
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::Command;
use keysteward_core::pin_protocol::{PinProtocol, PinUvAuthToken};

/// Asks with a MAC of `token`.
fn ask(
    platform: &mut Platform,
    command: Command,
    token: &PinUvAuthToken,
    sub_command: Subcommand,
    params: &SubcommandParams<'_>,
) -> Result<Vec<u8>, Status> {
    let mut room = [0; 256];
    let params = raw(params, &mut room);
    let prefix = authenticated_prefix(Modality::Fingerprint, sub_command);
    let mac = platform.mac(token, &[&prefix, params.bytes()]);
    let request = Request {
        sub_command_params: Some(params),
        pin_uv_auth_protocol: Some(token.protocol().id()),
        pin_uv_auth_param: Some(&mac),
        ..Request::new(Modality::Fingerprint, sub_command)
    };
    platform.send(command, Some(&request))
}

/// As [`ask`], with a fresh token that permits be.
fn bio(
    platform: &mut Platform,
    sub_command: Subcommand,
    params: &SubcommandParams<'_>,
) -> Result<Vec<u8>, Status> {
    let token = platform.token(0x08, None);
    ask(
        platform,
        Command::BioEnrollment,
        &token,
        sub_command,
        params,
    )
}

fn of(id: &[u8]) -> SubcommandParams<'_> {
    SubcommandParams {
        template_id: Some(id),
        ..SubcommandParams::default()
    }
}

/// What one sample came to: its status, and how many are still wanted.
fn sample(answer: Result<Vec<u8>, Status>) -> (SampleStatus, u32) {
    let answer = answer.unwrap();
    let response = Response::parse(&answer).unwrap();
    (
        response.last_enroll_sample_status.unwrap(),
        response.remaining_samples.unwrap(),
    )
}

fn begin(platform: &mut Platform) -> Vec<u8> {
    let none = SubcommandParams::default();
    let answer = bio(platform, Subcommand::EnrollBegin, &none).unwrap();
    let response = Response::parse(&answer).unwrap();
    response.template_id.unwrap().to_vec()
}

/// Enrols a finger; its ID.
pub(in crate::authenticator) fn enrol(platform: &mut Platform, finger: u32) -> Vec<u8> {
    platform.fingers(&[finger; 4]);
    let id = begin(platform);
    for remaining in [2, 1, 0] {
        let next = bio(platform, Subcommand::EnrollCaptureNextSample, &of(&id));
        assert_eq!(sample(next), (SampleStatus::Good, remaining));
    }
    id
}

fn listed(platform: &mut Platform) -> Vec<(Vec<u8>, Option<String>)> {
    let none = SubcommandParams::default();
    let answer = bio(platform, Subcommand::EnumerateEnrollments, &none).unwrap();
    let response = Response::parse(&answer).unwrap();
    let infos = response.template_infos.unwrap();
    let owned = |info: TemplateInfo<'_>| {
        let name = info.template_friendly_name.map(Into::into);
        (info.template_id.to_vec(), name)
    };
    infos.iter().map(owned).collect()
}

#[test]
fn a_finger_is_enrolled_named_and_removed() {
    let mut platform = Platform::biometric();
    let id = enrol(&mut platform, 7);
    let thumb = enrol(&mut platform, 8);
    assert_eq!(
        listed(&mut platform),
        [(id.clone(), None), (thumb.clone(), None)]
    );
    let name = SubcommandParams {
        template_friendly_name: Some("left index"),
        ..of(&id)
    };
    bio(&mut platform, Subcommand::SetFriendlyName, &name).unwrap();
    platform.key.replug();
    let named = (id.clone(), Some("left index".to_string()));
    assert_eq!(
        listed(&mut platform),
        [named.clone(), (thumb.clone(), None)]
    );
    bio(&mut platform, Subcommand::RemoveEnrollment, &of(&thumb)).unwrap();
    assert_eq!(listed(&mut platform), [named]);
    assert_eq!(platform.state().owner.fingerprints, 1);
}

#[test]
fn bad_samples_are_taken_again() {
    let mut platform = Platform::biometric();
    enrol(&mut platform, 1);
    platform.fingers(&[2]);
    let id = begin(&mut platform);
    let quality = |quality| Scan::Sample(Sample { finger: 2, quality });
    let good = |finger| {
        Scan::Sample(Sample {
            finger,
            quality: SampleStatus::Good,
        })
    };
    for (scan, status, remaining) in [
        (quality(SampleStatus::TooFast), SampleStatus::TooFast, 3),
        (quality(SampleStatus::TooHigh), SampleStatus::TooHigh, 3),
        (Scan::TimedOut, SampleStatus::NoUserActivity, 3),
        (good(1), SampleStatus::Exists, 3),
        (good(3), SampleStatus::MergeFailure, 3),
        (good(2), SampleStatus::Good, 2),
        (
            quality(SampleStatus::PoorQuality),
            SampleStatus::PoorQuality,
            2,
        ),
        (good(2), SampleStatus::Good, 1),
        (good(2), SampleStatus::Good, 0),
    ] {
        platform.world().scans.push_back(scan);
        let next = bio(&mut platform, Subcommand::EnrollCaptureNextSample, &of(&id));
        assert_eq!(sample(next), (status, remaining));
    }
    assert_eq!(platform.state().owner.fingerprints, 2);
}

#[test]
fn an_enrolment_ends_by_cancel_by_another_and_by_power_loss() {
    let ends: [(&str, fn(&mut Platform), Status); 4] = [
        (
            "cancelCurrentEnrollment",
            |platform| {
                let cancel = Subcommand::CancelCurrentEnrollment;
                let request = Request::new(Modality::Fingerprint, cancel);
                let status = platform.status(Command::BioEnrollment, &request);
                assert_eq!(status, Status::Ok);
            },
            Status::NotAllowed,
        ),
        (
            "CANCEL",
            |platform| {
                platform.world().scans.push_back(Scan::Cancelled);
                let none = SubcommandParams::default();
                let begun = bio(platform, Subcommand::EnrollBegin, &none);
                assert_eq!(begun, Err(Status::KeepaliveCancel));
            },
            Status::NotAllowed,
        ),
        (
            "another",
            |platform| {
                platform.fingers(&[9]);
                begin(platform);
            },
            Status::InvalidParameter,
        ),
        (
            "a power cycle",
            |platform| platform.key.replug(),
            Status::NotAllowed,
        ),
    ];
    for (name, end, refusal) in ends {
        let mut platform = Platform::biometric();
        platform.fingers(&[5]);
        let id = begin(&mut platform);
        end(&mut platform);
        platform.fingers(&[5]);
        let next = bio(&mut platform, Subcommand::EnrollCaptureNextSample, &of(&id));
        assert_eq!(next, Err(refusal), "{name}");
    }
}

#[test]
fn the_sensor_tells_what_it_is_without_a_token() {
    let mut platform = Platform::biometric();
    let answer = platform.send(Command::BioEnrollment, Some(&Request::modality()));
    let answer = answer.unwrap();
    let response = Response::parse(&answer).unwrap();
    assert_eq!(response.modality, Some(Modality::Fingerprint));
    let info = Request::new(Modality::Fingerprint, Subcommand::FingerprintSensorInfo);
    let answer = platform.send(Command::BioEnrollment, Some(&info)).unwrap();
    let response = Response::parse(&answer).unwrap();
    assert_eq!(response.fingerprint_kind, Some(FingerprintKind::Touch));
    assert_eq!(response.max_capture_samples_required_for_enroll, Some(4));
    assert_eq!(response.max_template_friendly_name, Some(64));
}

#[test]
fn enrolling_wants_a_token_that_permits_it() {
    let mut platform = Platform::biometric();
    let sub_command = Subcommand::EnumerateEnrollments;
    let bare = Request::new(Modality::Fingerprint, sub_command);
    let status = platform.status(Command::BioEnrollment, &bare);
    assert_eq!(status, Status::PuatRequired);
    let token = platform.token(0x24, None);
    let none = SubcommandParams::default();
    let command = Command::BioEnrollment;
    let asked = ask(&mut platform, command, &token, sub_command, &none);
    assert_eq!(asked, Err(Status::PinAuthInvalid));
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut platform = Platform::biometric();
    let none = SubcommandParams::default();
    let long = "x".repeat(65);
    let named = |name| SubcommandParams {
        template_friendly_name: Some(name),
        ..of(&[1; 4])
    };
    for (sub_command, params, refusal) in [
        (
            Subcommand::EnumerateEnrollments,
            none.clone(),
            Status::InvalidOption,
        ),
        (
            Subcommand::EnrollCaptureNextSample,
            none.clone(),
            Status::MissingParameter,
        ),
        (
            Subcommand::EnrollCaptureNextSample,
            of(&[1; 4]),
            Status::NotAllowed,
        ),
        (
            Subcommand::SetFriendlyName,
            of(&[1; 4]),
            Status::MissingParameter,
        ),
        (
            Subcommand::SetFriendlyName,
            named(&long),
            Status::InvalidLength,
        ),
        (
            Subcommand::SetFriendlyName,
            named("x"),
            Status::InvalidOption,
        ),
        (
            Subcommand::RemoveEnrollment,
            of(&[1; 4]),
            Status::InvalidOption,
        ),
        (
            Subcommand::Other(8),
            none.clone(),
            Status::InvalidSubcommand,
        ),
    ] {
        let answer = bio(&mut platform, sub_command, &params);
        assert_eq!(answer, Err(refusal), "{sub_command:?}");
    }
    let face = Request::new(Modality::Other(2), Subcommand::EnumerateEnrollments);
    let status = platform.status(Command::BioEnrollment, &face);
    assert_eq!(status, Status::InvalidParameter);
}

#[test]
fn a_full_database_takes_no_more() {
    let mut platform = Platform::biometric();
    for finger in 1..=5 {
        enrol(&mut platform, finger);
    }
    let none = SubcommandParams::default();
    let more = bio(&mut platform, Subcommand::EnrollBegin, &none);
    assert_eq!(more, Err(Status::FpDatabaseFull));
}

#[test]
fn the_preview_enrols_with_tokens_of_its_time() {
    let mut platform = Platform::of(Profile::Ctap21Pre);
    assert_eq!(platform.set_pin_over(PinProtocol::One, PIN), Status::Ok);
    let token = platform.token_over(PinProtocol::One, PIN, None, None);
    let token = token.unwrap();
    platform.fingers(&[3; 4]);
    let none = SubcommandParams::default();
    let command = Command::BioEnrollmentPreview;
    let begun = ask(
        &mut platform,
        command,
        &token,
        Subcommand::EnrollBegin,
        &none,
    );
    let begun = begun.unwrap();
    let id = Response::parse(&begun).unwrap().template_id.unwrap();
    for remaining in [2, 1, 0] {
        let capture = Subcommand::EnrollCaptureNextSample;
        let next = ask(&mut platform, command, &token, capture, &of(id));
        assert_eq!(sample(next), (SampleStatus::Good, remaining));
    }
    let mut other = Platform::biometric();
    assert_eq!(other.send_bytes(&[0x40, 0xA1, 0x06, 0xF5]), [0x01]);
    assert_eq!(platform.send_bytes(&[0x09, 0xA1, 0x06, 0xF5]), [0x01]);
}
