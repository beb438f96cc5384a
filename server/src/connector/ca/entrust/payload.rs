//! The bodies that go to a gateway and come from it.
//!
//! **Unconfirmed** is how a user principal name is asked for ([`upn`]): Entrust
//! lists no `otherName` among its types of alternative names, and its model has
//! a member `der` beside type and value. A tenant may correct it here, and
//! nowhere else.

use crate::connector::ca::{
    AlternativeName, AlternativeNameKind, Enrolment, Issued, Reason, issued::UPN,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use x509_cert::{
    der::{Any, Encode as _, asn1::Utf8StringRef, oid::ObjectIdentifier},
    ext::pkix::name::{GeneralName, OtherName},
};

/// Body of the POST that enrols.
pub(super) fn enrolment(enrolment: &Enrolment, previous: Option<&Issued>) -> Value {
    let variables: Vec<_> = enrolment
        .subject
        .iter()
        .map(|attribute| json!({ "type": attribute.name, "value": attribute.value }))
        .collect();
    let names: Vec<_> = enrolment
        .alternative_names
        .iter()
        .map(alternative_name)
        .collect();
    let mut body = json!({
        "profileId": enrolment.profile,
        "requiredFormat": { "format": "X509" },
        "csr": BASE64.encode(enrolment.request.der()),
        "includeCa": false,
        "subjectVariables": variables,
        "subjectAltNames": names,
    });
    if let Some(days) = enrolment.days {
        body["optionalCertificateRequestDetails"] =
            json!({ "validityPeriod": format!("P{days}D") });
    }
    if let Some(previous) = previous {
        body["previousSubjectDn"] = json!(previous.subject());
    }
    body
}

/// What is done to a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Hold,
    Unhold,
    Revoke(Reason),
}

impl Action {
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Hold => "HoldAction",
            Self::Unhold => "UnholdAction",
            Self::Revoke(_) => "RevokeAction",
        }
    }

    /// Body of the POST.
    pub(super) fn body(self) -> Value {
        match self {
            Self::Hold | Self::Unhold => json!({
                "action": { "type": self.kind(), "reason": Reason::Unspecified.as_str() },
            }),
            // A string it is, not a boolean.
            Self::Revoke(reason) => json!({
                "action": { "type": self.kind(), "reason": reason.as_str(), "issueCrl": "true" },
            }),
        }
    }
}

fn alternative_name(name: &AlternativeName) -> Value {
    let kind = match name.kind {
        AlternativeNameKind::Upn => return upn(&name.value),
        AlternativeNameKind::Mail => "rfc822Name",
        AlternativeNameKind::Dns => "dNSName",
        AlternativeNameKind::Uri => "uniformResourceIdentifier",
    };
    json!({ "type": kind, "value": name.value })
}

/// **Unconfirmed**: the whole `GeneralName` in DER.
fn upn(value: &str) -> Value {
    let general_name = || -> Result<Vec<u8>, x509_cert::der::Error> {
        GeneralName::OtherName(OtherName {
            type_id: ObjectIdentifier::from_arcs(UPN.map(|arc| arc as u32))
                .map_err(|_| x509_cert::der::ErrorKind::Failed)?,
            value: Any::encode_from(&Utf8StringRef::new(value)?)?,
        })
        .to_der()
    };
    // An empty member would be refused by the CA with its own words.
    let der = general_name().map_or_else(|_| String::new(), |der| BASE64.encode(der));
    json!({ "type": OTHER_NAME, "value": value, "der": der })
}

/// The kind of alternative name that a requirement of a profile means.
pub(super) fn kind(text: &str) -> Option<AlternativeNameKind> {
    Some(match text {
        "rfc822Name" => AlternativeNameKind::Mail,
        "dNSName" => AlternativeNameKind::Dns,
        "uniformResourceIdentifier" => AlternativeNameKind::Uri,
        OTHER_NAME => AlternativeNameKind::Upn,
        _ => return None,
    })
}

/// Base64 of DER, as the gateway writes certificates; line breaks are allowed.
pub(super) fn der(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_ascii_whitespace().collect();
    if compact.is_empty() {
        return None;
    }
    BASE64.decode(compact).ok()
}

const OTHER_NAME: &str = "otherName";
