//! What `sign` and `authsign` are asked.

use crate::connector::ca::{
    AlternativeNameKind, Enrolment, FieldName, ProfileField, SubjectAttribute, Why,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Body of `sign`.
pub(super) fn request(enrolment: &Enrolment, label: &str) -> Result<Value, Why> {
    if enrolment.days.is_some() {
        return Err(Why::NotOffered(
            "another length of life than that of its profile",
        ));
    }
    let mut hosts = Vec::new();
    for name in &enrolment.alternative_names {
        match name.kind {
            AlternativeNameKind::Mail | AlternativeNameKind::Dns => hosts.push(name.value.as_str()),
            // It leaves a user principal name out, and takes an address for a host.
            AlternativeNameKind::Upn => {
                return Err(Why::NotOffered("a user principal name in a certificate"));
            }
            AlternativeNameKind::Uri => {
                return Err(Why::NotOffered("an address in a certificate"));
            }
        }
    }
    Ok(json!({
        "certificate_request": pem(enrolment.request.der()),
        "profile": enrolment.profile,
        "label": label,
        "hosts": hosts,
        "subject": subject(&enrolment.subject)?,
    }))
}

/// Body of `authsign`: the request, and its HMAC under the shared key.
pub(super) fn authenticated(request: &Value, key: &Zeroizing<Vec<u8>>) -> Value {
    let request = request.to_string();
    let token = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(request.as_bytes());
            mac.finalize().into_bytes()
        }
        Err(_) => unreachable!("HMAC takes keys of every length"),
    };
    json!({ "token": BASE64.encode(token), "request": BASE64.encode(request) })
}

/// What every profile takes.
pub(super) fn fields() -> Vec<ProfileField> {
    let field = |name, required| ProfileField { name, required };
    let mut fields = vec![field(FieldName::Subject("cn".to_owned()), true)];
    fields.extend(NAMES.map(|name| field(FieldName::Subject(name.to_lowercase()), false)));
    for kind in [AlternativeNameKind::Mail, AlternativeNameKind::Dns] {
        fields.push(field(FieldName::AlternativeName(kind), false));
    }
    fields
}

fn subject(attributes: &[SubjectAttribute]) -> Result<Value, Why> {
    let mut cn = None;
    let mut names = Vec::new();
    for attribute in attributes {
        let name = attribute.name.to_ascii_uppercase();
        if name == "CN" && cn.is_none() {
            cn = Some(attribute.value.as_str());
        } else if NAMES.contains(&name.as_str()) {
            names.push(Value::Object(Map::from_iter([(
                name,
                Value::String(attribute.value.clone()),
            )])));
        } else {
            return Err(Why::Unusable {
                field: "subject",
                found: attribute.to_string(),
                allowed: "one cn, and c, st, l, o, ou".to_owned(),
            });
        }
    }
    Ok(json!({ "CN": cn.unwrap_or_default(), "names": names }))
}

fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE REQUEST-----\n".to_owned();
    for (index, character) in BASE64.encode(der).chars().enumerate() {
        if index > 0 && index.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END CERTIFICATE REQUEST-----\n");
    text
}

const NAMES: [&str; 5] = ["C", "ST", "L", "O", "OU"];
