//! The bodies that go to a gateway and come from it.
//!
//! **Unconfirmed** is how a user principal name is asked for ([`upn`]): Entrust
//! lists no `otherName` among its types of alternative names, and its model has
//! a member `der` beside type and value. A tenant may correct it here, and
//! nowhere else.

use crate::connector::ca::{AlternativeName, AlternativeNameKind, Enrolment, Previous, Reason};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use x509_cert::{
    der::{Any, Encode as _, asn1::Utf8StringRef, oid::ObjectIdentifier},
    ext::pkix::name::{GeneralName, OtherName},
};

/// Body of the POST that enrols.
pub(super) fn enrolment(enrolment: &Enrolment, previous: Option<&Previous>) -> Value {
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
        body["previousSubjectDn"] = json!(previous.subject);
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
            type_id: PRINCIPAL_NAME,
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

/// `szOID_NT_PRINCIPAL_NAME`
const PRINCIPAL_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
const OTHER_NAME: &str = "otherName";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::ca::{CertificationRequest, SubjectAttribute};
    use rcgen::{CertificateParams, KeyPair};

    fn wanted() -> Enrolment {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        let name = |kind, value: &str| AlternativeName {
            kind,
            value: value.to_owned(),
        };
        Enrolment {
            request_id: "1".to_owned(),
            profile: "SMIME-csr".to_owned(),
            request: CertificationRequest::verify(request.der()).unwrap(),
            subject: vec![SubjectAttribute {
                name: "cn".to_owned(),
                value: "Bob Smith".to_owned(),
            }],
            alternative_names: vec![
                name(AlternativeNameKind::Mail, "bob@acme.example"),
                name(AlternativeNameKind::Dns, "acme.example"),
                name(AlternativeNameKind::Uri, "urn:x"),
                name(AlternativeNameKind::Upn, "bob@ad.example"),
            ],
            days: Some(365),
            asked_at: "2026-11-01T00:00:00Z".parse().unwrap(),
            known: Vec::new(),
        }
    }

    #[test]
    fn an_enrolment_is_written_as_the_vendors_clients_write_it() {
        let wanted = wanted();
        let body = enrolment(&wanted, None);
        // [0] { szOID_NT_PRINCIPAL_NAME, [0] { UTF8String } }
        let upn = "oB4GCisGAQQBgjcUAgOgEAwOYm9iQGFkLmV4YW1wbGU=";
        assert_eq!(body["profileId"], "SMIME-csr");
        assert_eq!(body["requiredFormat"], json!({ "format": "X509" }));
        assert_eq!(body["csr"], BASE64.encode(wanted.request.der()));
        assert_eq!(body["includeCa"], false);
        assert_eq!(
            body["subjectVariables"],
            json!([{ "type": "cn", "value": "Bob Smith" }])
        );
        assert_eq!(
            body["subjectAltNames"][0],
            json!({ "type": "rfc822Name", "value": "bob@acme.example" })
        );
        assert_eq!(body["subjectAltNames"][1]["type"], "dNSName");
        assert_eq!(
            body["subjectAltNames"][2]["type"],
            "uniformResourceIdentifier"
        );
        assert_eq!(body["subjectAltNames"][3]["der"], upn);
        assert_eq!(
            body["optionalCertificateRequestDetails"],
            json!({ "validityPeriod": "P365D" })
        );
        assert!(body.get("previousSubjectDn").is_none());
    }

    #[test]
    fn a_life_that_is_left_to_the_profile_is_not_mentioned() {
        let body = enrolment(
            &Enrolment {
                days: None,
                ..wanted()
            },
            None,
        );
        assert!(body.get("optionalCertificateRequestDetails").is_none());
    }

    #[test]
    fn an_action_is_written_as_the_vendors_clients_write_it() {
        assert_eq!(
            Action::Revoke(Reason::KeyCompromise).body(),
            json!({ "action": { "type": "RevokeAction", "reason": "keyCompromise", "issueCrl": "true" } })
        );
        assert_eq!(
            Action::Hold.body(),
            json!({ "action": { "type": "HoldAction", "reason": "unspecified" } })
        );
        assert_eq!(Action::Unhold.body()["action"]["type"], "UnholdAction");
    }

    #[test]
    fn base64_of_a_certificate_may_be_broken_into_lines() {
        assert_eq!(der("MAMC\r\nAQA=\n"), Some(vec![0x30, 3, 2, 1, 0]));
        for text in ["", " \n", "*", "MAMCAQA"] {
            assert_eq!(der(text), None, "{text:?}");
        }
    }
}
