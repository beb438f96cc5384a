//! What every request must carry: key, id format, media types.

use crate::sta_stand_in::{answer::Refused, server::Site};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

pub(super) async fn check(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    match passes(&site, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

fn passes(site: &Site, method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("apikey") {
        Some(key) if key == site.api_key => {}
        Some(_) => {
            return Err(Refused::new(
                StatusCode::UNAUTHORIZED,
                "the API key is not valid",
            ));
        }
        None => {
            return Err(Refused::new(
                StatusCode::UNAUTHORIZED,
                "there is no API key",
            ));
        }
    }
    let accept = text(header::ACCEPT.as_str()).unwrap_or("*/*");
    if !["application/json", "application/*", "*/*"]
        .iter()
        .any(|kind| accept.contains(kind))
    {
        return Err(Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            "answers are application/json",
        ));
    }
    // STA writes base64 as well; ids in paths are safe in hexadecimal only.
    if text("Object-Id-Format") != Some("hex") {
        return Err(Refused::bad_request(
            "this stand-in speaks Object-Id-Format: hex",
        ));
    }
    let has_body = matches!(*method, Method::POST | Method::PATCH);
    let content_type = text(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if has_body && content_type.split(';').next() != Some("application/json") {
        return Err(Refused::bad_request("Content-Type is not application/json"));
    }
    Ok(())
}
