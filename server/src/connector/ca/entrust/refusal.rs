//! `ErrorResponse`: a code, a message for everybody, details for the
//! administrator.

use crate::connector::{Said, ca::Refusal};
use serde::Deserialize;
use serde_json::Value;

/// Reads an error, if it is one: with a status that says so, or behind a 2xx.
pub(super) fn parse(body: &[u8]) -> Option<Refusal> {
    let response: Response = serde_json::from_slice(body).ok()?;
    let error = response.error?;
    Some(Refusal {
        code: Said::plain(error.code.unwrap_or_default().as_bytes())
            .as_str()
            .to_owned(),
        message: Said::plain(error.message.unwrap_or_default().as_bytes()),
        details: error
            .details
            .unwrap_or_default()
            .into_iter()
            .take(MOST)
            .filter_map(|detail| detail.message)
            .map(|message| Said::plain(message.as_bytes()))
            .collect(),
    })
}

/// Reads why an enrolment was rejected behind a 2xx: it has a message and no
/// error. Of what has another form nothing is told, because it may be of the inside.
pub(super) fn of_rejection(body: &[u8]) -> Refusal {
    let rejection: Rejection = serde_json::from_slice(body).unwrap_or_default();
    let message = rejection.message.unwrap_or_default();
    Refusal {
        code: String::new(),
        message: Said::plain(message.message.unwrap_or_default().as_bytes()),
        details: message
            .details
            .iter()
            .take(MOST)
            .map(|detail| match detail.get("message").unwrap_or(detail) {
                Value::String(text) => Said::plain(text.as_bytes()),
                other => Said::plain(other.to_string().as_bytes()),
            })
            .collect(),
    }
}

#[derive(Default, Deserialize)]
struct Rejection {
    message: Option<Message>,
}

#[derive(Default, Deserialize)]
struct Message {
    message: Option<String>,
    #[serde(default)]
    details: Vec<Value>,
}

#[derive(Deserialize)]
struct Response {
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: Option<String>,
    message: Option<String>,
    details: Option<Vec<Detail>>,
}

#[derive(Deserialize)]
struct Detail {
    message: Option<String>,
}

const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_message_and_details_are_read() {
        let body = br#"{"type":"ErrorResponse","error":{"code":"cagw-4018",
            "message":"CA with specified name not found","target":"","value":"",
            "details":[{"message":"inside"},{}],"additionalProperties":{"exceptionClass":"X"}}}"#;
        let refusal = parse(body).unwrap();
        assert_eq!(refusal.code, "cagw-4018");
        assert_eq!(refusal.message.as_str(), "CA with specified name not found");
        assert_eq!(refusal.details, [Said::plain(b"inside")]);
    }

    #[test]
    fn a_rejection_has_its_message_and_its_details_apart() {
        let body = br#"{"type":"EnrollmentResponse","message":{"message":"Not this user",
            "details":[{"message":"com.entrust.inside"},"line 7",{"at":1}]},
            "enrollment":{"id":"7","status":"REJECTED"}}"#;
        let refusal = of_rejection(body);
        assert_eq!(refusal.message.as_str(), "Not this user");
        let details: Vec<_> = refusal.details.iter().map(Said::as_str).collect();
        assert_eq!(details, ["com.entrust.inside", "line 7", r#"{"at":1}"#]);
        assert_eq!(refusal.to_string(), "\"Not this user\"");
    }

    #[test]
    fn a_rejection_of_another_form_tells_nothing() {
        for body in [
            b"".as_slice(),
            br#"{"enrollment":{"status":"FAILED","body":"inside"}}"#,
            br#"{"message":"inside"}"#,
            br#"{"message":{"details":"inside"}}"#,
        ] {
            assert_eq!(of_rejection(body), Refusal::default());
        }
    }

    #[test]
    fn what_is_no_error_is_none() {
        for body in [
            b"".as_slice(),
            b"<html>",
            b"{}",
            br#"{"enrollment":{}}"#,
            br#"{"error":"text"}"#,
        ] {
            assert_eq!(parse(body), None);
        }
    }
}
