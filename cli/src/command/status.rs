//! `keysteward status` and `reconciliation`: how the server, or an agent, is doing.

use clap::Subcommand;
use keysteward_proto::{
    agent::v1::GetHealthRequest,
    server::v1::{self as wire, EndReconciliationRequest, GetStatusRequest},
};
use serde::Serialize;

use super::Context;
use crate::{
    failure::Result,
    output::{View, time},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  keysteward status --output json")]
pub(crate) struct Args {}

#[derive(Debug, Subcommand)]
pub(crate) enum Reconciliation {
    /// Give up waiting for hosts that are not coming back
    #[command(after_help = "\
After a restore nothing runs until the journal of every host was read.

Example:
  keysteward reconciliation end --reason 'laptop-3 was scrapped'")]
    End {
        /// Kept in the audit record
        #[arg(long)]
        reason: String,
    },
}

pub(crate) async fn run(_: Args, mut context: Context<'_>) -> Result<()> {
    if let Some(agent) = context.agent().await? {
        let health = agent
            .host()
            .get_health(GetHealthRequest {})
            .await?
            .into_inner();
        return context.output.show(&Health {
            uplink: health.uplink,
            tokens: health.tokens,
            journal_entries: health.journal_entries,
            journal_unsettled: health.journal_unsettled,
            started_at: time(health.started_at_us),
            certificate_expires_at: time(health.certificate_expires_at_us),
        });
    }
    let mut system = context.server().await?.system();
    let status = system.get_status(GetStatusRequest {}).await?.into_inner();
    context.output.show(&Status::from(status))
}

pub(crate) async fn reconciliation(
    command: Reconciliation,
    mut context: Context<'_>,
) -> Result<()> {
    let Reconciliation::End { reason } = command;
    let mut system = context.server().await?.system();
    let request = EndReconciliationRequest { reason };
    let status = system.end_reconciliation(request).await?.into_inner();
    context.output.show(&Status::from(status))
}

#[derive(Debug, Serialize)]
struct Status {
    version: String,
    server_id: String,
    hosts_linked: u32,
    hosts_enrolled: u32,
    operations_open: u32,
    operations_unknown: u32,
    audit_entries: u64,
    audit_checkpoint: u64,
    reconciling: bool,
    hosts_to_reconcile: Vec<String>,
}

impl View for Status {
    const COLUMNS: &'static [&'static str] = &[
        "version",
        "server_id",
        "hosts_linked",
        "hosts_enrolled",
        "operations_open",
        "operations_unknown",
        "audit_entries",
        "audit_checkpoint",
        "reconciling",
        "hosts_to_reconcile",
    ];
}

impl From<wire::Status> for Status {
    fn from(status: wire::Status) -> Self {
        Self {
            version: status.version,
            server_id: status.server_id,
            hosts_linked: status.hosts_linked,
            hosts_enrolled: status.hosts_enrolled,
            operations_open: status.operations_open,
            operations_unknown: status.operations_unknown,
            audit_entries: status.audit_entries,
            audit_checkpoint: status.audit_checkpoint,
            reconciling: status.reconciling,
            hosts_to_reconcile: status.hosts_to_reconcile,
        }
    }
}

#[derive(Debug, Serialize)]
struct Health {
    uplink: String,
    tokens: u32,
    journal_entries: u32,
    journal_unsettled: u32,
    started_at: Option<String>,
    certificate_expires_at: Option<String>,
}

impl View for Health {
    const COLUMNS: &'static [&'static str] = &[
        "uplink",
        "tokens",
        "journal_entries",
        "journal_unsettled",
        "started_at",
        "certificate_expires_at",
    ];
}
