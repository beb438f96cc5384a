//! Authenticator management: for a CMS that keeps the keys.

use super::{check_id, import, json, page::Paging};
use crate::sta_stand_in::{
    AuthenticatorState, answer::Refused, server::Site, tenant::Authenticator,
};
use axum::http::StatusCode;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<Site>> {
    Router::new()
        .route("/users/{user}/authenticators", get(list).post(add))
        .route(
            "/users/{user}/authenticators/{id}",
            get(show).patch(update).delete(delete),
        )
}

async fn list(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Json<Value>, Refused> {
    check_id(&user)?;
    let url = format!(
        "{}{}/users/{user}/authenticators",
        site.url(),
        site.rest_path()
    );
    let tenant = site.tenant();
    let found = tenant.user(&user)?.authenticators().iter();
    paging
        .page(found.map(Authenticator::to_json), &url)
        .map(Json)
}

async fn add(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    check_id(&user)?;
    let import = import::read(&json(&body)?, &site.options)?;
    let mut tenant = site.tenant();
    let imported = tenant.import(&user, import.friendly_name, import.registration)?;
    Ok((StatusCode::CREATED, Json(imported.to_json())))
}

async fn show(
    State(site): State<Arc<Site>>,
    Path((user, id)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    check_id(&user)?;
    check_id(&id)?;
    let tenant = site.tenant();
    Ok(Json(tenant.user(&user)?.authenticator(&id)?.to_json()))
}

/// Friendly name, state, or both; all or nothing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    friendly_name: Option<String>,
    state: Option<AuthenticatorState>,
}

async fn update(
    State(site): State<Arc<Site>>,
    Path((user, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    check_id(&user)?;
    check_id(&id)?;
    let update: Update = serde_json::from_value(json(&body)?)
        .map_err(|error| Refused::bad_request(error.to_string()))?;
    let mut tenant = site.tenant();
    if let Some(name) = &update.friendly_name {
        // Tried on a copy first: the state may be refused yet.
        tenant
            .user(&user)?
            .authenticator(&id)?
            .clone()
            .rename(name)?;
    }
    if let Some(state) = update.state {
        tenant.set_state(&user, &id, state)?;
    }
    let authenticator = tenant.user_mut(&user)?.authenticator_mut(&id)?;
    if let Some(name) = &update.friendly_name {
        authenticator.rename(name)?;
    }
    Ok(Json(authenticator.to_json()))
}

async fn delete(
    State(site): State<Arc<Site>>,
    Path((user, id)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    check_id(&user)?;
    check_id(&id)?;
    site.tenant().delete_authenticator(&user, &id)?;
    Ok(StatusCode::NO_CONTENT)
}
