//! One certificate, and actions on it.

use super::{super::server::Site, known};
use crate::ca_gateway_stand_in::{refused::Refused, register::State as CertificateState};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    action: Action,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    #[serde(default)]
    comment: String,
    /// A string it is, not a boolean.
    #[serde(default)]
    issue_crl: Option<String>,
}

pub(super) async fn one(
    State(site): State<Arc<Site>>,
    Path((ca, serial)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    known(&site, &ca)?;
    let register = site.register();
    let found = register.certificate(&serial).ok_or_else(unknown)?;
    Ok(Json(json!({
        "type": "CertificateResponse",
        "certificate": {
            "status": found.state,
            "versionNumber": "3",
            "serialNumber": found.signed.serial,
            "subjectName": found.subject,
            "certificateData": BASE64.encode(&found.signed.der),
        },
        "chain": [],
    })))
}

pub(super) async fn act(
    State(site): State<Arc<Site>>,
    Path((ca, serial)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    known(&site, &ca)?;
    let Body { action } =
        serde_json::from_slice(&body).map_err(|error| Refused::bad_request(error.to_string()))?;
    if !REASONS.contains(&action.reason.as_str()) {
        return Err(Refused::bad_request("The reason is not known").detail(action.reason));
    }
    if !matches!(action.issue_crl.as_deref(), None | Some("true" | "false")) {
        return Err(Refused::bad_request("issueCrl is \"true\" or \"false\""));
    }
    let wanted = match action.kind.as_str() {
        "RevokeAction" => CertificateState::Revoked,
        "HoldAction" => CertificateState::Held,
        "UnholdAction" => CertificateState::Normal,
        other => {
            return Err(Refused::bad_request("The action is not known").detail(other));
        }
    };
    let mut register = site.register();
    let state = register.certificate(&serial).ok_or_else(unknown)?.state;
    let allowed = state != CertificateState::Revoked || wanted == CertificateState::Revoked;
    if allowed && state != wanted {
        register.set_state(&serial, wanted, &action.reason, site.now());
    }
    let status = if allowed { "COMPLETED" } else { "REJECTED" };
    Ok(Json(answer(
        &action.kind,
        &action.reason,
        &action.comment,
        status,
    )))
}

pub(in super::super) fn answer(kind: &str, reason: &str, comment: &str, status: &str) -> Value {
    json!({
        "type": "ActionResponse",
        "action": {
            "type": kind,
            "id": uuid::Uuid::new_v4().to_string(),
            "properties": {},
            "comment": comment,
            "status": status,
            "succeedIfAlreadyInRequestedState": true,
            "reason": reason,
        },
    })
}

fn unknown() -> Refused {
    Refused::not_found("Certificate with specified serial number not found")
}

const REASONS: [&str; 8] = [
    "unspecified",
    "keyCompromise",
    "caCompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
];
