//! `/cagw/v1/certificate-authorities`, a file per part of it.

mod authorities;
pub(super) mod certificates;
mod enrollments;
mod events;
mod profiles;

use super::{faults, refused::Refused, server::Site};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header::ACCEPT},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::sync::Arc;

pub(super) fn router(site: &Arc<Site>) -> Router {
    let below = Router::new()
        .route("/", get(authorities::list))
        .route("/{ca}", get(authorities::one))
        .route("/{ca}/profiles", get(profiles::list))
        .route("/{ca}/profiles/{profile}", get(profiles::one))
        .route("/{ca}/enrollments", post(enrollments::enrol))
        .route("/{ca}/certificates/{serial}", get(certificates::one))
        .route(
            "/{ca}/certificates/{serial}/actions",
            post(certificates::act),
        )
        .route("/{ca}/certificate-events", get(events::list))
        .fallback(|| async { Refused::not_found("No such operation") })
        .layer(DefaultBodyLimit::max(1 << 20))
        .layer(from_fn_with_state(Arc::clone(site), faults::apply))
        .layer(from_fn_with_state(Arc::clone(site), gate));
    Router::new()
        .nest("/cagw/v1/certificate-authorities", below)
        .with_state(Arc::clone(site))
}

/// What is asked of every request; who is asking, TLS has checked.
async fn gate(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if let Some(expected) = &site.options.client_id {
        let given = headers.get("ca-client-id");
        if given.is_none_or(|given| given != expected.as_str()) {
            let message = "This client is not known";
            return Refused::new(StatusCode::FORBIDDEN, "cagw-4003", message).into_response();
        }
    }
    if headers
        .get(ACCEPT)
        .is_none_or(|kind| kind != "application/json")
    {
        return Refused::bad_request("Accept must be application/json").into_response();
    }
    next.run(request).await
}

fn known(site: &Site, ca: &str) -> Result<(), Refused> {
    if ca == site.options.ca_id {
        return Ok(());
    }
    let refused = Refused::not_found("CA with specified name not found");
    Err(refused.detail(format!("com.example.inside: no connector for {ca}")))
}
