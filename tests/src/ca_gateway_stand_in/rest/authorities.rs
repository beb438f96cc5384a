//! "Get Instances".

use super::{super::server::Site, known};
use crate::ca_gateway_stand_in::refused::Refused;
use axum::{
    Json,
    extract::{Path, Query, State},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Fields {
    #[serde(rename = "$fields", default)]
    fields: String,
}

pub(super) async fn list(
    State(site): State<Arc<Site>>,
    Query(Fields { fields }): Query<Fields>,
) -> Json<Value> {
    let mut ca = described(&site);
    if fields.contains("caList.certificate.certificateData") {
        ca["certificate"] = data(site.authority.certificate());
    }
    let other = json!({
        "id": "ecsmcn158emsuw~other", "name": "ecsmcn158emsuw~other",
        "properties": { "connector-name": "com.entrust.ECS" }, "chain": [],
    });
    Json(json!({ "type": "CAListResponse", "caList": [other, ca] }))
}

pub(super) async fn one(
    State(site): State<Arc<Site>>,
    Path(ca): Path<String>,
    Query(Fields { fields }): Query<Fields>,
) -> Result<Json<Value>, Refused> {
    known(&site, &ca)?;
    let mut described = described(&site);
    // Left out unless asked for.
    for field in fields.split(',') {
        match field {
            "ca.certificate" => described["certificate"] = data(site.authority.certificate()),
            "ca.chain" => described["chain"] = json!([data(site.authority.root())]),
            _ => {}
        }
    }
    Ok(Json(json!({ "type": "CAResponse", "ca": described })))
}

fn described(site: &Site) -> Value {
    json!({
        "id": site.options.ca_id, "name": site.options.ca_id,
        "properties": {
            "connector-name": "com.entrust.PKIHub", "type": "PKIaaS Certificate Authority",
        },
    })
}

fn data(der: &[u8]) -> Value {
    json!({ "certificateData": BASE64.encode(der) })
}
