//! Security keys and cards, as tables and as JSON show them.

use keysteward_proto::server::v1 as wire;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    failure::{Failure, Result},
    output::{View, some, time},
};

#[derive(Debug, Serialize)]
pub(in crate::command) struct Token {
    id: String,
    serial: Option<String>,
    model: String,
    aaguid: String,
    r#virtual: bool,
    token_type: Option<String>,
    state: String,
    needs_reset: bool,
    user: Option<String>,
    template: Option<String>,
    host: Option<String>,
    present: bool,
    last_seen_at: Option<String>,
    applets: Vec<String>,
    user_verification: Vec<String>,
}

impl View for Token {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "serial",
        "model",
        "applets",
        "user_verification",
        "state",
        "needs_reset",
        "user",
        "host",
        "present",
    ];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "serial",
        "model",
        "aaguid",
        "virtual",
        "token_type",
        "state",
        "needs_reset",
        "user",
        "template",
        "host",
        "present",
        "last_seen_at",
        "applets",
        "user_verification",
    ];
}

impl From<wire::Token> for Token {
    fn from(token: wire::Token) -> Self {
        Self {
            id: token.id,
            serial: some(token.serial),
            model: token.model,
            aaguid: token.aaguid,
            r#virtual: token.r#virtual,
            token_type: some(token.token_type),
            state: token.state,
            needs_reset: token.needs_reset,
            user: some(token.user),
            template: some(token.template),
            host: some(token.host),
            present: token.present,
            last_seen_at: time(token.last_seen_at_us),
            applets: token.applets,
            user_verification: token.user_verification,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    token: Token,
    pin_custody: String,
    allowed: Vec<String>,
    credentials: Vec<Credential>,
    history: Vec<Change>,
    facts: Map<String, Value>,
}

impl TryFrom<wire::TokenDetail> for Detail {
    type Error = Failure;

    fn try_from(detail: wire::TokenDetail) -> Result<Self> {
        let token = detail.token.ok_or(Failure::Answer("it lacks the token"))?;
        Ok(Self {
            token: token.into(),
            pin_custody: detail.pin_custody,
            allowed: detail.allowed,
            credentials: detail.credentials.into_iter().map(Into::into).collect(),
            history: detail.history.into_iter().map(Into::into).collect(),
            facts: serde_json::from_str(&detail.facts).unwrap_or_default(),
        })
    }
}

impl Detail {
    pub(super) fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    pub(super) fn history(&self) -> &[Change] {
        &self.history
    }

    /// What the token told of itself, less what it left empty.
    pub(super) fn told(&self) -> Vec<Fact> {
        let is_told = |value: &Value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
        };
        let told = self.facts.iter().filter(|(_, value)| is_told(value));
        told.map(|(fact, value)| Fact {
            fact: fact.replace('_', " "),
            value: value.clone(),
        })
        .collect()
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Fact {
    fact: String,
    value: Value,
}

impl View for Fact {
    const COLUMNS: &'static [&'static str] = &["fact", "value"];
}

impl View for Detail {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "serial",
        "model",
        "aaguid",
        "virtual",
        "token_type",
        "state",
        "needs_reset",
        "user",
        "template",
        "host",
        "present",
        "last_seen_at",
        "applets",
        "user_verification",
        "pin_custody",
        "allowed",
    ];
}

#[derive(Debug, Serialize)]
pub(in crate::command) struct Credential {
    id: String,
    rp_id: String,
    credential_id: String,
    user: String,
    connection: String,
    friendly_name: String,
    attestation: String,
    idp_authenticator_id: Option<String>,
    idp_state: Option<String>,
    on_token: String,
    created_at: Option<String>,
}

impl View for Credential {
    const COLUMNS: &'static [&'static str] = &[
        "rp_id",
        "user",
        "friendly_name",
        "attestation",
        "idp_state",
        "on_token",
        "created_at",
    ];
}

impl From<wire::Credential> for Credential {
    fn from(credential: wire::Credential) -> Self {
        Self {
            id: credential.id,
            rp_id: credential.rp_id,
            credential_id: credential.credential_id,
            user: credential.user,
            connection: credential.connection,
            friendly_name: credential.friendly_name,
            attestation: credential.attestation,
            idp_authenticator_id: some(credential.idp_authenticator_id),
            idp_state: some(credential.idp_state),
            on_token: credential.on_token,
            created_at: time(credential.created_at_us),
        }
    }
}

#[derive(Debug, Serialize)]
pub(in crate::command) struct Change {
    at: Option<String>,
    event: String,
    from: String,
    to: String,
    operation_id: Option<String>,
}

impl View for Change {
    const COLUMNS: &'static [&'static str] = &["at", "event", "from", "to", "operation_id"];
}

impl From<wire::StateChange> for Change {
    fn from(change: wire::StateChange) -> Self {
        Self {
            at: time(change.at_us),
            event: change.event,
            from: change.from,
            to: change.to,
            operation_id: some(change.operation_id),
        }
    }
}
