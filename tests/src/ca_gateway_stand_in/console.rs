//! What the CA's administrator does and sees: agrees to what is pending, lists
//! what was issued. CA Gateway leaves that to the CA behind it.

use super::{refused::Refused, register::distinguished_name, server::Site};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn router(site: &Arc<Site>) -> Router {
    Router::new()
        .route("/console/certificates", get(certificates))
        .route("/console/pending", get(pending))
        .route("/console/pending/{id}/agree", post(agree))
        .route("/console/agreement-needed/{word}", put(set_agreement))
        .with_state(Arc::clone(site))
}

/// Gives out what is pending.
pub(super) fn agreed(site: &Site, id: &str) -> Result<String, Refused> {
    let mut register = site.register();
    let index = register
        .pending
        .iter()
        .position(|pending| pending.id == id)
        .ok_or_else(|| Refused::not_found("nothing is pending under this id"))?;
    let now = site.now();
    let order = register.pending.remove(index).order;
    let signed = site.sign(&order, now)?;
    register.add(&signed, distinguished_name(&order.subject), now);
    Ok(signed.serial)
}

async fn certificates(State(site): State<Arc<Site>>) -> Json<Value> {
    let register = site.register();
    let found: Vec<_> = register
        .certificates
        .iter()
        .map(|found| {
            json!({
                "serialNumber": found.signed.serial,
                "subjectName": found.subject,
                "status": found.state,
            })
        })
        .collect();
    Json(json!(found))
}

async fn pending(State(site): State<Arc<Site>>) -> Json<Value> {
    let register = site.register();
    let ids: Vec<_> = register
        .pending
        .iter()
        .map(|pending| pending.id.as_str())
        .collect();
    Json(json!(ids))
}

async fn agree(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let serial = agreed(&site, &id)?;
    Ok(Json(json!({ "serialNumber": serial })))
}

async fn set_agreement(
    State(site): State<Arc<Site>>,
    Path(word): Path<String>,
) -> Result<StatusCode, Refused> {
    site.register().agreement_needed = match word.as_str() {
        "on" => true,
        "off" => false,
        _ => return Err(Refused::bad_request("on or off")),
    };
    Ok(StatusCode::NO_CONTENT)
}
