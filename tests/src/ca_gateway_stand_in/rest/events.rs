//! Events of certificates, page by page.

use super::{super::server::Site, known};
use crate::ca_gateway_stand_in::refused::Refused;
use axum::{
    Json,
    extract::{Path, Query, State},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    preferred_page_size: usize,
    start_date: Timestamp,
    next_page_index: Option<String>,
}

pub(super) async fn list(
    State(site): State<Arc<Site>>,
    Path(ca): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refused> {
    known(&site, &ca)?;
    let begin = match &asked.next_page_index {
        None => 0,
        Some(index) => index
            .strip_prefix(MARK)
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Refused::bad_request("nextPageIndex is not one of ours"))?,
    };
    let size = asked.preferred_page_size.clamp(1, site.options.page_size);
    let register = site.register();
    let all: Vec<_> = register
        .events
        .iter()
        .filter(|event| event.at >= asked.start_date)
        .collect();
    let page: Vec<_> = all
        .iter()
        .skip(begin)
        .take(size)
        .map(|event| {
            json!({
                "action": event.action,
                "eventDate": event.at.to_string(),
                "serialNumber": event.serial,
                "certificate": BASE64.encode(&event.certificate),
                "reason": event.reason,
            })
        })
        .collect();
    let next = begin + page.len();
    let more = next < all.len();
    Ok(Json(json!({
        "type": "CertificateEventsResponse",
        "events": page,
        "morePages": more,
        "nextPageIndex": more.then(|| format!("{MARK}{next}")),
    })))
}

/// With characters that mean something in an address.
const MARK: &str = "a+b/c=&d#";
