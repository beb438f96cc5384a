//! `keysteward join-token`: secrets with which new hosts enrol.

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, CreateJoinTokenRequest, ListJoinTokensRequest, RevokeJoinTokenRequest,
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
  keysteward join-token create --group berlin --valid-for 1h

On the new host, then: keysteward-agent enrol")]
    Create {
        /// Group that the hosts will belong to
        #[arg(long, default_value = "")]
        group: String,
        /// How many hosts may use it; more than one needs approval of each
        #[arg(long, default_value_t = 1, value_name = "N",
              value_parser = clap::value_parser!(u32).range(1..))]
        uses: u32,
        /// Such as 90m, 24h, 7d
        #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = duration::parse)]
        valid_for: Duration,
        /// Each host waits until an operator approves it
        #[arg(long)]
        needs_approval: bool,
        /// Write the secret to this new file instead of showing it
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// Those that can still be used
    #[command(after_help = "Example:\n  keysteward join-token list --all")]
    List {
        /// Used up, expired and revoked ones too
        #[arg(long)]
        all: bool,
    },
    /// Make one useless
    #[command(
        after_help = "Example:\n  keysteward join-token revoke 0193e2a4-5b1c-7d2e-8f90-a1b2c3d4e5f6"
    )]
    Revoke { id: String },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    if let Command::Create { secret_file, .. } = &command {
        secret_file::check_free(secret_file.as_deref())?;
    }
    let mut join_tokens = context.server().await?.join_tokens();
    match command {
        Command::Create {
            group,
            uses,
            valid_for,
            needs_approval,
            secret_file,
        } => {
            let request = CreateJoinTokenRequest {
                group,
                uses,
                valid_for_s: duration::seconds(Some(valid_for)),
                needs_approval,
            };
            let made = join_tokens.create(request).await?.into_inner();
            let join_token = JoinToken::from(
                made.join_token
                    .ok_or(Failure::Answer("it lacks the join token"))?,
            );
            if let Some(path) = &secret_file {
                secret_file::write(path, &made.secret)?;
            }
            let shown = secret_file.is_none().then_some(&made.secret);
            if context.output.format() == Format::Json {
                return context
                    .output
                    .json(&json!({ "join_token": join_token, "secret": shown }));
            }
            context.output.show(&join_token)?;
            match shown {
                Some(secret) => context
                    .output
                    .say(&format!("\nsecret, shown once:\n{secret}")),
                None => Ok(()),
            }
        }
        Command::List { all } => {
            let answer = join_tokens
                .list(ListJoinTokensRequest { all })
                .await?
                .into_inner();
            let rows: Vec<JoinToken> = answer
                .join_tokens
                .into_iter()
                .map(JoinToken::from)
                .collect();
            context.output.list("join_tokens", &rows, None)
        }
        Command::Revoke { id } => {
            let answer = join_tokens.revoke(RevokeJoinTokenRequest { id }).await?;
            context.output.show(&JoinToken::from(answer.into_inner()))
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct JoinToken {
    id: String,
    group: String,
    uses_left: u32,
    needs_approval: bool,
    revoked: bool,
    expires_at: Option<String>,
    created_by: String,
    created_at: Option<String>,
}

impl View for JoinToken {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "group",
        "uses_left",
        "needs_approval",
        "revoked",
        "expires_at",
        "created_by",
    ];
}

impl From<wire::JoinToken> for JoinToken {
    fn from(token: wire::JoinToken) -> Self {
        Self {
            id: token.id,
            group: token.group,
            uses_left: token.uses_left,
            needs_approval: token.needs_approval,
            revoked: token.revoked,
            expires_at: time(token.expires_at_us),
            created_by: token.created_by,
            created_at: time(token.created_at_us),
        }
    }
}
