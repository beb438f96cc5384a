//! Enrolment with a PKCS#10.

use super::{super::server::Site, known, profiles};
use crate::ca_gateway_stand_in::{
    authority::{Order, Signed, alternative_name, public_key},
    refused::Refused,
    register::{Pending, distinguished_name},
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Members that are documented, and no others: a misspelt one is a mistake.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    profile_id: String,
    required_format: RequiredFormat,
    csr: String,
    #[serde(default)]
    include_ca: bool,
    #[serde(default)]
    subject_variables: Vec<Variable>,
    #[serde(default)]
    subject_alt_names: Vec<AlternativeName>,
    optional_certificate_request_details: Option<Details>,
    previous_subject_dn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequiredFormat {
    format: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlternativeName {
    #[serde(rename = "type")]
    kind: String,
    value: String,
    der: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Details {
    validity_period: Option<String>,
}

pub(super) async fn enrol(
    State(site): State<Arc<Site>>,
    Path(ca): Path<String>,
    body: Bytes,
) -> Result<Response, Refused> {
    known(&site, &ca)?;
    let body: Body =
        serde_json::from_slice(&body).map_err(|error| Refused::bad_request(error.to_string()))?;
    let order = order(&body)?;
    let subject = distinguished_name(&order.subject);
    let mut register = site.register();
    if let Some(previous) = &body.previous_subject_dn {
        if !register.knows_subject(previous) {
            let refused = Refused::bad_request("The previous subject is not known");
            return Err(refused.detail(previous.clone()));
        }
        site.remember_previous(previous);
    }
    let id = register.next_id();
    if register.agreement_needed {
        register.pending.push(Pending {
            id: id.clone(),
            order,
        });
        let answer = json!({
            "type": "EnrollmentResponse",
            "message": { "message": "The enrolment waits for approval", "details": [] },
            "enrollment": { "id": id, "status": "ACCEPTED", "subjectName": subject },
        });
        return Ok((StatusCode::CREATED, Json(answer)).into_response());
    }
    let now = site.now();
    let signed = site.sign(&order, now)?;
    register.add(&signed, subject.clone(), now);
    let chain = match body.include_ca {
        true => vec![json!({ "certificateData": BASE64.encode(site.authority.certificate()) })],
        false => Vec::new(),
    };
    Ok(Json(issued(&id, &subject, &signed, &chain)).into_response())
}

fn issued(id: &str, subject: &str, signed: &Signed, chain: &[Value]) -> Value {
    json!({
        "type": "EnrollmentResponse",
        "message": { "message": "", "details": [] },
        "enrollment": {
            "id": id, "serialNumber": signed.serial, "subjectName": subject,
            "issuerName": "CN=Issuing CA,O=Stand-in", "status": "ISSUED",
            "body": BASE64.encode(&signed.der), "chain": chain,
        },
    })
}

fn order(body: &Body) -> Result<Order, Refused> {
    let profile = profiles::by_id(&body.profile_id)?;
    if body.required_format.format != "X509" {
        return Err(Refused::bad_request("This format is not stood in for"));
    }
    let request = BASE64
        .decode(&body.csr)
        .map_err(|_| Refused::bad_request("csr is no base64 of DER"))?;
    let public_key = public_key(&request)
        .map_err(|error| Refused::bad_request("csr cannot be used").detail(error.to_string()))?;
    let subject: Vec<_> = body
        .subject_variables
        .iter()
        .map(|variable| (variable.kind.clone(), variable.value.clone()))
        .collect();
    for (name, required) in profile.variables {
        if *required
            && !subject
                .iter()
                .any(|(kind, _)| kind.eq_ignore_ascii_case(name))
        {
            let refused = Refused::bad_request("A subject variable is missing");
            return Err(refused.detail((*name).to_owned()));
        }
    }
    for (kind, required) in profile.names {
        if *required && !body.subject_alt_names.iter().any(|name| name.kind == *kind) {
            let refused = Refused::bad_request("A subject alternative name is missing");
            return Err(refused.detail((*kind).to_owned()));
        }
    }
    let alternative_names = body
        .subject_alt_names
        .iter()
        .map(|name| {
            let der = name.der.as_deref().map(|der| BASE64.decode(der));
            let der = der.transpose()?;
            alternative_name(&name.kind, &name.value, der.as_deref())
        })
        .collect::<anyhow::Result<_>>()
        .map_err(|error| {
            Refused::bad_request("An alternative name cannot be used").detail(error.to_string())
        })?;
    let details = body.optional_certificate_request_details.as_ref();
    Ok(Order {
        public_key,
        subject,
        alternative_names,
        days: match details.and_then(|details| details.validity_period.as_deref()) {
            None => profile.days,
            Some(period) => days(period)
                .filter(|days| (1..=profile.days).contains(days))
                .ok_or_else(|| {
                    Refused::bad_request("The validity period is not allowed by the profile")
                })?,
        },
    })
}

/// `P365D`. ISO 8601 knows more; our connector writes this.
fn days(period: &str) -> Option<u32> {
    period.strip_prefix('P')?.strip_suffix('D')?.parse().ok()
}
