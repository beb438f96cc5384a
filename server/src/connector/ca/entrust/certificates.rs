//! One certificate: its state, and actions on it.

use super::{Gateway, payload::Action};
use crate::connector::ca::{
    Acted, CaError, Call, CertificateStatus, Serial, Why,
    http::{malformed, read},
};
use reqwest::Method;
use serde::Deserialize;

pub(super) async fn status(
    gateway: &Gateway,
    serial: &Serial,
) -> Result<CertificateStatus, CaError> {
    let call = Call::Status;
    let ca_id = gateway.ca_id(call)?;
    let hex = serial.to_string();
    let answer = gateway
        .send(
            call,
            Method::GET,
            &[ca_id, "certificates", &hex],
            None,
            None,
        )
        .await?;
    let found: Response = read(call, &answer, "a certificate")?;
    if let Some(text) = &found.certificate.serial_number {
        same_serial(call, serial, text)?;
    }
    let word = found.certificate.status.unwrap_or_default();
    Ok(match word.to_ascii_lowercase().as_str() {
        "normal" => CertificateStatus::Good,
        "held" => CertificateStatus::Held,
        "revoked" => CertificateStatus::Revoked,
        "expired" => CertificateStatus::Expired,
        _ => CertificateStatus::Other(word),
    })
}

pub(super) async fn act(
    gateway: &Gateway,
    call: Call,
    serial: &Serial,
    action: Action,
) -> Result<Acted, CaError> {
    let ca_id = gateway.ca_id(call)?;
    let hex = serial.to_string();
    let path = [ca_id, "certificates", &hex, "actions"];
    let answer = gateway
        .send(call, Method::POST, &path, None, Some(&action.body()))
        .await?;
    let response: ActionResponse = read(call, &answer, "an action")?;
    let done = response.action;
    if done.kind != action.kind() {
        return Err(CaError {
            call,
            why: Why::WrongObject {
                field: "action",
                expected: action.kind().to_owned(),
                found: done.kind,
            },
        });
    }
    match done.status.as_str() {
        "COMPLETED" => Ok(Acted::Done),
        "ACCEPTED" => Ok(Acted::Accepted),
        // Behind a 2xx all the same.
        "REJECTED" => Err(CaError {
            call,
            why: Why::Refused {
                status: 200,
                refusal: gateway.http.refusal(answer.body()),
            },
        }),
        other => Err(malformed(
            call,
            &answer,
            "COMPLETED, ACCEPTED or REJECTED",
            other,
        )),
    }
}

fn same_serial(call: Call, expected: &Serial, found: &str) -> Result<(), CaError> {
    if Serial::from_hex(found).as_ref() == Some(expected) {
        return Ok(());
    }
    Err(CaError {
        call,
        why: Why::WrongObject {
            field: "serialNumber",
            expected: expected.to_string(),
            found: found.to_owned(),
        },
    })
}

#[derive(Deserialize)]
struct Response {
    certificate: Certificate,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    /// Absent behind CAs of one kind.
    status: Option<String>,
    serial_number: Option<String>,
}

#[derive(Deserialize)]
struct ActionResponse {
    action: Done,
}

#[derive(Deserialize)]
struct Done {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}
