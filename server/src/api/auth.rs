//! Who calls: an API key in `authorization: Bearer ...`, looked up by its SHA-256,
//! held against the table in [`access`].
//!
//! A layer around every service, so that no service can forget it.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use rand::RngCore as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use zeroize::Zeroizing;

use super::{
    access::{self, Access, Scope},
    refusal::Refusal,
};
use crate::{
    audit::{self, Entry, Outcome},
    store::{self, ApiKeyId, Clock, Micros, Store, api_key::ApiKey},
    telemetry::Metrics,
};

/// Who calls, in the request's extensions from here on.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As in the audit record: `api-key:NAME`.
    pub actor: String,
    scopes: Vec<Scope>,
}

impl Caller {
    /// Whether the key has `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Who sent `request`.
    ///
    /// # Errors
    /// When the layer did not see it.
    pub(super) fn of<T>(request: &tonic::Request<T>) -> Result<&Self, Status> {
        request
            .extensions()
            .get()
            .ok_or_else(|| Status::unauthenticated("nobody looked at the API key"))
    }
}

/// A new API key: what is stored, and the secret that is shown once.
#[must_use]
pub fn new_key(
    name: &str,
    scopes: &[Scope],
    created_by: &str,
    valid_for: Duration,
    now: Micros,
) -> (ApiKey, Zeroizing<String>) {
    let mut random = Zeroizing::new([0; 32]);
    rand::rngs::OsRng.fill_bytes(random.as_mut_slice());
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
    let secret = Zeroizing::new(format!("{PREFIX}{}", text.as_str()));
    let key = ApiKey {
        id: ApiKeyId::new(),
        name: name.to_owned(),
        secret_hash: hash(&secret),
        scopes: scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        created_by: created_by.to_owned(),
        created_at: now,
        expires_at: now.plus(valid_for),
        last_used_at: None,
        revoked_at: None,
    };
    (key, secret)
}

/// Puts the check around every service.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    /// Where the keys are.
    pub store: Store,
    /// When they expire.
    pub clock: Clock,
    /// Who counts.
    pub metrics: Metrics,
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service that knows its caller.
#[derive(Clone, Debug)]
pub struct Auth<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S> Service<Request<Body>> for Auth<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that was polled ready goes; its clone waits for the next call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let Some(access) = access::of(&path) else {
                return Ok(Status::unimplemented("there is no such method").into_http());
            };
            let response = match layer.authorise(access, &path, request.headers()).await {
                Ok(caller) => {
                    if let Some(caller) = caller {
                        request.extensions_mut().insert(caller);
                    }
                    inner.call(request).await?
                }
                Err(status) => status.into_http(),
            };
            // A stream's end is not known yet; its start is what is counted.
            let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |s| s.code());
            layer.metrics.called(&path, code);
            Ok(response)
        })
    }
}

impl AuthLayer {
    async fn authorise(
        &self,
        access: Access,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Option<Caller>, Status> {
        let Access::OneOf(needed) = access else {
            return Ok(None);
        };
        let secret = bearer(headers).ok_or_else(|| {
            Refusal::new(
                Code::Unauthenticated,
                "API_KEY_MISSING",
                "the call carries no API key",
            )
            .next("send the API key as authorization: Bearer KEY")
        })?;
        let now = self.clock.now();
        let hash = hash(secret);
        let key = store::api_key::by_secret_hash(&mut self.store.read().await?, &hash)
            .await?
            .filter(|key| key.usable(now))
            .ok_or_else(|| {
                // Unknown, expired and revoked look alike to who guesses.
                Refusal::new(
                    Code::Unauthenticated,
                    "API_KEY_INVALID",
                    "the API key is unknown, expired or revoked",
                )
                .next("ask an administrator for a new API key")
            })?;
        let caller = Caller {
            actor: format!("api-key:{}", key.name),
            scopes: key.scopes.iter().filter_map(|s| s.parse().ok()).collect(),
        };
        if !needed.iter().any(|scope| caller.may(*scope)) {
            self.record_denial(&caller, path, now).await?;
            return Err(denied(&caller, needed).into());
        }
        if key
            .last_used_at
            .is_none_or(|last| now.since(last) >= USE_NOTED_EVERY)
        {
            let mut tx = self.store.write().await?;
            store::api_key::set_last_used(&mut tx, key.id, now).await?;
            tx.commit().await?;
        }
        Ok(Some(caller))
    }

    /// A key that tries what it may not do is worth a line; an unknown key is not, or
    /// anybody could fill the record.
    async fn record_denial(&self, caller: &Caller, path: &str, now: Micros) -> store::Result<()> {
        let mut facts = Map::new();
        facts.insert("method".into(), Value::from(path));
        let entry = Entry {
            at: now,
            actor: caller.actor.clone(),
            verb: "api.denied",
            object: caller.actor.clone(),
            operation: None,
            outcome: Outcome::Denied,
            facts,
        };
        let mut tx = self.store.write().await?;
        audit::append(&mut tx, entry).await?;
        tx.commit().await
    }
}

/// The refusal of a caller whose key lacks every one of `needed`.
pub(super) fn denied(caller: &Caller, needed: &[Scope]) -> Refusal {
    let words = |scopes: &[Scope]| {
        let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        words.join(" or ")
    };
    Refusal::new(
        Code::PermissionDenied,
        "SCOPE_MISSING",
        format!(
            "this API key may not do that: it lacks the scope {}",
            words(needed)
        ),
    )
    .about("authorization", words(&caller.scopes))
    .allowed(words(needed))
    .next("use an API key that has the scope")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
        .filter(|secret| secret.starts_with(PREFIX))
}

/// 256 random bits need no salt and no slow hash.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Lets a scanner of leaked secrets know it.
const PREFIX: &str = "ksk_";
/// Each call would cost a write to disk.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
