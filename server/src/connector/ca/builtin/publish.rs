//! What readers of certificates ask over plain HTTP: the revocation list, the
//! responder, the CA's own certificate. RFC 5280 section 4.2.1.13, RFC 6960
//! appendix A.

use super::{Builtin, PublishUrl, ocsp};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    http::{
        Request, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use std::{convert::Infallible, sync::Arc};
use tower::ServiceExt as _;

/// Serves what is public of one CA.
#[derive(Clone, Debug)]
pub struct Publisher {
    url: PublishUrl,
    router: Router,
}

impl Publisher {
    pub(super) fn new(ca: &Arc<Builtin>) -> Self {
        let router = Router::new()
            .route("/crl", get(crl))
            .route("/ca.cer", get(certificate))
            .route("/ocsp", post(asked_in_body))
            .route("/ocsp/{*question}", get(asked_in_path))
            .layer(DefaultBodyLimit::max(LONGEST_QUESTION))
            .with_state(Arc::clone(ca));
        Self {
            url: ca.settings.publish_url.clone(),
            router,
        }
    }

    /// As it stands in the certificates.
    #[must_use]
    pub fn url(&self) -> &PublishUrl {
        &self.url
    }

    /// Whether something of this CA is at this path.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.own(path).is_some()
    }

    /// The path below that of [`url`](Self::url).
    fn own<'a>(&self, path: &'a str) -> Option<&'a str> {
        let own = path.strip_prefix(self.url.path())?;
        let ours = matches!(own, "/crl" | "/ca.cer" | "/ocsp") || own.starts_with("/ocsp/");
        ours.then_some(own)
    }

    /// Answers what is asked of this CA.
    pub async fn answer(&self, mut request: Request<Body>) -> Response {
        let own = self.own(request.uri().path());
        let Some(Ok(own)) = own.map(str::parse::<Uri>) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        *request.uri_mut() = own;
        let answered: Result<Response, Infallible> = self.router.clone().oneshot(request).await;
        answered.unwrap_or_else(|never| match never {})
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
