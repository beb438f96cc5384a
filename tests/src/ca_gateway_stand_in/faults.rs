//! Faults on order: the next request that fits goes wrong, once, before or
//! after it had its effect. CA Gateway has no such thing.

use super::{
    authority::{Authority, Order},
    refused::Refused,
    rest::certificates,
    server::Site,
    tls::Cut,
};
use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rcgen::{KeyPair, PublicKeyData as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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
    /// "/enrollments", "/actions". Empty: any.
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
    /// An `ErrorResponse`; `retry_after` goes into the header of that name.
    Status {
        code: u16,
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Status 200 and an `ErrorResponse` all the same.
    ErrorBehindSuccess,
    /// Status 200 and an enrolment, or an action, that is rejected.
    Rejected,
    /// An action that is taken on, and not done yet.
    Accepted,
    /// Status 200 and a page of HTML.
    Garbage,
    /// Status 200 and more than anybody reads.
    Flood,
    /// Status 200 and the beginning of an object.
    Half,
    /// The right answer, too late.
    Late { milliseconds: u64 },
    /// The connection ends without an answer.
    Close,
    /// A certificate for somebody else's key.
    OtherKey,
    /// A certificate for the right key, by another CA of the same name.
    OtherAuthority,
    /// A certificate for the right key, with another subject.
    OtherSubject,
    /// A certificate for the right key, without its alternative names.
    WithoutAlternativeNames,
    /// Status 200 and something that was not asked about.
    WrongObject,
    /// Status 200 and a page of a list that goes on.
    EndlessPage,
}

/// Faults that wait for their request, in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        self.waiting().push(fault);
    }

    fn take(&self, method: &str, path: &str) -> Option<Fault> {
        let mut waiting = self.waiting();
        let index = waiting.iter_mut().position(|fault| {
            let fits = (fault.method.is_empty() || fault.method == method)
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

/// Middleware below the gateway's address, which the path has lost already.
pub(super) async fn apply(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let Some(fault) = site.faults.take(method.as_str(), &path) else {
        return next.run(request).await;
    };
    tracing::info!(%method, path, ?fault, "a fault strikes");
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let action = asked["action"]["type"].as_str().map(str::to_owned);
    let request = Request::from_parts(parts, Body::from(body));
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
        (Failure::OtherKey, _) => changed(&site, next.run(request).await, Change::Key).await,
        (Failure::OtherAuthority, _) => {
            changed(&site, next.run(request).await, Change::Authority).await
        }
        (Failure::OtherSubject, _) => {
            changed(&site, next.run(request).await, Change::Subject).await
        }
        (Failure::WithoutAlternativeNames, _) => {
            changed(&site, next.run(request).await, Change::Names).await
        }
        (failure, When::Before) => answer(failure, action, cut).await,
        (failure, When::After) => {
            drop(next.run(request).await);
            answer(failure, action, cut).await
        }
    }
}

/// `action`: the type that the request asks for, if it is one for an action.
async fn answer(failure: Failure, action: Option<String>, cut: Option<Cut>) -> Response {
    let acted = |kind: &str, status: &str| {
        Json(certificates::answer(kind, "unspecified", "", status)).into_response()
    };
    match (failure, action.as_deref()) {
        (Failure::Rejected, Some(kind)) => acted(kind, "REJECTED"),
        (Failure::Accepted, Some(kind)) => acted(kind, "ACCEPTED"),
        (Failure::WrongObject, Some(_)) => acted("ReactivateAction", "COMPLETED"),
        (failure, _) => other_answer(failure, cut).await,
    }
}

async fn other_answer(failure: Failure, cut: Option<Cut>) -> Response {
    match failure {
        Failure::Status { code, retry_after } => status(code, retry_after),
        Failure::ErrorBehindSuccess => Json(ordered().body()).into_response(),
        Failure::Rejected => Json(json!({
            "type": "EnrollmentResponse",
            "enrollment": { "id": "0", "status": "REJECTED" },
        }))
        .into_response(),
        Failure::WrongObject => Json(json!({
            "type": "CertificateResponse",
            "certificate": { "status": "normal", "serialNumber": "5912bd91" },
        }))
        .into_response(),
        Failure::Garbage => {
            "<html><body>Please wait \u{1B}[5mwhile we redirect you".into_response()
        }
        Failure::Flood => vec![b' '; 5 << 20].into_response(),
        Failure::Half => half().into_response(),
        Failure::EndlessPage => Json(json!({
            "events": [], "morePages": true, "nextPageIndex": "again",
        }))
        .into_response(),
        _ => {
            if let Some(Cut(connection)) = cut {
                connection.cancel();
            }
            std::future::pending().await
        }
    }
}

fn ordered() -> Refused {
    Refused::bad_request("this is a fault on order").detail("com.example.inside")
}

/// A body that fails after its first bytes.
fn half() -> Body {
    let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Body::from_stream(futures::stream::iter([Ok("{\"enrollment\":{"), Err(lost)]))
}

fn status(code: u16, retry_after: Option<u64>) -> Response {
    let mut response = ordered().into_response();
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = retry_after {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What is wrong with the certificate that goes out in the place of the right one.
#[derive(Clone, Copy)]
enum Change {
    Key,
    Authority,
    Subject,
    Names,
}

/// The answer, with another certificate in the place of its own. The register
/// keeps the right one.
async fn changed(site: &Site, response: Response, change: Change) -> Response {
    let other = async || -> anyhow::Result<Value> {
        let body = to_bytes(response.into_body(), 1 << 20).await?;
        let mut answer: Value = serde_json::from_slice(&body)?;
        let right = BASE64.decode(answer["enrollment"]["body"].as_str().unwrap_or_default())?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&right)?;
        let name = match change {
            Change::Subject => "Eve",
            _ => parsed
                .subject()
                .iter_common_name()
                .next()
                .map_or(Ok(""), |name| name.as_str())?,
        };
        let order = Order {
            public_key: match change {
                Change::Key => KeyPair::generate()?.subject_public_key_info(),
                _ => parsed.public_key().raw.to_vec(),
            },
            subject: vec![("cn".to_owned(), name.to_owned())],
            alternative_names: Vec::new(),
            days: 30,
        };
        let signed = match change {
            Change::Authority => Authority::new()?.sign(&order, site.now())?,
            _ => site.authority.sign(&order, site.now())?,
        };
        answer["enrollment"]["body"] = json!(BASE64.encode(signed.der));
        Ok(answer)
    };
    match other().await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => Refused::bad_request(error.to_string()).into_response(),
    }
}
