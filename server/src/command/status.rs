//! `keysteward-server status`: what the database says, whether the server runs or not.

use anyhow::bail;
use serde::Serialize;

use crate::{
    settings::Settings,
    store::{self, Store, host::State},
};

/// What the database says.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "server.v1.Status, where the database knows")]
pub struct Status {
    pub version: &'static str,
    pub server_id: String,
    pub hosts_enrolled: u64,
    pub hosts_pending: u64,
    pub operations_open: u64,
    pub operations_unknown: u64,
    pub audit_entries: u64,
    pub audit_checkpoint: u64,
    pub reconciling: bool,
    pub hosts_to_reconcile: Vec<String>,
}

/// Looks it up.
///
/// # Errors
/// When there is no server, or its database does not answer.
pub async fn status(settings: &Settings) -> anyhow::Result<Status> {
    let database = settings.database();
    if !database.exists() {
        bail!(
            "{} does not exist: run keysteward-server init first",
            database.display()
        );
    }
    let store = Store::open(&database).await?;
    let mut read = store.read().await?;
    let server = store::server::get(&mut read).await?;
    let since = server.and_then(|server| server.reconcile_since);
    let waited_for = match since {
        Some(since) => store::host::not_reconciled(&mut read, since).await?,
        None => Vec::new(),
    };
    let (operations_open, operations_unknown) = store::operation::count_open(&mut read).await?;
    let checkpoint = store::audit_checkpoint::newest(&mut read).await?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        server_id: server
            .map(|server| server.id.to_string())
            .unwrap_or_default(),
        hosts_enrolled: store::host::count(&mut read, State::Enrolled).await?,
        hosts_pending: store::host::count(&mut read, State::Pending).await?,
        operations_open,
        operations_unknown,
        audit_entries: store::audit::head(&mut read)
            .await?
            .map_or(0, |(seq, _)| seq),
        audit_checkpoint: checkpoint.map_or(0, |checkpoint| checkpoint.seq),
        reconciling: since.is_some(),
        hosts_to_reconcile: waited_for.into_iter().map(|host| host.hostname).collect(),
    })
}
