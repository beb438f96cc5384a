//! Signing in with an authenticator: what a user's browser calls. The paths are
//! our own; what is checked is WebAuthn's.

use super::{
    AuthenticatorState,
    answer::Refused,
    server::{Site, secret},
    tenant::User,
    webauthn::Assertion,
};
use axum::{Json, Router, extract::State, routing::post};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use rand::{RngCore, rngs::OsRng};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Challenges given out and not answered yet.
#[derive(Debug, Default)]
pub(super) struct SignIns(Mutex<HashMap<String, SignIn>>);

#[derive(Debug)]
struct SignIn {
    user_name: String,
    challenge: [u8; 32],
}

impl SignIns {
    fn open(&self) -> MutexGuard<'_, HashMap<String, SignIn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(site: &Arc<Site>) -> Router {
    Router::new()
        .route("/sign-in/start", post(start))
        .route("/sign-in/finish", post(finish))
        .with_state(Arc::clone(site))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    user_name: String,
}

/// Nobody learns here whether a user exists: strangers get a challenge too.
async fn start(State(site): State<Arc<Site>>, Json(start): Json<Start>) -> Json<Value> {
    let challenge = challenge();
    let transaction = secret();
    let (active, pending) = {
        let tenant = site.tenant();
        let user = tenant.user_by_name(&start.user_name).ok();
        let listed = |state| user.map(|user| with_state(user, state)).unwrap_or_default();
        (
            listed(AuthenticatorState::Active),
            listed(AuthenticatorState::Pending),
        )
    };
    let user_name = start.user_name;
    site.sign_ins.open().insert(
        transaction.clone(),
        SignIn {
            user_name,
            challenge,
        },
    );
    let mut answer = request_options(&site, &transaction, &challenge, &active);
    // The page offers to activate these, or to go on ("Not now").
    answer["pendingAuthenticators"] = json!(pending);
    Json(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finish {
    transaction: String,
    assertion: Assertion,
}

async fn finish(
    State(site): State<Arc<Site>>,
    Json(finish): Json<Finish>,
) -> Result<Json<Value>, Refused> {
    // Taken: a challenge is answered once.
    let open = site.sign_ins.open().remove(&finish.transaction);
    let SignIn {
        user_name,
        challenge,
    } = open.ok_or_else(|| Refused::forbidden("no such sign-in is open"))?;
    let options = &site.options;
    let mut tenant = site.tenant();
    let refused = |error: super::webauthn::Wrong| Refused::forbidden(error.to_string());
    let id = finish.assertion.credential_id().map_err(refused)?;
    let stranger = || Refused::forbidden("the credential is none of this user's");
    let user = tenant.user_by_name(&user_name).map_err(|_| stranger())?;
    let user_id = user.id().to_owned();
    let mut authenticators = tenant.user_mut(&user_id)?.authenticators_mut().iter_mut();
    let authenticator = authenticators
        .find(|found| found.credential_id() == id)
        .ok_or_else(stranger)?;
    let key = authenticator.registration().key;
    let signed_in = finish
        .assertion
        .verify(&key, &challenge, &options.rp_id, &options.origin)
        .map_err(refused)?;
    // After the signature, so that a refusal has this reason and no other.
    if authenticator.state() != AuthenticatorState::Active {
        return Err(Refused::forbidden(format!(
            "the authenticator is {:?}",
            authenticator.state()
        )));
    }
    authenticator.note_use(signed_in.sign_count())?;
    Ok(Json(
        json!({ "userName": user_name, "authenticatorId": authenticator.id() }),
    ))
}

/// PublicKeyCredentialRequestOptions, and the origin that a browser would know.
pub(super) fn request_options(
    site: &Site,
    transaction: &str,
    challenge: &[u8; 32],
    allowed: &[Value],
) -> Value {
    json!({
        "transaction": transaction,
        "challenge": BASE64URL.encode(challenge),
        "rpId": site.options.rp_id,
        "origin": site.options.origin,
        "userVerification": "required",
        "allowCredentials": allowed.iter().map(|found| &found["credentialId"]).collect::<Vec<_>>(),
    })
}

/// Authenticators as a sign-in page lists them.
pub(super) fn with_state(user: &User, state: AuthenticatorState) -> Vec<Value> {
    let listed = user
        .authenticators()
        .iter()
        .filter(|found| found.state() == state);
    listed
        .map(|found| {
            json!({
                "id": found.id(),
                "friendlyName": found.friendly_name(),
                "credentialId": BASE64URL.encode(found.credential_id()),
            })
        })
        .collect()
}

pub(super) fn challenge() -> [u8; 32] {
    let mut challenge = [0; 32];
    OsRng.fill_bytes(&mut challenge);
    challenge
}
