//! The CAs behind a gateway.

use super::{Gateway, payload};
use crate::connector::ca::{
    Authority, CaError, Call, Why, WrongCertificate,
    chain::ordered,
    http::{malformed, read},
    issued::subject_of,
};
use reqwest::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) async fn list(gateway: &Gateway, call: Call) -> Result<Vec<Authority>, CaError> {
    let query = "%24fields=caList.certificate.certificateData";
    let answer = gateway
        .send(call, Method::GET, &[], Some(query), None)
        .await?;
    let list: List = read(call, &answer, "a list of certification authorities")?;
    Ok(list
        .ca_list
        .into_iter()
        .map(|ca| Authority {
            subject: ca
                .certificate
                .and_then(|certificate| payload::der(&certificate.certificate_data?))
                .map_or_else(String::new, |der| subject_of(&der)),
            product: ca
                .properties
                .get("connector-name")
                .and_then(|name| name.as_str())
                .unwrap_or_default()
                .to_owned(),
            name: ca.name.unwrap_or_default(),
            id: ca.id,
        })
        .collect())
}

/// The certificate of the chosen CA and those above it. They are left out of
/// the answer unless they are asked for.
pub(super) async fn chain(gateway: &Gateway, call: Call) -> Result<Vec<Vec<u8>>, CaError> {
    let ca_id = gateway.ca_id(call)?;
    let query = "%24fields=ca.certificate,ca.chain";
    let answer = gateway
        .send(call, Method::GET, &[ca_id], Some(query), None)
        .await?;
    let expected = "a certification authority with its chain";
    let one: One = read(call, &answer, expected)?;
    let der = |certificate: &CertificateData| {
        let text = certificate.certificate_data.as_deref().unwrap_or_default();
        payload::der(text)
            .ok_or_else(|| malformed(call, &answer, expected, "a certificate that is no base64"))
    };
    let own = one.ca.certificate.as_ref().ok_or(CaError {
        call,
        why: Why::WrongCertificate(WrongCertificate::NoAuthority),
    })?;
    let above = one
        .ca
        .chain
        .unwrap_or_default()
        .iter()
        .map(der)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(ordered(&der(own)?, &above))
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "caList")]
    ca_list: Vec<Ca>,
}

#[derive(Deserialize)]
struct One {
    ca: CaOfChain,
}

#[derive(Deserialize)]
struct Ca {
    id: String,
    name: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, serde_json::Value>,
    certificate: Option<CertificateData>,
}

#[derive(Deserialize)]
struct CaOfChain {
    certificate: Option<CertificateData>,
    chain: Option<Vec<CertificateData>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateData {
    certificate_data: Option<String>,
}
