//! `keysteward api-key`: secrets with which programs call the server.

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest,
};
use serde::Serialize;
use serde_json::json;

use super::{Context, secret_file};
use crate::{
    duration,
    failure::{Failure, Result},
    output::{Format, View, time},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make one; its secret is shown once
    #[command(after_help = "\
Example:
  keysteward api-key create helpdesk --scope read --scope issue --secret-file helpdesk.key")]
    Create {
        name: String,
        /// What it may do; may be given several times
        #[arg(long = "scope", required = true, value_name = "SCOPE",
              value_parser = ["read", "hosts", "issue", "pins", "audit", "admin"])]
        scopes: Vec<String>,
        /// Such as 12h, 30d
        #[arg(long, default_value = "90d", value_name = "DURATION", value_parser = duration::parse)]
        valid_for: Duration,
        /// Write the secret to this new file instead of showing it
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// Those that work
    #[command(after_help = "Example:\n  keysteward api-key list")]
    List {
        /// Expired and revoked ones too
        #[arg(long)]
        all: bool,
    },
    /// Make one useless, at once
    #[command(after_help = "Example:\n  keysteward api-key revoke helpdesk")]
    Revoke {
        /// Id, or name
        api_key: String,
    },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    if let Command::Create { secret_file, .. } = &command {
        secret_file::check_free(secret_file.as_deref())?;
    }
    let mut api_keys = context.server().await?.api_keys();
    match command {
        Command::Create {
            name,
            scopes,
            valid_for,
            secret_file,
        } => {
            let request = CreateApiKeyRequest {
                name,
                scopes,
                valid_for_s: duration::seconds(Some(valid_for)),
            };
            let made = api_keys.create(request).await?.into_inner();
            let api_key = ApiKey::from(
                made.api_key
                    .ok_or(Failure::Answer("it lacks the API key"))?,
            );
            if let Some(path) = &secret_file {
                secret_file::write(path, &made.secret)?;
            }
            let shown = secret_file.is_none().then_some(&made.secret);
            if context.output.format() == Format::Json {
                return context
                    .output
                    .json(&json!({ "api_key": api_key, "secret": shown }));
            }
            context.output.show(&api_key)?;
            match shown {
                Some(secret) => context
                    .output
                    .say(&format!("\nsecret, shown once:\n{secret}")),
                None => Ok(()),
            }
        }
        Command::List { all } => {
            let answer = api_keys
                .list(ListApiKeysRequest { all })
                .await?
                .into_inner();
            let rows: Vec<ApiKey> = answer.api_keys.into_iter().map(ApiKey::from).collect();
            context.output.list("api_keys", &rows, None)
        }
        Command::Revoke { api_key } => {
            let answer = api_keys.revoke(RevokeApiKeyRequest { api_key }).await?;
            context.output.show(&ApiKey::from(answer.into_inner()))
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct ApiKey {
    id: String,
    name: String,
    scopes: Vec<String>,
    revoked: bool,
    created_at: Option<String>,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl View for ApiKey {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "scopes",
        "revoked",
        "expires_at",
        "last_used_at",
    ];
}

impl From<wire::ApiKey> for ApiKey {
    fn from(key: wire::ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: key.scopes,
            revoked: key.revoked,
            created_at: time(key.created_at_us),
            expires_at: time(key.expires_at_us),
            last_used_at: time(key.last_used_at_us),
        }
    }
}
