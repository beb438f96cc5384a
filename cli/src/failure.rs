//! Why a command did not end well, and the exit code that says so.

use std::{fmt::Write as _, io, path::PathBuf, process::ExitCode};

use keysteward_proto::{
    agent::v1::{StepError, step_error::Code as StepCode},
    error::v1::ErrorDetail,
};
use prost::Message as _;
use serde::Serialize;
use tonic::{Code, Status};

use crate::output::Format;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Documented in `docs/cli.md` and in `keysteward --help`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Refused = 4,
    NeedsAttention = 5,
    Unreachable = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An argument, setting or file of the caller is wrong. Nothing was asked of anybody.
    #[error("{field} is wrong: found {found}")]
    Wrong {
        field: String,
        found: String,
        allowed: String,
    },
    #[error("cannot use {path}", path = path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot reach {address}: {why}")]
    Unreachable { address: String, why: String },
    /// The server or agent refused the call.
    #[error("{}", .0.message())]
    Refused(Box<Status>),
    /// The agent tried, and the token did not do it.
    #[error("{}", .0.message)]
    Step(Box<StepError>),
    /// An operation came to an end that is not success.
    #[error("operation {id} is {state}: {remark}")]
    Ended {
        id: String,
        state: String,
        remark: String,
        next_action: String,
    },
    /// The caller's patience ended first; the operation goes on.
    #[error("operation {id} has not ended yet: it is {state}")]
    StillOpen { id: String, state: String },
    #[error("{failed} of {rows} rows did not succeed")]
    Rows {
        failed: usize,
        rows: usize,
        exit: Exit,
    },
    #[error("the connection check found a problem")]
    CheckFailed,
    #[error("this agent has seen no checkpoint yet")]
    NoWitness,
    #[error("the audit chain is broken at entry {seq}: {why}")]
    AuditBroken { seq: u64, why: String },
    /// Bytes that were to be explained are not what they are said to be.
    #[error("{what}: {why}", why = place(*offset, why))]
    Undecodable {
        what: String,
        offset: Option<usize>,
        why: String,
    },
    #[error("the answer makes no sense: {0}")]
    Answer(&'static str),
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        Self::Step(Box::new(error))
    }
}

impl Failure {
    pub(crate) fn wrong(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Wrong {
            field: field.into(),
            found: found.into(),
            allowed: allowed.into(),
        }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Wrong { .. } | Self::File { .. } | Self::Undecodable { .. } => Exit::Usage,
            Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused(status) => exit_of_status(status.code()),
            Self::Step(error) => exit_of_step(error.code()),
            Self::Ended { state, .. } => exit_of_state(state),
            Self::StillOpen { .. } => Exit::NeedsAttention,
            Self::Rows { exit, .. } => *exit,
            Self::NoWitness => Exit::NotFound,
            Self::CheckFailed | Self::AuditBroken { .. } | Self::Answer(_) | Self::Output(_) => {
                Exit::Failed
            }
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::File { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }

    /// The same facts for people and for programs.
    pub(crate) fn report(&self) -> Report {
        let mut report = Report {
            reason: self.reason(),
            message: self.sentence(),
            ..Report::default()
        };
        match self {
            Self::Wrong {
                field,
                found,
                allowed,
            } => {
                report.field.clone_from(field);
                report.found.clone_from(found);
                report.allowed.clone_from(allowed);
            }
            Self::Refused(status) => report.add_detail(status),
            Self::Step(error) => {
                report.field.clone_from(&error.field);
                if let Some(retries) = error.pin_retries {
                    report
                        .facts
                        .insert("retries_left".into(), retries.to_string());
                }
                if let Some(retries) = error.uv_retries {
                    report
                        .facts
                        .insert("uv_retries_left".into(), retries.to_string());
                }
                if !error.rule.is_empty() {
                    report.facts.insert("rule".into(), error.rule.clone());
                }
                if let Some(status) = error.ctap_status {
                    report
                        .facts
                        .insert("ctap_status".into(), format!("0x{status:02X}"));
                }
                if error.changed {
                    report
                        .facts
                        .insert("token_may_have_changed".into(), "true".into());
                }
            }
            Self::Ended {
                id, next_action, ..
            } => {
                report.next_action.clone_from(next_action);
                report.facts.insert("operation".into(), id.clone());
            }
            Self::StillOpen { id, .. } => {
                report.next_action = format!("wait for it with: keysteward operation watch {id}");
                report.facts.insert("operation".into(), id.clone());
            }
            Self::Unreachable { .. } => {
                report.next_action =
                    "check that it runs, and that the address and the trusted root are right"
                        .into();
            }
            Self::Rows { .. } => {
                report.next_action =
                    "correct the cause and run the same command again: rows that are done stay done"
                        .into();
            }
            Self::AuditBroken { seq, .. } => {
                report.facts.insert("entry".into(), seq.to_string());
                report.next_action = "keep both files and export again: a witness newer than \
                                      the export finds its end missing too"
                    .into();
            }
            Self::NoWitness => {
                report.next_action = "link it to its server, and wait a minute".into();
            }
            Self::Undecodable { offset, .. } => {
                if let Some(offset) = offset {
                    report.facts.insert("offset".into(), offset.to_string());
                }
            }
            Self::File { .. } | Self::CheckFailed | Self::Answer(_) | Self::Output(_) => {}
        }
        report
    }

    fn reason(&self) -> String {
        match self {
            Self::Wrong { .. } => "ARGUMENT_INVALID",
            Self::File { .. } => "FILE_UNUSABLE",
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::Refused(status) => return screaming(&format!("{:?}", status.code())),
            Self::Step(error) => error.code().as_str_name(),
            Self::Ended { state, .. } => return format!("OPERATION_{}", screaming(state)),
            Self::StillOpen { .. } => "OPERATION_OPEN",
            Self::Rows { .. } => "ROWS_NOT_DONE",
            Self::CheckFailed => "CHECK_FAILED",
            Self::NoWitness => "NO_WITNESS",
            Self::AuditBroken { .. } => "AUDIT_BROKEN",
            Self::Undecodable { .. } => "BYTES_WRONG",
            Self::Answer(_) => "ANSWER_MALFORMED",
            Self::Output(_) => "OUTPUT_FAILED",
        }
        .to_owned()
    }
}

/// A fault with its place.
fn place(offset: Option<usize>, why: &str) -> String {
    match offset {
        Some(offset) if !why.contains("byte ") => format!("{why}, at byte {offset}"),
        _ => why.to_owned(),
    }
}

/// What an operation's final state means for a script.
pub(crate) fn exit_of_state(state: &str) -> Exit {
    match state {
        "needs-attention" | "unknown" | "running" | "waiting" => Exit::NeedsAttention,
        _ => Exit::Failed,
    }
}

fn exit_of_status(code: Code) -> Exit {
    match code {
        Code::InvalidArgument | Code::OutOfRange => Exit::Usage,
        Code::NotFound => Exit::NotFound,
        Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::Unimplemented => Exit::Refused,
        Code::Unavailable | Code::DeadlineExceeded => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

fn exit_of_step(code: StepCode) -> Exit {
    match code {
        StepCode::TokenNotPresent | StepCode::CredentialNotFound => Exit::NotFound,
        StepCode::ForbiddenByHost | StepCode::TokenBusy | StepCode::KeyReused => Exit::Refused,
        StepCode::InvalidRequest => Exit::Usage,
        StepCode::OutcomeUnknown => Exit::NeedsAttention,
        _ => Exit::Failed,
    }
}

/// `NotFound`, `needs-attention` -> `NOT_FOUND`, `NEEDS_ATTENTION`.
fn screaming(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(if c == '-' {
            '_'
        } else {
            c.to_ascii_uppercase()
        });
    }
    out
}

/// A failure, ready to print.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    reason: String,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    found: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    allowed: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_action: String,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    facts: std::collections::BTreeMap<String, String>,
}

impl Report {
    /// Message and facts in one line.
    pub(crate) fn sentence(&self) -> String {
        let mut out = self.message.clone();
        if !self.found.is_empty() {
            let _ = write!(out, "; found {}", self.found);
        }
        if !self.allowed.is_empty() {
            let _ = write!(out, "; allowed: {}", self.allowed);
        }
        out
    }

    pub(crate) fn next_action(&self) -> String {
        self.next_action.clone()
    }

    fn add_detail(&mut self, status: &Status) {
        if status.details().is_empty() {
            return;
        }
        // A peer that encodes something else there still gave a code and a message.
        if let Ok(detail) = ErrorDetail::decode(status.details()) {
            self.reason = detail.reason;
            self.field = detail.field;
            self.found = detail.found;
            self.allowed = detail.allowed;
            self.next_action = detail.next_action;
            self.facts = detail.facts.into_iter().collect();
        }
    }

    /// For standard error; without a line end at the end.
    pub(crate) fn render(&self, format: Format, colour: bool) -> String {
        if format == Format::Json {
            return serde_json::json!({ "error": self }).to_string();
        }
        let (red, plain) = if colour {
            ("\x1b[31;1m", "\x1b[0m")
        } else {
            ("", "")
        };
        let mut out = format!("{red}error:{plain} {}", self.message);
        let facts = self
            .facts
            .iter()
            .map(|(name, value)| (name.as_str(), value));
        let named = [
            ("field", &self.field),
            ("found", &self.found),
            ("allowed", &self.allowed),
        ];
        for (name, value) in named
            .into_iter()
            .chain(facts)
            .chain([("next", &self.next_action)])
            .filter(|(_, value)| !value.is_empty())
        {
            // Writing to a String does not fail.
            let _ = write!(
                out,
                "\n  {:<13} {value}",
                format!("{}:", name.replace('_', " "))
            );
        }
        out
    }
}

#[cfg(test)]
mod tests;
