//! Refusals of a whole call: a status code, a sentence, and `ErrorDetail` for programs.
//!
//! What a token or a policy refuses is no refusal of the call; it is a `StepError` in the stream.

use keysteward_proto::error::v1::ErrorDetail;
use prost::Message as _;
use tonic::{Code, Status};

use crate::{causes::Causes, journal::JournalError};

/// A request field that is wrong.
pub(super) fn field(field: &str, found: &str, allowed: &str) -> Status {
    with_detail(
        Code::InvalidArgument,
        format!("{field}: found {found}, allowed: {allowed}"),
        ErrorDetail {
            reason: "FIELD_INVALID".to_owned(),
            field: field.to_owned(),
            found: found.to_owned(),
            allowed: allowed.to_owned(),
            ..ErrorDetail::default()
        },
    )
}

/// A call that only the server may make.
pub(super) fn server_only(field: &str) -> Status {
    with_detail(
        Code::PermissionDenied,
        format!("{field} is taken from the central server alone; leave it out"),
        ErrorDetail {
            reason: "SERVER_ONLY".to_owned(),
            field: field.to_owned(),
            ..ErrorDetail::default()
        },
    )
}

/// The journal cannot be read or written.
#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
pub(super) fn journal(error: JournalError) -> Status {
    let told = Causes(&error).to_string();
    tracing::error!(error = told, "the journal failed");
    with_detail(
        Code::Unavailable,
        told,
        ErrorDetail {
            reason: "JOURNAL_FAILED".to_owned(),
            next_action: "look at the agent's state_dir on the host".to_owned(),
            ..ErrorDetail::default()
        },
    )
}

/// A fault of ours.
pub(super) fn internal(what: &str) -> Status {
    tracing::error!(what, "a call failed");
    Status::internal(what)
}

fn with_detail(code: Code, message: String, detail: ErrorDetail) -> Status {
    Status::with_details(code, message, detail.encode_to_vec().into())
}
