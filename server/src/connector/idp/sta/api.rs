//! One request to STA: headers, limits, and what each status means.
//!
//! REST API for STA, sections on authentication, diagnostics and rate limits;
//! the statuses are those that Thales's own connector tells apart.

#[cfg(test)]
mod tests;

use crate::connector::{
    ApiKey, Said, SettingError, https,
    idp::{Call, IdpError, Why},
};
use reqwest::{
    Client, Method, Response, Url,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    error::Error as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The tenant's address and our key to it.
pub(super) struct Api {
    client: Client,
    base: Url,
    key: ApiKey,
    limit: Duration,
    /// Set by a 429: until then STA wants no request from us, whoever asks.
    quiet_until: Mutex<Option<Instant>>,
}

/// A 2xx with its body.
#[derive(Debug)]
pub(super) struct Answer {
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }
}

impl Api {
    pub(super) fn new(
        base: Url,
        key: ApiKey,
        trusted_roots: &str,
        limit: Duration,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            client: https::client(trusted_roots, limit)?,
            base,
            key,
            limit,
            quiet_until: Mutex::default(),
        })
    }

    /// The address below the tenant's; each segment is escaped.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Sends one request, once.
    pub(super) async fn send(
        &self,
        call: Call,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Answer, IdpError> {
        let failed = |why| IdpError { call, why };
        self.check_quiet().map_err(failed)?;

        let mut request = self
            .client
            .request(method, url)
            .header("apikey", self.key.header())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            // Base64 ids may hold '/' and '+'; hexadecimal ones are safe in a path.
            .header("Object-Id-Format", HeaderValue::from_static("hex"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let started = Instant::now();
        let response = request
            .send()
            .await
            .map_err(|error| failed(self.no_answer(error)))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = self.body(response).await;
        tracing::debug!(%call, status = status.as_u16(), elapsed = ?started.elapsed(), "STA answered");

        if status.is_success() {
            return Ok(Answer {
                body: body.map_err(failed)?,
            });
        }
        // The status tells enough where the body is lost.
        let said = Said::new(&body.unwrap_or_default(), &self.key);
        let why = refusal(status.as_u16(), &headers, said);
        if let Why::TooManyRequests {
            retry_after: Some(wait),
        } = why
        {
            *self.quiet() = Some(Instant::now() + wait);
        }
        Err(failed(why))
    }

    /// Reads an answer's JSON; `expected` is a noun phrase.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        call: Call,
        answer: &Answer,
        expected: &'static str,
    ) -> Result<T, IdpError> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| self.malformed(call, answer, expected, &error.to_string()))
    }

    pub(super) fn malformed(
        &self,
        call: Call,
        answer: &Answer,
        expected: &'static str,
        found: &str,
    ) -> IdpError {
        IdpError {
            call,
            why: Why::Malformed {
                expected,
                // Parsers quote what they choke on.
                found: Said::new(found.as_bytes(), &self.key).as_str().to_owned(),
                said: Said::new(&answer.body, &self.key),
            },
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Why> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.no_answer(error))?
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

    fn no_answer(&self, error: reqwest::Error) -> Why {
        // The address holds a user's name and says nothing new.
        let error = error.without_url();
        if error.is_connect() {
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

fn refusal(status: u16, headers: &HeaderMap, said: Said) -> Why {
    match status {
        400 | 405 | 406 => Why::BadRequest { status, said },
        401 | 402 | 403 | 407 => Why::NotPermitted { status, said },
        404 | 410 => Why::NotFound { status, said },
        408 => Why::RequestTimeout { said },
        409 => Why::Exists { said },
        412 => Why::PreconditionFailed { said },
        429 => Why::TooManyRequests {
            retry_after: rate_limit_reset(headers),
        },
        500..=599 => Why::ServerFault { status, said },
        _ => Why::UnexpectedStatus { status, said },
    }
}

/// `RateLimit-Reset: <seconds>`. A value beyond reason counts as the longest.
fn rate_limit_reset(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get("RateLimit-Reset")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
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

const LONGEST_BODY: usize = 1 << 20;
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
