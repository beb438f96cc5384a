//! Users.

use super::{check_id, json, page::Paging};
use crate::sta_stand_in::{
    answer::Refused,
    server::Site,
    tenant::{Tenant, User},
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
        .route("/users", get(list).post(create))
        .route("/users/{user}", get(show).patch(update).delete(delete))
}

/// Whether the path holds an id or a user name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    is_uid: Option<bool>,
}

fn find<'t>(tenant: &'t Tenant, user: &str, kind: &Kind) -> Result<&'t User, Refused> {
    match kind.is_uid {
        Some(true) => {
            check_id(user)?;
            tenant.user(user)
        }
        Some(false) => tenant.user_by_name(user),
        None => Err(Refused::bad_request(
            "isUid must say whether the path holds an id",
        )),
    }
}

async fn list(
    State(site): State<Arc<Site>>,
    Query(paging): Query<Paging>,
) -> Result<Json<Value>, Refused> {
    let url = format!("{}{}/users", site.url(), site.rest_path());
    let tenant = site.tenant();
    paging
        .page(tenant.users().map(User::to_json), &url)
        .map(Json)
}

async fn create(
    State(site): State<Arc<Site>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let user = User::create(&json(&body)?)?;
    let mut tenant = site.tenant();
    let created = tenant.create_user(user)?;
    Ok((StatusCode::CREATED, Json(created.to_json())))
}

async fn show(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
    Query(kind): Query<Kind>,
) -> Result<Json<Value>, Refused> {
    find(&site.tenant(), &user, &kind).map(|user| Json(user.to_json()))
}

async fn update(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
    Query(kind): Query<Kind>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let mut tenant = site.tenant();
    let changed = find(&tenant, &user, &kind)?.changed(&json(&body)?)?;
    tenant
        .replace_user(changed)
        .map(|user| Json(user.to_json()))
}

async fn delete(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
) -> Result<StatusCode, Refused> {
    check_id(&user)?;
    site.tenant().delete_user(&user)?;
    Ok(StatusCode::NO_CONTENT)
}
