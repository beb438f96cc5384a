//! `keysteward suspend`, `resume`, `revoke`: moves in the life of an issued key.

use std::time::Duration;

use keysteward_proto::server::v1::{
    self as wire, StartOperationRequest, start_operation_request::Kind,
};

use super::{Context, operation};
use crate::{duration, failure::Result, secret_input::OptionalPin, watch::Wait};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  keysteward suspend 5a1c")]
pub(crate) struct Suspend {
    /// Id, an unambiguous beginning of one, or serial
    token: String,
    #[command(flatten)]
    work: Work,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  keysteward resume 5a1c")]
pub(crate) struct Resume {
    /// Id, an unambiguous beginning of one, or serial
    token: String,
    #[command(flatten)]
    work: Work,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key need not be at hand: it is revoked at the identity provider at once, and what is
to be deleted on it waits until an agent sees it.

Example:
  keysteward revoke 5a1c --reason lost")]
pub(crate) struct Revoke {
    /// Id, an unambiguous beginning of one, or serial
    token: String,
    /// lost, stolen, damaged, left, replaced, or in your own words
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    pin: OptionalPin,
    #[command(flatten)]
    work: Work,
}

/// What every operation takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Work {
    /// Chosen by the caller (UUID); the same id again is the same operation
    #[arg(long, value_name = "ID", value_parser = uuid::Uuid::parse_str)]
    operation_id: Option<uuid::Uuid>,
    /// How long the work may wait for an absent host or key [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    valid_for: Option<Duration>,
    #[command(flatten)]
    pub(super) wait: Wait,
}

impl Work {
    pub(super) fn request(&self, kind: Kind) -> StartOperationRequest {
        StartOperationRequest {
            operation_id: self
                .operation_id
                .map(|id| id.to_string())
                .unwrap_or_default(),
            kind: Some(kind),
            batch: String::new(),
            valid_for_s: duration::seconds(self.valid_for),
        }
    }

    pub(super) async fn run(&self, kind: Kind, mut context: Context<'_>) -> Result<()> {
        operation::start(&mut context, self.request(kind), &self.wait).await
    }
}

pub(crate) async fn suspend(args: Suspend, context: Context<'_>) -> Result<()> {
    let kind = Kind::Suspend(wire::Suspend { token: args.token });
    args.work.run(kind, context).await
}

pub(crate) async fn resume(args: Resume, context: Context<'_>) -> Result<()> {
    let kind = Kind::Resume(wire::Resume { token: args.token });
    args.work.run(kind, context).await
}

pub(crate) async fn revoke(args: Revoke, context: Context<'_>) -> Result<()> {
    let pin = args
        .pin
        .read()?
        .map(|pin| pin.to_string())
        .unwrap_or_default();
    let kind = Kind::Revoke(wire::Revoke {
        token: args.token,
        reason: args.reason,
        pin,
    });
    args.work.run(kind, context).await
}
