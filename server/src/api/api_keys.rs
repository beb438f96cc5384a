//! `server.v1.ApiKeys`

use std::time::Duration;

use keysteward_proto::server::v1::{self as wire, api_keys_server};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{
    Rooms,
    access::Scope,
    auth::{self, Caller},
    names,
    record::record,
    refusal::Refusal,
};
use crate::{
    lifecycle::check_name,
    store::{self, api_key::ApiKey},
};

pub(super) struct ApiKeys(pub(super) Rooms);

#[tonic::async_trait]
impl api_keys_server::ApiKeys for ApiKeys {
    async fn create(
        &self,
        request: Request<wire::CreateApiKeyRequest>,
    ) -> Result<Response<wire::CreateApiKeyResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        check_name("name", &request.name)?;
        let scopes = scopes(&request.scopes)?;
        let valid_for = match request.valid_for_s {
            0 => DEFAULT_LIFE,
            seconds => Duration::from_secs(seconds.into()),
        };
        if valid_for > LONGEST_LIFE {
            return Err(Refusal::field(
                "valid_for_s",
                request.valid_for_s.to_string(),
                "0 (90 days), or up to 63072000 (2 years)",
            )
            .into());
        }
        let now = self.0.clock.now();
        let (key, secret) = auth::new_key(&request.name, &scopes, &caller.actor, valid_for, now);
        let mut tx = self.0.store.write().await?;
        store::api_key::insert(&mut tx, &key).await?;
        let facts = [
            ("name", json!(key.name)),
            ("scopes", json!(key.scopes)),
            ("expires_at", json!(key.expires_at.to_string())),
        ];
        let object = format!("api-key:{}", key.id);
        record(&mut tx, &caller, now, "api-key.create", object, facts).await?;
        tx.commit().await?;
        Ok(Response::new(wire::CreateApiKeyResponse {
            api_key: Some(to_wire(key)),
            secret: secret.to_string(),
        }))
    }

    async fn list(
        &self,
        request: Request<wire::ListApiKeysRequest>,
    ) -> Result<Response<wire::ListApiKeysResponse>, Status> {
        let all = request.get_ref().all;
        let mut read = self.0.store.read().await?;
        let found = store::api_key::list(&mut read, all, self.0.clock.now()).await?;
        let api_keys = found.into_iter().map(to_wire).collect();
        Ok(Response::new(wire::ListApiKeysResponse { api_keys }))
    }

    async fn revoke(
        &self,
        request: Request<wire::RevokeApiKeyRequest>,
    ) -> Result<Response<wire::ApiKey>, Status> {
        let caller = Caller::of(&request)?.clone();
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let key = names::api_key(&mut tx, &request.get_ref().api_key).await?;
        if key.revoked_at.is_none() {
            store::api_key::set_revoked(&mut tx, key.id, now).await?;
            let facts = [("name", json!(key.name))];
            let object = format!("api-key:{}", key.id);
            record(&mut tx, &caller, now, "api-key.revoke", object, facts).await?;
        }
        let key = names::api_key(&mut tx, &key.id.to_string()).await?;
        tx.commit().await?;
        Ok(Response::new(to_wire(key)))
    }
}

/// One or more, each once, in the order of the table.
fn scopes(words: &[String]) -> Result<Vec<Scope>, Refusal> {
    let allowed = || {
        let words: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("one or more of {}", words.join(", "))
    };
    if words.is_empty() {
        return Err(Refusal::field("scopes", "empty", allowed()));
    }
    let mut scopes = Vec::new();
    for word in words {
        let scope = word
            .parse()
            .map_err(|_| Refusal::field("scopes", word.as_str(), allowed()))?;
        scopes.push(scope);
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

fn to_wire(key: ApiKey) -> wire::ApiKey {
    wire::ApiKey {
        id: key.id.to_string(),
        name: key.name,
        scopes: key.scopes,
        created_at_us: key.created_at.0,
        expires_at_us: key.expires_at.0,
        last_used_at_us: key.last_used_at.map_or(0, |at| at.0),
        revoked: key.revoked_at.is_some(),
    }
}

const DEFAULT_LIFE: Duration = Duration::from_secs(90 * 86_400);
const LONGEST_LIFE: Duration = Duration::from_secs(2 * 365 * 86_400);
