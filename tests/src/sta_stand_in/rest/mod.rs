//! The REST API for STA, below `/api/v1/tenants/<code>/`.

mod authenticators;
mod gate;
mod import;
mod page;
mod users;

use super::{answer::Refused, faults, server::Site};
use axum::http::StatusCode;
use axum::{Router, middleware, routing::get};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn router(site: &Arc<Site>) -> Router {
    let tenant = Router::new()
        // Diagnostics: the key and the tenant are right when the gate lets it through.
        .route("/authorized", get(|| async { StatusCode::OK }))
        .merge(users::router())
        .merge(authenticators::router())
        .layer(middleware::from_fn_with_state(
            Arc::clone(site),
            gate::check,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(site),
            faults::apply,
        ))
        .with_state(Arc::clone(site));
    // Any other tenant is not found.
    Router::new().nest(&site.rest_path(), tenant)
}

fn json(body: &[u8]) -> Result<Value, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::bad_request(format!("the body is not JSON: {error}")))
}

/// Ids come as we write them: in hexadecimal.
fn check_id(id: &str) -> Result<(), Refused> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refused::bad_request(format!(
            "{id:?} is not an id in hexadecimal"
        )));
    }
    Ok(())
}
