//! What STA's administrator does and sees in the Access Management console. The
//! paths are our own.

use super::{AuditEntry, answer::Refused, server::Site, tenant::Authenticator};
use crate::mail_catcher::Mail;
use axum::http::StatusCode;
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{delete, get, put},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn router(site: &Arc<Site>) -> Router {
    Router::new()
        .route("/console/settings", get(settings).put(change_settings))
        .route("/console/audit", get(audit))
        .route("/console/users/{user}/authenticators", get(authenticators))
        .route(
            "/console/users/{user}/authenticators/{id}",
            delete(delete_imported),
        )
        .route(
            "/console/users/{user}/authenticators/{id}/locked",
            put(set_locked),
        )
        .route("/console/users/{user}/password", put(set_password))
        .route("/mail/{address}", get(mail))
        .with_state(Arc::clone(site))
}

/// Settings > FIDO-Based Authentication.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    authenticator_import_via_api: bool,
}

async fn settings(State(site): State<Arc<Site>>) -> Json<Settings> {
    Json(Settings {
        authenticator_import_via_api: site.tenant().import_via_api,
    })
}

async fn change_settings(
    State(site): State<Arc<Site>>,
    Json(settings): Json<Settings>,
) -> StatusCode {
    site.tenant().import_via_api = settings.authenticator_import_via_api;
    StatusCode::NO_CONTENT
}

async fn audit(State(site): State<Arc<Site>>) -> Json<Vec<AuditEntry>> {
    Json(site.tenant().audit().to_vec())
}

/// By user name.
async fn authenticators(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
) -> Result<Json<Vec<Value>>, Refused> {
    let tenant = site.tenant();
    let found = tenant.user_by_name(&user)?.authenticators().iter();
    Ok(Json(found.map(Authenticator::to_json).collect()))
}

/// "The option to delete authenticators is not available for imported FIDO tokens."
async fn delete_imported() -> Refused {
    Refused::forbidden("an imported authenticator is deleted by the API only")
}

async fn set_locked(
    State(site): State<Arc<Site>>,
    Path((user, id)): Path<(String, String)>,
    Json(locked): Json<bool>,
) -> Result<StatusCode, Refused> {
    let mut tenant = site.tenant();
    let user = tenant.user_by_name(&user)?.id().to_owned();
    tenant
        .user_mut(&user)?
        .authenticator_mut(&id)?
        .set_locked(locked)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_password(
    State(site): State<Arc<Site>>,
    Path(user): Path<String>,
    Json(password): Json<String>,
) -> Result<StatusCode, Refused> {
    let mut tenant = site.tenant();
    let user = tenant.user_by_name(&user)?.id().to_owned();
    tenant.user_mut(&user)?.password = Some(password);
    Ok(StatusCode::NO_CONTENT)
}

/// What was mailed to an address: the user's mailbox, not the console's.
async fn mail(
    State(site): State<Arc<Site>>,
    Path(address): Path<String>,
) -> Result<Json<Vec<Mail>>, Refused> {
    let mailbox = site.options.mailbox.as_ref();
    let mailbox = mailbox.ok_or_else(|| Refused::not_found("mails go elsewhere"))?;
    Ok(Json(mailbox.to(&address)))
}
