//! `ErrorResponse`: a code, a message for everybody, details for the
//! administrator.

use crate::connector::{Said, ca::Refusal};
use serde::Deserialize;

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
