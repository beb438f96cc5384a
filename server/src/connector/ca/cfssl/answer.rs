//! The envelope of every answer: `success`, `result`, `errors`.

use crate::connector::{
    Said,
    ca::{
        CaError, Call, Refusal, Why,
        http::{Answer, Http, malformed, read},
    },
};
use serde::Deserialize;
use serde_json::Value;

/// What an answer holds, if it says that it is a success.
pub(super) fn result<T: for<'de> Deserialize<'de>>(
    call: Call,
    http: &Http,
    answer: &Answer,
) -> Result<T, CaError> {
    let envelope: Envelope = read(call, answer, "an answer of cfssl")?;
    if !envelope.success {
        return Err(CaError {
            call,
            why: Why::Refused {
                status: 200,
                refusal: http.refusal(answer.body()),
            },
        });
    }
    serde_json::from_value(envelope.result)
        .map_err(|error| malformed(call, answer, "the result that is due", &error.to_string()))
}

/// Reads a refusal: the first error is the message, others are details.
pub(super) fn refusal(body: &[u8]) -> Option<Refusal> {
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    let mut errors = envelope.errors.into_iter().take(MOST);
    let first = errors.next()?;
    Some(Refusal {
        code: first.code.to_string(),
        message: Said::plain(first.message.as_bytes()),
        details: errors
            .map(|error| Said::plain(format!("{} {}", error.code, error.message).as_bytes()))
            .collect(),
    })
}

pub(super) fn no_certificate(found: &str, said: &str) -> Why {
    Why::Malformed {
        expected: "a certificate in PEM",
        found: Said::plain(found.as_bytes()).as_str().to_owned(),
        said: Said::plain(said.as_bytes()),
    }
}

#[derive(Deserialize)]
struct Envelope {
    success: bool,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    errors: Vec<Error>,
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_with_its_code() {
        let body = br#"{"success":false,"result":null,"messages":[],
            "errors":[{"code":9002,"message":"CSR Decode failed"},{"code":1,"message":"more"}]}"#;
        let refusal = refusal(body).unwrap();
        assert_eq!(refusal.code, "9002");
        assert_eq!(refusal.message.as_str(), "CSR Decode failed");
        assert_eq!(refusal.details, [Said::plain(b"1 more")]);
    }

    #[test]
    fn what_is_no_refusal_is_none() {
        for body in [
            b"".as_slice(),
            b"404 page not found",
            br#"{"success":true,"errors":[]}"#,
        ] {
            assert_eq!(refusal(body), None);
        }
    }
}
