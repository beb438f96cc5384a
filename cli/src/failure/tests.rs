use std::collections::HashMap;

use super::*;

fn refused(code: Code, detail: Option<ErrorDetail>) -> Failure {
    let details = detail.map(|d| d.encode_to_vec()).unwrap_or_default();
    Status::with_details(code, "the PIN is too short", details.into()).into()
}

fn detail() -> ErrorDetail {
    ErrorDetail {
        reason: "FIELD_INVALID".into(),
        field: "template.pin.length".into(),
        found: "3".into(),
        allowed: "4 to 63".into(),
        next_action: "choose a longer PIN".into(),
        facts: HashMap::from([("retries_left".into(), "7".into())]),
    }
}

#[test]
fn every_fact_of_a_refusal_is_shown_to_people() {
    let shown = refused(Code::InvalidArgument, Some(detail()))
        .report()
        .render(Format::Table, false);
    insta::assert_snapshot!(shown);
}

#[test]
fn every_fact_of_a_refusal_is_shown_to_programs() {
    let shown = refused(Code::InvalidArgument, Some(detail()))
        .report()
        .render(Format::Json, false);
    insta::assert_snapshot!(shown);
}

#[test]
fn a_refusal_without_details_keeps_its_code_and_message() {
    let shown = refused(Code::NotFound, None)
        .report()
        .render(Format::Json, false);
    assert_eq!(
        shown,
        r#"{"error":{"message":"the PIN is too short","reason":"NOT_FOUND"}}"#
    );
}

#[test]
fn details_that_are_something_else_do_not_hide_the_message() {
    let status = Status::with_details(Code::Internal, "broken", vec![0xFF; 3].into());
    let report = Failure::from(status).report();
    assert_eq!(
        (report.reason.as_str(), report.message.as_str()),
        ("INTERNAL", "broken")
    );
}

#[test]
fn a_step_error_shows_tries_left_and_the_rule() {
    let error = StepError {
        code: StepCode::PinPolicyViolation.into(),
        message: "the key refuses this PIN".into(),
        pin_retries: Some(5),
        rule: "minimum length 8".into(),
        changed: true,
        ..StepError::default()
    };
    let shown = Failure::from(error).report().render(Format::Table, false);
    for fact in [
        "retries left: 5",
        "minimum length 8",
        "token may have changed: true",
    ] {
        assert!(shown.contains(fact), "{shown}");
    }
}

#[test]
fn exit_codes_are_as_documented() {
    let ended = |state: &str| Failure::Ended {
        id: String::new(),
        state: state.into(),
        remark: String::new(),
        next_action: String::new(),
    };
    let step = |code: StepCode| {
        Failure::from(StepError {
            code: code.into(),
            ..StepError::default()
        })
    };
    for (failure, exit) in [
        (ended("failed"), Exit::Failed),
        (ended("cancelled"), Exit::Failed),
        (ended("unknown"), Exit::NeedsAttention),
        (ended("needs-attention"), Exit::NeedsAttention),
        (refused(Code::InvalidArgument, None), Exit::Usage),
        (refused(Code::NotFound, None), Exit::NotFound),
        (refused(Code::PermissionDenied, None), Exit::Refused),
        (refused(Code::Unauthenticated, None), Exit::Refused),
        (refused(Code::FailedPrecondition, None), Exit::Refused),
        (refused(Code::AlreadyExists, None), Exit::Refused),
        (refused(Code::Unavailable, None), Exit::Unreachable),
        (refused(Code::Internal, None), Exit::Failed),
        (step(StepCode::PinInvalid), Exit::Failed),
        (step(StepCode::TokenNotPresent), Exit::NotFound),
        (step(StepCode::ForbiddenByHost), Exit::Refused),
        (step(StepCode::OutcomeUnknown), Exit::NeedsAttention),
        (Failure::wrong("a", "b", "c"), Exit::Usage),
        (Failure::CheckFailed, Exit::Failed),
    ] {
        assert_eq!(failure.exit(), exit, "{failure:?}");
    }
}
