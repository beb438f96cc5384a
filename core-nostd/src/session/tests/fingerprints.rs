//! Fingers: enrolled, listed, renamed, removed.

use super::*;
use crate::cbor::{List, Raw};
use crate::crypto::RustCrypto;
use crate::ctap2::bio_enrollment::{
    FingerprintKind, Modality, Request, Response, SampleStatus, Subcommand, SubcommandParams,
    TemplateInfo, authenticated_prefix,
};
use core::cell::RefCell;
use std::rc::Rc;

const ID: &[u8] = b"left thumb";
const BOTH: [Command; 2] = [Command::BioEnrollment, Command::BioEnrollmentPreview];

const PREVIEW: Info = Info {
    options: &[
        ("clientPin", true),
        ("credentialMgmtPreview", true),
        ("userVerificationMgmtPreview", false),
    ],
    ..CTAP_2_1_PRE
};

/// Notes the subcommands, checks every MAC, and gives these answers in turn; OK
/// where there is none for it.
fn scripted(
    info: Info,
    answers: Vec<(Subcommand, Vec<u8>)>,
) -> (Fake, Rc<RefCell<Vec<Subcommand>>>) {
    let noted = Rc::new(RefCell::new(Vec::new()));
    let answers = Rc::new(RefCell::new(answers));
    let mut fake = Fake::new(info);
    for command in BOTH {
        let (notes, answers) = (Rc::clone(&noted), Rc::clone(&answers));
        fake = fake.on(command, move |parameters| {
            let request = Request::parse(parameters).unwrap();
            let subcommand = request.sub_command.unwrap();
            check_mac(&request, subcommand);
            notes.borrow_mut().push(subcommand);
            let mut answers = answers.borrow_mut();
            let due = answers.iter().position(|(one, _)| *one == subcommand);
            due.map(|due| answers.remove(due).1)
        });
    }
    (fake, noted)
}

fn check_mac(request: &Request<'_>, subcommand: Subcommand) {
    let open = matches!(
        subcommand,
        Subcommand::CancelCurrentEnrollment | Subcommand::FingerprintSensorInfo
    );
    assert_eq!(request.pin_uv_auth_param.is_none(), open, "{subcommand:?}");
    let Some(mac) = request.pin_uv_auth_param else {
        return;
    };
    let protocol = PinProtocol::from_id(request.pin_uv_auth_protocol.unwrap().into()).unwrap();
    let prefix = authenticated_prefix(Modality::Fingerprint, subcommand);
    let params = request.sub_command_params.map_or(&[][..], Raw::bytes);
    let mut crypto = RustCrypto(rand_core::OsRng);
    let _proof = given(protocol)
        .verify(&mut crypto, &[&prefix, params], mac)
        .unwrap();
}

fn took(status: SampleStatus, remaining: u32) -> Vec<u8> {
    ok(&Response {
        template_id: Some(ID),
        last_enroll_sample_status: Some(status),
        remaining_samples: Some(remaining),
        ..Default::default()
    })
}

const BEGIN: Subcommand = Subcommand::EnrollBegin;
const NEXT: Subcommand = Subcommand::EnrollCaptureNextSample;
const CANCEL: Subcommand = Subcommand::CancelCurrentEnrollment;

/// Enrols a finger; stops after `patience` samples.
fn enroll(fake: &mut Fake, patience: usize) -> (Outcome<TemplateId>, Vec<Sample>) {
    let mut heard = Vec::new();
    let outcome = fake.session(|session| {
        let token = session.token(&pin("1234"), Permissions::BIO_ENROLLMENT, None)?;
        session.enroll_fingerprint(&token, Some(9_000), &mut |sample| {
            heard.push(sample);
            if heard.len() < patience {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
    });
    (outcome, heard)
}

fn with_token<R>(
    fake: &mut Fake,
    act: impl FnOnce(
        &mut Session<'_, Fake, fake::Crypto>,
        &crate::pin_protocol::PinUvAuthToken,
    ) -> Outcome<R>,
) -> Outcome<R> {
    fake.session(|session| {
        let token = session.token(&pin("1234"), Permissions::BIO_ENROLLMENT, None)?;
        act(session, &token)
    })
}

#[test]
fn every_sample_is_told_and_bad_ones_are_taken_again() {
    for info in [CTAP_2_3, PREVIEW] {
        let (mut fake, noted) = scripted(
            info,
            std::vec![
                (BEGIN, took(SampleStatus::Good, 2)),
                (NEXT, took(SampleStatus::TooFast, 2)),
                (NEXT, took(SampleStatus::Good, 1)),
                (NEXT, took(SampleStatus::Good, 0)),
            ],
        );
        let (id, heard) = enroll(&mut fake, usize::MAX);
        assert_eq!(id.unwrap(), ID);
        let heard: Vec<_> = heard
            .iter()
            .map(|one| (one.status, one.remaining))
            .collect();
        assert_eq!(
            heard,
            [
                (SampleStatus::Good, 2),
                (SampleStatus::TooFast, 2),
                (SampleStatus::Good, 1),
                (SampleStatus::Good, 0),
            ]
        );
        assert_eq!(*noted.borrow(), [BEGIN, NEXT, NEXT, NEXT]);
    }
}

#[test]
fn samples_name_their_template_and_the_time_out() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let notes = Rc::clone(&seen);
    let (fake, _) = scripted(
        CTAP_2_3,
        std::vec![
            (BEGIN, took(SampleStatus::Good, 1)),
            (NEXT, took(SampleStatus::Good, 0)),
        ],
    );
    let mut fake = fake.on(Command::BioEnrollment, move |parameters| {
        let request = Request::parse(parameters).unwrap();
        let params = request.sub_command_params.unwrap();
        let params = SubcommandParams::parse(params.bytes()).unwrap();
        notes.borrow_mut().push((
            params.template_id.map(<[u8]>::to_vec),
            params.timeout_milliseconds,
        ));
        None
    });
    enroll(&mut fake, usize::MAX).0.unwrap();
    let patience = Some(9_000);
    assert_eq!(
        *seen.borrow(),
        [(None, patience), (Some(ID.to_vec()), patience)]
    );
}

#[test]
fn whoever_stops_enrols_nothing() {
    let (mut fake, noted) = scripted(
        CTAP_2_3,
        std::vec![
            (BEGIN, took(SampleStatus::Good, 2)),
            (NEXT, took(SampleStatus::Good, 1)),
        ],
    );
    let (outcome, heard) = enroll(&mut fake, 2);
    assert_eq!((outcome, heard.len()), (Err(Error::Cancelled), 2));
    assert_eq!(*noted.borrow(), [BEGIN, NEXT, CANCEL]);
}

#[test]
fn stopping_after_the_last_sample_is_too_late() {
    let answers = std::vec![(BEGIN, took(SampleStatus::Good, 0))];
    let (mut fake, noted) = scripted(CTAP_2_3, answers);
    assert_eq!(enroll(&mut fake, 1).0.unwrap(), ID);
    assert_eq!(*noted.borrow(), [BEGIN]);
}

#[test]
fn a_touch_that_is_broken_off_ends_the_enrolment_too() {
    let cancelled = answer(Status::KeepaliveCancel);
    let good = took(SampleStatus::Good, 2);
    for answers in [
        std::vec![(BEGIN, cancelled.clone())],
        std::vec![(BEGIN, good), (NEXT, cancelled)],
    ] {
        let (mut fake, noted) = scripted(CTAP_2_3, answers);
        assert_eq!(enroll(&mut fake, usize::MAX).0, Err(Error::Cancelled));
        assert_eq!(noted.borrow().last(), Some(&CANCEL));
    }
}

#[test]
fn an_enrolment_that_fails_is_cancelled_unless_the_link_is_gone() {
    let good = || (BEGIN, took(SampleStatus::Good, 2));
    let (mut fake, noted) = scripted(
        CTAP_2_3,
        std::vec![good(), (NEXT, answer(Status::UserActionTimeout))],
    );
    assert_eq!(enroll(&mut fake, usize::MAX).0, Err(Error::NotTouched));
    assert_eq!(*noted.borrow(), [BEGIN, NEXT, CANCEL]);

    let lost = std::vec![0; 8000];
    let (mut fake, noted) = scripted(CTAP_2_3, std::vec![good(), (NEXT, lost)]);
    assert_eq!(enroll(&mut fake, usize::MAX).0, Err(Error::Transport(Lost)));
    assert_eq!(*noted.borrow(), [BEGIN, NEXT]);
}

#[test]
fn a_sensor_that_never_has_enough_is_left() {
    let (fake, noted) = scripted(CTAP_2_3, Vec::new());
    let mut fake = fake.on(Command::BioEnrollment, |parameters| {
        let request = Request::parse(parameters).unwrap();
        (request.sub_command != Some(CANCEL)).then(|| took(SampleStatus::PoorQuality, 1))
    });
    let (outcome, heard) = enroll(&mut fake, usize::MAX);
    assert_eq!(outcome, Err(Error::EnrolmentEndless));
    assert_eq!(heard.len(), 128);
    assert_eq!(*noted.borrow(), [CANCEL]);
}

#[test]
fn an_answer_without_its_members_names_them() {
    let command = Command::BioEnrollment;
    let missing = |member| {
        let error = cbor::Error::Missing { member };
        Err(Error::Malformed { command, error })
    };
    let whole = Response {
        template_id: Some(ID),
        last_enroll_sample_status: Some(SampleStatus::Good),
        remaining_samples: Some(1),
        ..Default::default()
    };
    let without_id = Response {
        template_id: None,
        ..whole.clone()
    };
    let without_status = Response {
        last_enroll_sample_status: None,
        ..whole.clone()
    };
    let without_count = Response {
        remaining_samples: None,
        ..whole
    };
    for (response, member) in [
        (without_id, "templateId (0x04)"),
        (without_status, "lastEnrollSampleStatus (0x05)"),
        (without_count, "remainingSamples (0x06)"),
    ] {
        let (mut fake, noted) = scripted(CTAP_2_3, std::vec![(BEGIN, ok(&response))]);
        assert_eq!(enroll(&mut fake, usize::MAX).0, missing(member));
        assert_eq!(*noted.borrow(), [BEGIN, CANCEL]);
    }
    let long = Response {
        template_id: Some(&[1; 65]),
        ..Response::default()
    };
    let (mut fake, _) = scripted(CTAP_2_3, std::vec![(BEGIN, ok(&long))]);
    let outcome = enroll(&mut fake, usize::MAX).0;
    assert!(
        matches!(outcome, Err(Error::Malformed { .. })),
        "{outcome:?}"
    );
}

#[test]
fn a_full_sensor_says_so() {
    for status in [Status::FpDatabaseFull, Status::KeyStoreFull] {
        let (mut fake, _) = scripted(CTAP_2_3, std::vec![(BEGIN, answer(status))]);
        assert_eq!(
            enroll(&mut fake, usize::MAX).0,
            Err(Error::FingerprintsFull)
        );
    }
}

fn list(fake: &mut Fake) -> Outcome<Vec<(Vec<u8>, Option<String>)>> {
    with_token(fake, |session, token| {
        let mut found = Vec::new();
        session.fingerprints(token, &mut |info| {
            let name = info.template_friendly_name.map(ToString::to_string);
            found.push((info.template_id.to_vec(), name));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    })
}

#[test]
fn fingers_are_listed_with_their_names() {
    let infos = [
        TemplateInfo {
            template_id: b"1",
            template_friendly_name: Some("thumb"),
        },
        TemplateInfo {
            template_id: b"2",
            template_friendly_name: None,
        },
    ];
    let listed = ok(&Response {
        template_infos: Some(List::new(&infos)),
        ..Default::default()
    });
    for info in [CTAP_2_3, PREVIEW] {
        let answers = std::vec![(Subcommand::EnumerateEnrollments, listed.clone())];
        let (mut fake, _) = scripted(info, answers);
        assert_eq!(
            list(&mut fake).unwrap(),
            [
                (b"1".to_vec(), Some("thumb".to_string())),
                (b"2".to_vec(), None)
            ]
        );
    }
}

#[test]
fn every_way_to_say_that_there_is_no_finger_is_understood() {
    let empty = Response {
        template_infos: Some(List::new(&[])),
        ..Default::default()
    };
    for nothing in [
        answer(Status::InvalidOption),
        answer(Status::NoCredentials),
        answer(Status::Ok),
        ok(&Response::default()),
        ok(&empty),
    ] {
        let answers = std::vec![(Subcommand::EnumerateEnrollments, nothing)];
        let (mut fake, _) = scripted(CTAP_2_3, answers);
        assert_eq!(list(&mut fake), Ok(Vec::new()));
    }
}

#[test]
fn a_finger_is_renamed_and_removed_and_an_unknown_one_is_named_so() {
    let rename = |status| {
        let answers = std::vec![(Subcommand::SetFriendlyName, answer(status))];
        let (mut fake, _) = scripted(CTAP_2_3, answers);
        with_token(&mut fake, |session, token| {
            session.rename_fingerprint(token, ID, "thumb")
        })
    };
    let remove = |status| {
        let answers = std::vec![(Subcommand::RemoveEnrollment, answer(status))];
        let (mut fake, _) = scripted(CTAP_2_3, answers);
        with_token(&mut fake, |session, token| {
            session.remove_fingerprint(token, ID)
        })
    };
    assert_eq!(rename(Status::Ok), Ok(()));
    assert_eq!(remove(Status::Ok), Ok(()));
    for status in [Status::InvalidOption, Status::NoCredentials] {
        assert_eq!(rename(status), Err(Error::NoSuchFingerprint));
        assert_eq!(remove(status), Err(Error::NoSuchFingerprint));
    }
    let too_long = Err(Error::FingerprintNameTooLong);
    assert_eq!(rename(Status::InvalidLength), too_long);
}

#[test]
fn a_sensor_is_described_without_a_pin() {
    let described = ok(&Response {
        modality: Some(Modality::Fingerprint),
        fingerprint_kind: Some(FingerprintKind::Touch),
        max_capture_samples_required_for_enroll: Some(5),
        max_template_friendly_name: Some(32),
        ..Default::default()
    });
    let answers = std::vec![(Subcommand::FingerprintSensorInfo, described)];
    let (mut fake, _) = scripted(CTAP_2_3, answers);
    let sensor = fake
        .session(|session| session.fingerprint_sensor())
        .unwrap();
    assert_eq!(sensor.kind, Some(FingerprintKind::Touch));
    assert_eq!(sensor.max_capture_samples_required_for_enroll, Some(5));
    assert_eq!(sensor.max_template_friendly_name, Some(32));
    assert_eq!(fake.asked, [Command::GetInfo, Command::BioEnrollment]);
}

#[test]
fn a_sensor_for_something_else_is_not_taken_for_fingers() {
    let eyes = ok(&Response {
        modality: Some(Modality::Other(2)),
        ..Default::default()
    });
    let answers = std::vec![(Subcommand::FingerprintSensorInfo, eyes)];
    let (mut fake, _) = scripted(CTAP_2_3, answers);
    let refused = fake.session(|session| session.fingerprint_sensor());
    assert_eq!(refused, Err(Error::Unsupported(Feature::Fingerprints)));
}

#[test]
fn a_token_without_sensor_is_told_so() {
    let mut fake = Fake::new(CTAP_2_1);
    let refused = fake.session(|session| session.fingerprint_sensor());
    assert_eq!(refused, Err(Error::Unsupported(Feature::Fingerprints)));
    assert_eq!(fake.asked, [Command::GetInfo]);
}
