//! Activation of a pending authenticator by its user. External FIDO management,
//! "FIDO activation for users". The paths are our own.
//!
//! ```text
//! start ── code mailed ──> confirm (code or password) ──> finish (assertion, nickname) ──> active
//! ```

use super::{
    AuthenticatorState,
    answer::Refused,
    mail,
    server::{Site, secret},
    sign_in::{challenge, request_options, with_state},
    webauthn::Assertion,
};
use axum::http::StatusCode;
use axum::{Json, Router, extract::State, routing::post};
use rand::{Rng, rngs::OsRng};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Activations under way.
#[derive(Debug, Default)]
pub(super) struct Activations(Mutex<HashMap<String, Activation>>);

#[derive(Debug)]
struct Activation {
    user_id: String,
    code: String,
    until: Instant,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Started { tries_left: u8 },
    Confirmed { challenge: [u8; 32] },
}

impl Activations {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Activation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(site: &Arc<Site>) -> Router {
    Router::new()
        .route("/activation/start", post(start))
        .route("/activation/confirm", post(confirm))
        .route("/activation/finish", post(finish))
        .with_state(Arc::clone(site))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    user_name: String,
}

async fn start(
    State(site): State<Arc<Site>>,
    Json(start): Json<Start>,
) -> Result<Json<Value>, Refused> {
    let (user_id, email, pending) = {
        let tenant = site.tenant();
        let user = tenant.user_by_name(&start.user_name)?;
        let pending = with_state(user, AuthenticatorState::Pending);
        (user.id().to_owned(), user.email().to_owned(), pending)
    };
    if pending.is_empty() {
        return Err(Refused::forbidden("the user has no pending authenticator"));
    }
    let code = format!("{:06}", OsRng.gen_range(0..1_000_000));
    mail::send_code(site.options.smtp, &email, &code)
        .await
        .map_err(|error| Refused::new(StatusCode::BAD_GATEWAY, format!("{error:#}")))?;
    let transaction = secret();
    let activation = Activation {
        user_id,
        code,
        until: Instant::now() + VALID,
        stage: Stage::Started { tries_left: TRIES },
    };
    site.activations
        .open()
        .insert(transaction.clone(), activation);
    Ok(Json(
        json!({ "transaction": transaction, "mailedTo": email, "authenticators": pending }),
    ))
}

/// One of the two.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Confirm {
    transaction: String,
    code: Option<String>,
    password: Option<String>,
}

async fn confirm(
    State(site): State<Arc<Site>>,
    Json(confirm): Json<Confirm>,
) -> Result<Json<Value>, Refused> {
    let mut open = site.activations.open();
    let activation = open.get_mut(&confirm.transaction).ok_or_else(not_open)?;
    let Stage::Started { tries_left } = &mut activation.stage else {
        return Err(Refused::forbidden("it was confirmed before"));
    };
    let tenant = site.tenant();
    let user = tenant.user(&activation.user_id)?;
    let confirmed = match (&confirm.code, &confirm.password) {
        (Some(code), None) => *code == activation.code,
        (None, Some(password)) => user.password.as_ref() == Some(password),
        _ => return Err(Refused::bad_request("either a code or a password")),
    };
    if Instant::now() > activation.until {
        open.remove(&confirm.transaction);
        return Err(Refused::forbidden("the code has expired"));
    }
    if !confirmed {
        *tries_left -= 1;
        if *tries_left == 0 {
            open.remove(&confirm.transaction);
        }
        return Err(Refused::forbidden("the code or password is wrong"));
    }
    let challenge = challenge();
    activation.stage = Stage::Confirmed { challenge };
    let pending = with_state(user, AuthenticatorState::Pending);
    Ok(Json(request_options(
        &site,
        &confirm.transaction,
        &challenge,
        &pending,
    )))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finish {
    transaction: String,
    assertion: Assertion,
    nickname: Option<String>,
}

async fn finish(
    State(site): State<Arc<Site>>,
    Json(finish): Json<Finish>,
) -> Result<Json<Value>, Refused> {
    let activation = site
        .activations
        .open()
        .remove(&finish.transaction)
        .ok_or_else(not_open)?;
    let Stage::Confirmed { challenge } = activation.stage else {
        return Err(Refused::forbidden("it was not confirmed"));
    };
    let options = &site.options;
    let refused = |error: super::webauthn::Wrong| Refused::forbidden(error.to_string());
    let credential_id = finish.assertion.credential_id().map_err(refused)?;
    let mut tenant = site.tenant();
    let user = tenant.user_mut(&activation.user_id)?;
    let authenticator = user
        .authenticators_mut()
        .iter_mut()
        .find(|found| found.credential_id() == credential_id)
        .ok_or_else(|| Refused::forbidden("the credential is none of this user's"))?;
    let key = authenticator.registration().key;
    let signed_in = finish
        .assertion
        .verify(&key, &challenge, &options.rp_id, &options.origin)
        .map_err(refused)?;
    authenticator.note_use(signed_in.sign_count())?;
    let id = authenticator.id().to_owned();
    tenant.activate(&activation.user_id, &id, finish.nickname.as_deref())?;
    Ok(Json(
        json!({ "authenticatorId": id, "state": AuthenticatorState::Active }),
    ))
}

fn not_open() -> Refused {
    Refused::forbidden("no such activation is open")
}

const TRIES: u8 = 5;
const VALID: Duration = Duration::from_secs(600);
