//! Faults on order: the next request that fits goes wrong, once, before or
//! after it had its effect. STA has no such thing.

use super::{answer::Refused, server::Site, tls::Cut};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Which request goes wrong, and how.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// "POST"; empty: any.
    #[serde(default)]
    pub method: String,
    /// Below the tenant's address: "/users". Empty: any.
    #[serde(default)]
    pub path_prefix: String,
    /// "/authenticators". Empty: any.
    #[serde(default)]
    pub path_suffix: String,
    /// Requests that fit and are let through first.
    #[serde(default)]
    pub skip: u32,
    pub when: When,
    pub failure: Failure,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// The request has no effect; late ones have it late.
    Before,
    /// The request has its effect, and its answer is lost.
    After,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Failure {
    /// 409, 429, 500, ...; `reset_seconds` goes into `RateLimit-Reset`.
    Status {
        code: u16,
        #[serde(default)]
        reset_seconds: Option<u64>,
    },
    /// Status 200 and a page of HTML.
    Garbage,
    /// Status 200 and JSON about somebody or something else.
    WrongObject,
    /// Status 200 and two mebibytes.
    Flood,
    /// Status 200 and the beginning of an object.
    Half,
    /// Status 200 and a page of a list that goes on, at another address.
    EndlessPage,
    /// The right answer, too late.
    Late { milliseconds: u64 },
    /// The connection ends without an answer.
    Close,
}

/// Faults that wait for their request, in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.waiting().push(fault);
    }

    fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut waiting = self.waiting();
        let index = waiting.iter_mut().position(|fault| {
            let fits = (fault.method.is_empty() || fault.method == method.as_str())
                && path.starts_with(&fault.path_prefix)
                && path.ends_with(&fault.path_suffix);
            let due = fits && fault.skip == 0;
            if fits && !due {
                fault.skip -= 1;
            }
            due
        })?;
        Some(waiting.remove(index))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(site: &Arc<Site>) -> Router {
    Router::new()
        .route("/faults", get(list).post(add).delete(clear))
        .with_state(Arc::clone(site))
}

async fn list(State(site): State<Arc<Site>>) -> Json<Vec<Fault>> {
    Json(site.faults.waiting().clone())
}

async fn add(State(site): State<Arc<Site>>, body: Bytes) -> Result<StatusCode, Refused> {
    let fault =
        serde_json::from_slice(&body).map_err(|error| Refused::bad_request(error.to_string()))?;
    site.faults.add(fault);
    Ok(StatusCode::CREATED)
}

async fn clear(State(site): State<Arc<Site>>) -> StatusCode {
    site.faults.waiting().clear();
    StatusCode::NO_CONTENT
}

/// Middleware below the tenant's address, which the path has lost already.
pub(super) async fn apply(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Some(fault) = site.faults.take(&method, &path) else {
        return next.run(request).await;
    };
    tracing::info!(%method, path, ?fault, "a fault strikes");
    let cut = request.extensions().get::<Cut>().cloned();
    match (fault.failure, fault.when) {
        (Failure::Late { milliseconds }, when) => {
            let late = async move {
                let pause = Duration::from_millis(milliseconds);
                if when == When::Before {
                    tokio::time::sleep(pause).await;
                }
                let response = next.run(request).await;
                if when == When::After {
                    tokio::time::sleep(pause).await;
                }
                response
            };
            // On its own: the effect comes although the client has gone.
            let answer = tokio::spawn(late).await;
            answer.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        (failure, When::Before) => answer(failure, &method, &path, cut).await,
        (failure, When::After) => {
            drop(next.run(request).await);
            answer(failure, &method, &path, cut).await
        }
    }
}

async fn answer(failure: Failure, method: &Method, path: &str, cut: Option<Cut>) -> Response {
    match failure {
        Failure::Status {
            code,
            reset_seconds,
        } => status(code, reset_seconds),
        Failure::Garbage => {
            "<html><body>Please wait \u{1B}[5mwhile we redirect you".into_response()
        }
        Failure::WrongObject => wrong_object(method, path).into_response(),
        Failure::Flood => vec![b' '; 2 << 20].into_response(),
        Failure::Half => half().into_response(),
        Failure::EndlessPage => Json(json!({
            "page": { "items": [{ "id": "0".repeat(36), "type": "fido", "state": "active" }] },
            "links": { "next": "https://elsewhere.example/" },
        }))
        .into_response(),
        Failure::Close | Failure::Late { .. } => {
            if let Some(Cut(connection)) = cut {
                connection.cancel();
            }
            std::future::pending().await
        }
    }
}

/// A body that fails after its first bytes.
fn half() -> Body {
    let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Body::from_stream(futures::stream::iter([Ok("{\"id\":\"08D8"), Err(lost)]))
}

fn status(code: u16, reset_seconds: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Refused::new(status, "this is a fault on order").into_response();
    let headers = response.headers_mut();
    if let Some(seconds) = reset_seconds {
        headers.insert("RateLimit-Reset", HeaderValue::from(seconds));
    }
    if status.is_redirection() {
        headers.insert(
            header::LOCATION,
            HeaderValue::from_static("/console/settings"),
        );
    }
    response
}

fn wrong_object(method: &Method, path: &str) -> Json<serde_json::Value> {
    let id = "0".repeat(36);
    let user = json!({ "id": id, "userName": "somebody.else@example.com" });
    let authenticator = json!({
        "id": id, "type": "fido", "state": "pending", "metadata": { "credentialId": "AAAA" },
    });
    Json(match (path.contains("/authenticators"), method) {
        (true, &Method::GET) => json!({ "page": { "items": [user] }, "links": {} }),
        (true, _) => authenticator,
        (false, _) => user,
    })
}
