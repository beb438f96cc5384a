//! Why a call to a certification authority failed, and what that leaves behind.

use super::{InvalidRequest, Unfit, WrongCertificate};
use crate::connector::{Outcome, Said};
use std::{fmt, time::Duration};
use thiserror::Error;

/// A failed call.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{call}: {why}")]
pub struct CaError {
    pub call: Call,
    #[source]
    pub why: Why,
}

/// What was asked of the CA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    Check,
    Authorities,
    Profiles,
    Enrol,
    Poll,
    Find,
    Status,
    Hold,
    Unhold,
    Revoke,
    Renew,
    Reissue,
}

impl Call {
    pub const ALL: [Self; 12] = [
        Self::Check,
        Self::Authorities,
        Self::Profiles,
        Self::Enrol,
        Self::Poll,
        Self::Find,
        Self::Status,
        Self::Hold,
        Self::Unhold,
        Self::Revoke,
        Self::Renew,
        Self::Reissue,
    ];

    /// Whether the request, if it arrives, can change anything.
    #[must_use]
    pub const fn changes(self) -> bool {
        match self {
            Self::Check
            | Self::Authorities
            | Self::Profiles
            | Self::Poll
            | Self::Find
            | Self::Status => false,
            Self::Enrol
            | Self::Hold
            | Self::Unhold
            | Self::Revoke
            | Self::Renew
            | Self::Reissue => true,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Check => "checking the connection",
            Self::Authorities => "listing the certification authorities",
            Self::Profiles => "listing the profiles",
            Self::Enrol => "asking for the certificate",
            Self::Poll => "asking for the pending certificate",
            Self::Find => "looking for the certificate",
            Self::Status => "asking for the state of the certificate",
            Self::Hold => "putting the certificate on hold",
            Self::Unhold => "releasing the certificate",
            Self::Revoke => "revoking the certificate",
            Self::Renew => "renewing the certificate",
            Self::Reissue => "reissuing the certificate",
        })
    }
}

/// A CA's own words for why it refuses.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Refusal {
    /// `cagw-4018`, `9002`; empty where there is none.
    pub code: String,
    pub message: Said,
    /// For an administrator's eyes: CAs tell of their inside here.
    pub details: Vec<Said>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.code.is_empty() {
            write!(f, "{} ", self.code)?;
        }
        write!(f, "{}", self.message)
    }
}

/// Why, with the facts. `status` is the HTTP status.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Why {
    // Found before anything was sent.
    #[error("{0}")]
    Unfit(Unfit),
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error("{field} is {found:?}; allowed is {allowed}")]
    Unusable {
        field: &'static str,
        found: String,
        allowed: String,
    },
    /// This kind of CA does not do such things, or not here.
    #[error("the certification authority does not offer {0}")]
    NotOffered(&'static str),
    /// No connection, or no TLS: the request was not sent.
    #[error("the certification authority cannot be reached: {0}")]
    Unreachable(String),

    /// TLS ended before the request was read.
    #[error(
        "the certification authority refuses our client certificate ({0}): check that it is the \
         one that the authority gave out, and that it has not ended"
    )]
    CredentialRefused(String),

    // Refused, for good.
    #[error("the certification authority refuses (HTTP {status}); it said {refusal}")]
    Refused { status: u16, refusal: Refusal },
    #[error("not there (HTTP {status}); the certification authority said {refusal}")]
    NotFound { status: u16, refusal: Refusal },
    #[error(
        "the certification authority refuses our credential or its permissions (HTTP {status}): \
         check the credential of the connection and what it may do; it said {refusal}"
    )]
    NotPermitted { status: u16, refusal: Refusal },

    // Refused because of the moment: later the same request may be taken.
    #[error("too many requests (HTTP 429){}", again(*retry_after))]
    TooManyRequests { retry_after: Option<Duration> },

    // Arrived, and nobody knows what became of it.
    #[error("the certification authority gave up waiting (HTTP 408); it said {refusal}")]
    RequestTimeout { refusal: Refusal },
    #[error(
        "the certification authority failed (HTTP {status}){}; it said {refusal}",
        again_if(*retry_after)
    )]
    ServerFault {
        status: u16,
        refusal: Refusal,
        retry_after: Option<Duration>,
    },
    #[error("unexpected HTTP status {status}; the certification authority said {refusal}")]
    UnexpectedStatus { status: u16, refusal: Refusal },
    #[error("no complete answer from the certification authority: {0}")]
    NoAnswer(String),
    #[error("no answer from the certification authority within {} s", .0.as_secs_f32())]
    TooLate(Duration),
    #[error("the answer is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the answer is not {expected}: {found}; it said {said}")]
    Malformed {
        expected: &'static str,
        found: String,
        said: Said,
    },
    #[error("the answer is about something else: {field} is {found:?}, {expected:?} was due")]
    WrongObject {
        field: &'static str,
        expected: String,
        found: String,
    },
    /// A certificate came that is not the one that was asked for.
    #[error("the certification authority sent a certificate that was not asked for: {0}")]
    WrongCertificate(#[from] WrongCertificate),
    #[error("the list has more than {limit} pages")]
    TooManyPages { limit: usize },

    /// Of the CA inside this server: its list of certificates.
    #[error("the list of issued certificates cannot be used: {0}")]
    Store(String),
    /// Of the CA inside this server: a certificate cannot be made.
    #[error("the certificate cannot be made: {0}")]
    Making(String),
}

/// How a failure is to be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Nature {
    /// Nothing changed, and it will not pass by itself: the request, the user
    /// or the template has to change, or somebody at the CA.
    Refused,
    /// Nothing changed; the same call can succeed later.
    NotNow(Option<Duration>),
    /// It may have had its effect: look before trying again.
    Unknown,
    /// Nothing changed; the connection has to be corrected.
    Settings,
}

impl CaError {
    /// How the failure is to be taken.
    #[must_use]
    pub const fn nature(&self) -> Nature {
        let lost = if self.call.changes() {
            Nature::Unknown
        } else {
            Nature::NotNow(None)
        };
        match &self.why {
            Why::Unfit(_)
            | Why::Request(_)
            | Why::Unusable { .. }
            | Why::NotOffered(_)
            | Why::Refused { .. }
            | Why::NotFound { .. }
            | Why::TooManyPages { .. }
            | Why::Making(_) => Nature::Refused,
            Why::NotPermitted { .. } | Why::CredentialRefused(_) => Nature::Settings,
            Why::Unreachable(_) => Nature::NotNow(None),
            Why::TooManyRequests { retry_after } => Nature::NotNow(*retry_after),
            Why::ServerFault { retry_after, .. } => match lost {
                Nature::NotNow(_) => Nature::NotNow(*retry_after),
                other => other,
            },
            Why::RequestTimeout { .. }
            | Why::UnexpectedStatus { .. }
            | Why::NoAnswer(_)
            | Why::TooLate(_)
            | Why::TooLong { .. }
            | Why::Malformed { .. }
            | Why::WrongObject { .. }
            | Why::Store(_) => lost,
            // Read again, it would be the same.
            Why::WrongCertificate(_) => match lost {
                Nature::NotNow(_) => Nature::Refused,
                other => other,
            },
        }
    }

    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self.nature() {
            Nature::Unknown => Outcome::MaybeChanged,
            Nature::Refused | Nature::NotNow(_) | Nature::Settings => Outcome::Unchanged,
        }
    }

    /// How long the CA wants to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match &self.why {
            Why::TooManyRequests { retry_after } | Why::ServerFault { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// Whether the same call can succeed later without anybody changing a
    /// setting, a request or a user.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        !matches!(self.nature(), Nature::Refused | Nature::Settings)
            && !matches!(self.why, Why::WrongCertificate(_))
    }
}

fn again(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!(": try again in {} s", wait.as_secs_f32().ceil()),
        None => ": try again later".to_owned(),
    }
}

fn again_if(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| again(Some(wait)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(call: Call, why: Why) -> CaError {
        CaError { call, why }
    }

    #[test]
    fn a_lost_change_is_unknown_and_a_lost_question_is_not() {
        for call in Call::ALL {
            for why in [
                Why::NoAnswer("closed".to_owned()),
                Why::TooLate(Duration::from_secs(1)),
                Why::TooLong { limit: 1 },
            ] {
                let error = of(call, why);
                let unknown = error.nature() == Nature::Unknown;
                assert_eq!(unknown, call.changes(), "{error}");
                assert_eq!(error.outcome() == Outcome::MaybeChanged, unknown);
                assert!(error.is_passing(), "{error}");
            }
        }
    }

    #[test]
    fn a_refusal_is_never_unknown() {
        let refusal = Refusal::default();
        for call in Call::ALL {
            for (why, nature) in [
                (
                    Why::Refused {
                        status: 400,
                        refusal: refusal.clone(),
                    },
                    Nature::Refused,
                ),
                (
                    Why::NotPermitted {
                        status: 403,
                        refusal: refusal.clone(),
                    },
                    Nature::Settings,
                ),
                (Why::Unreachable("refused".to_owned()), Nature::NotNow(None)),
                (Why::NotOffered("this"), Nature::Refused),
            ] {
                assert_eq!(of(call, why).nature(), nature);
            }
        }
    }

    #[test]
    fn a_wait_is_told_and_rounded_up_in_the_text() {
        let wait = Some(Duration::from_millis(1200));
        let error = of(Call::Enrol, Why::TooManyRequests { retry_after: wait });
        assert_eq!(error.nature(), Nature::NotNow(wait));
        assert!(error.to_string().ends_with("try again in 2 s"), "{error}");
        let fault = Why::ServerFault {
            status: 503,
            refusal: Refusal::default(),
            retry_after: wait,
        };
        assert_eq!(
            of(Call::Status, fault.clone()).nature(),
            Nature::NotNow(wait)
        );
        let change = of(Call::Revoke, fault);
        assert_eq!(
            (change.nature(), change.retry_after()),
            (Nature::Unknown, wait)
        );
    }

    #[test]
    fn details_are_kept_and_not_shown() {
        let refusal = Refusal {
            code: "cagw-4018".to_owned(),
            message: Said::plain(b"CA with specified name not found"),
            details: vec![Said::plain(b"com.entrust.inside")],
        };
        let text = of(
            Call::Enrol,
            Why::Refused {
                status: 404,
                refusal,
            },
        )
        .to_string();
        assert!(
            text.contains("cagw-4018") && !text.contains("inside"),
            "{text}"
        );
    }
}
