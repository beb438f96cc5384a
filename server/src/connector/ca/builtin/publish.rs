//! What readers of certificates ask over plain HTTP: the revocation list, the
//! responder, the CA's own certificate. RFC 5280 section 4.2.1.13, RFC 6960
//! appendix A.

use super::{Builtin, ocsp};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use std::sync::Arc;

/// Serves what is public of one CA.
#[derive(Clone, Debug)]
pub struct Publisher(pub(super) Arc<Builtin>);

impl Publisher {
    /// Routes `/crl`, `/ocsp` and `/ca.cer`, to be nested under the path of
    /// [`publish_url`](super::Settings::publish_url).
    pub fn router(&self) -> Router {
        Router::new()
            .route("/crl", get(crl))
            .route("/ca.cer", get(certificate))
            .route("/ocsp", post(asked_in_body))
            .route("/ocsp/{*question}", get(asked_in_path))
            .layer(DefaultBodyLimit::max(LONGEST_QUESTION))
            .with_state(Arc::clone(&self.0))
    }
}

/// [`Publisher::router`] under the path of the address that stands in the
/// certificates.
impl From<&Publisher> for Router {
    fn from(publisher: &Publisher) -> Self {
        match publisher.0.publish_path().as_str() {
            "" | "/" => publisher.router(),
            path => Self::new().nest(path, publisher.router()),
        }
    }
}

async fn crl(State(ca): State<Arc<Builtin>>) -> Response {
    match ca.crl().await {
        Ok(crl) => typed("application/pkix-crl", "max-age=300", crl),
        Err(why) => {
            tracing::error!(%why, "no revocation list");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn certificate(State(ca): State<Arc<Builtin>>) -> Response {
    let own = ca.own_certificate().to_vec();
    typed("application/pkix-cert", "max-age=3600", own)
}

async fn asked_in_body(State(ca): State<Arc<Builtin>>, question: Bytes) -> Response {
    answered(&ca, &question).await
}

async fn asked_in_path(State(ca): State<Arc<Builtin>>, Path(question): Path<String>) -> Response {
    // Escaped or not: the router has unescaped it.
    let question = BASE64
        .decode(question.trim_start_matches('/'))
        .unwrap_or_default();
    answered(&ca, &question).await
}

async fn answered(ca: &Builtin, question: &[u8]) -> Response {
    let answer = ca.ocsp(question).await.unwrap_or_else(|why| {
        tracing::error!(%why, "no answer of the responder");
        ocsp::try_later()
    });
    typed("application/ocsp-response", "no-store", answer)
}

fn typed(kind: &'static str, keep: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, keep)], body).into_response()
}

const LONGEST_QUESTION: usize = 8192;
