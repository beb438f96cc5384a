//! One request to a CA over HTTP: limits, and what each status means.

use super::{CaError, Call, Refusal, Why};
use crate::connector::{Said, SettingError, https};
use reqwest::{Client, RequestBuilder, Response, Url, header::HeaderMap};
use serde::de::DeserializeOwned;
use std::{
    error::Error as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The way to one CA.
pub(super) struct Http {
    pub(super) client: Client,
    limit: Duration,
    /// Reads a vendor's form of a refusal.
    refusal: fn(&[u8]) -> Option<Refusal>,
    /// Set by a 429: until then the CA wants no request from us, whoever asks.
    quiet_until: Mutex<Option<Instant>>,
}

/// A 2xx with its body.
#[derive(Debug)]
pub(super) struct Answer {
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}

impl Http {
    pub(super) fn new(
        identity: Option<https::Identity>,
        trusted_roots: &str,
        limit: Duration,
        plain: https::Plain,
        refusal: fn(&[u8]) -> Option<Refusal>,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            client: https::client_as(identity, trusted_roots, limit, plain)?,
            limit,
            refusal,
            quiet_until: Mutex::default(),
        })
    }

    /// For each request, as it was set.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Sends one request, once.
    pub(super) async fn send(
        &self,
        call: Call,
        request: RequestBuilder,
    ) -> Result<Answer, CaError> {
        let failed = |why| CaError { call, why };
        self.check_quiet().map_err(failed)?;
        let started = Instant::now();
        let response = request
            .send()
            .await
            .map_err(|error| failed(self.no_answer(error)))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = body(response, self).await;
        let elapsed = started.elapsed();
        tracing::debug!(%call, status = status.as_u16(), ?elapsed, "the CA answered");
        if status.is_success() {
            return Ok(Answer {
                body: body.map_err(failed)?,
            });
        }
        // The status tells enough where the body is lost.
        let refusal = self.refusal(&body.unwrap_or_default());
        for detail in &refusal.details {
            tracing::warn!(%call, code = refusal.code, %detail, "the CA refuses");
        }
        let why = told(status.as_u16(), &headers, refusal);
        if let Why::TooManyRequests {
            retry_after: Some(wait),
        } = why
        {
            *self.quiet() = Some(Instant::now() + wait);
        }
        Err(failed(why))
    }

    /// A refusal in the vendor's form, or the words that came.
    pub(super) fn refusal(&self, body: &[u8]) -> Refusal {
        (self.refusal)(body).unwrap_or_else(|| Refusal {
            message: Said::plain(body),
            ..Refusal::default()
        })
    }

    fn no_answer(&self, error: reqwest::Error) -> Why {
        // The address may hold a subject's name and says nothing new.
        let error = error.without_url();
        if let Some(alert) = https::certificate_alert(&error) {
            Why::CredentialRefused(format!("{alert:?}"))
        } else if error.is_connect() {
            Why::Unreachable(causes(&error))
        } else if error.is_timeout() {
            Why::TooLate(self.limit)
        } else {
            Why::NoAnswer(causes(&error))
        }
    }

    fn check_quiet(&self) -> Result<(), Why> {
        let mut quiet = self.quiet();
        let left = quiet.map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if !left.is_zero() => Err(Why::TooManyRequests {
                retry_after: Some(left),
            }),
            _ => {
                *quiet = None;
                Ok(())
            }
        }
    }

    fn quiet(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long one request may take: `seconds` as an administrator typed them, 0 where they did
/// not.
pub(super) fn time_limit(seconds: u32, usual: Duration) -> Result<Duration, SettingError> {
    match seconds {
        0 => Ok(usual),
        1..=LONGEST_LIMIT => Ok(Duration::from_secs(seconds.into())),
        _ => {
            let allowed = format!("1 to {LONGEST_LIMIT} seconds, or 0 for {}", usual.as_secs());
            Err(SettingError::new(
                "time_limit_s",
                seconds.to_string(),
                allowed,
            ))
        }
    }
}

/// Reads an answer's JSON; `expected` is a noun phrase.
pub(super) fn read<T: DeserializeOwned>(
    call: Call,
    answer: &Answer,
    expected: &'static str,
) -> Result<T, CaError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| malformed(call, answer, expected, &error.to_string()))
}

pub(super) fn malformed(
    call: Call,
    answer: &Answer,
    expected: &'static str,
    found: &str,
) -> CaError {
    CaError {
        call,
        why: Why::Malformed {
            expected,
            // Parsers quote what they choke on.
            found: Said::plain(found.as_bytes()).as_str().to_owned(),
            said: Said::plain(&answer.body),
        },
    }
}

/// An address below `base`; each segment is escaped.
pub(super) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

async fn body(mut response: Response, http: &Http) -> Result<Vec<u8>, Why> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| http.no_answer(error))?
    {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(Why::TooLong {
                limit: LONGEST_BODY,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn told(status: u16, headers: &HeaderMap, refusal: Refusal) -> Why {
    match status {
        400 | 405 | 406 | 409 | 412 | 415 | 422 => Why::Refused { status, refusal },
        401 | 402 | 403 | 407 => Why::NotPermitted { status, refusal },
        404 | 410 => Why::NotFound { status, refusal },
        408 => Why::RequestTimeout { refusal },
        429 => Why::TooManyRequests {
            retry_after: retry_after(headers),
        },
        501 => Why::NotOffered("this operation"),
        500..=599 => Why::ServerFault {
            status,
            refusal,
            retry_after: retry_after(headers),
        },
        _ => Why::UnexpectedStatus { status, refusal },
    }
}

/// `Retry-After: <seconds>`. A value beyond reason counts as the longest.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = value.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A page of events holds a hundred certificates.
const LONGEST_BODY: usize = 4 << 20;
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Seconds. As long is nothing asked for anew whose answer was lost.
const LONGEST_LIMIT: u32 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::ca::Nature;
    use reqwest::header::{HeaderValue, RETRY_AFTER};

    #[test]
    fn each_status_is_told_apart() {
        for (status, name, enrolling) in [
            (400, "Refused", Nature::Refused),
            (409, "Refused", Nature::Refused),
            (401, "NotPermitted", Nature::Settings),
            (403, "NotPermitted", Nature::Settings),
            (404, "NotFound", Nature::Refused),
            (408, "RequestTimeout", Nature::Unknown),
            (429, "TooManyRequests", Nature::NotNow(None)),
            (500, "ServerFault", Nature::Unknown),
            (501, "NotOffered", Nature::Refused),
            (503, "ServerFault", Nature::Unknown),
            (302, "UnexpectedStatus", Nature::Unknown),
        ] {
            let why = told(status, &HeaderMap::new(), Refusal::default());
            assert!(format!("{why:?}").starts_with(name), "{status}: {why:?}");
            let error = CaError {
                call: Call::Enrol,
                why,
            };
            assert_eq!(error.nature(), enrolling, "{status}");
        }
    }

    #[test]
    fn the_wait_asked_for_is_read_and_bounded() {
        for (value, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("99999999", Some(3600)),
            ("soon", None),
            ("-1", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            assert_eq!(
                retry_after(&headers),
                expected.map(Duration::from_secs),
                "{value}"
            );
        }
    }

    #[test]
    fn a_time_limit_is_one_to_three_hundred_seconds_or_the_usual_one() {
        let usual = Duration::from_secs(45);
        for (seconds, limit) in [(0, 45), (1, 1), (45, 45), (300, 300)] {
            let read = time_limit(seconds, usual).unwrap();
            assert_eq!(read, Duration::from_secs(limit), "{seconds}");
        }
        for seconds in [301, u32::MAX] {
            let error = time_limit(seconds, usual).unwrap_err();
            assert_eq!(error.field, "time_limit_s");
            assert_eq!(error.found, seconds.to_string());
            assert!(error.allowed.contains("1 to 300"), "{error}");
        }
    }

    #[test]
    fn what_goes_into_a_path_cannot_leave_it() {
        let base = Url::parse("https://ca.example/cagw/").unwrap();
        let url = below(&base, &["v1", "a/../b?c#d", "x~y"]);
        assert_eq!(
            url.as_str(),
            "https://ca.example/cagw/v1/a%2F..%2Fb%3Fc%23d/x~y"
        );
    }
}
