//! Enrolment with a PKCS#10.

use super::{Gateway, payload, refusal};
use crate::connector::ca::{
    CaError, Call, Enrolment, Previous, Reference, Why,
    http::{malformed, read},
};
use reqwest::Method;
use serde::Deserialize;

/// What came back.
pub(super) enum Answered {
    /// DER, not compared with anything yet.
    Certificate(Vec<u8>),
    Pending(Reference),
}

pub(super) async fn enrol(
    gateway: &Gateway,
    call: Call,
    enrolment: &Enrolment,
    previous: Option<&Previous>,
) -> Result<Answered, CaError> {
    let ca_id = gateway.ca_id(call)?;
    let body = payload::enrolment(enrolment, previous);
    let answer = gateway
        .send(
            call,
            Method::POST,
            &[ca_id, "enrollments"],
            None,
            Some(&body),
        )
        .await?;
    let expected = "an enrolment";
    let Enrollment { id, status, body } = read::<Response>(call, &answer, expected)?.enrollment;
    let status = status.unwrap_or_default();
    if REFUSED
        .iter()
        .any(|word| word.eq_ignore_ascii_case(&status))
    {
        let refusal = refusal::of_rejection(answer.body());
        for detail in &refusal.details {
            tracing::warn!(%call, status, %detail, "the CA rejects");
        }
        return Err(CaError {
            call,
            why: Why::Refused {
                status: 200,
                refusal,
            },
        });
    }
    match body.as_deref().map(str::trim) {
        // A 2xx without a certificate: somebody has to agree first.
        None | Some("") => Ok(Answered::Pending(Reference(id.unwrap_or_default()))),
        Some(text) => match payload::der(text) {
            Some(der) => Ok(Answered::Certificate(der)),
            None => {
                let found = "a body that is no base64";
                Err(malformed(call, &answer, expected, found))
            }
        },
    }
}

#[derive(Deserialize)]
struct Response {
    enrollment: Enrollment,
}

#[derive(Deserialize)]
struct Enrollment {
    id: Option<String>,
    status: Option<String>,
    body: Option<String>,
}

/// Behind a 2xx all the same.
const REFUSED: [&str; 3] = ["REJECTED", "FAILED", "DENIED"];
