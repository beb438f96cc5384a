//! Writes down when hosts were seen: many in one transaction, because after an
//! outage ten thousand of them come back within a minute.

use keysteward_proto::agent::v1::HostFacts;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::{
    audit::{self, Entry, Outcome},
    store::{self, HostId, Micros, Store, Write, host::Facts},
};

/// A host was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) host: HostId,
    pub(super) at: Micros,
    /// What it said, when its link came up.
    pub(super) hello: Option<SaidHello>,
}

#[derive(Debug)]
pub(super) struct SaidHello {
    pub(super) link_epoch: u64,
    pub(super) agent_version: String,
    pub(super) facts: Facts,
}

/// Writes until it is told to stop, and then what is still in the queue.
pub(super) async fn write_down(
    store: Store,
    mut seen: mpsc::Receiver<Seen>,
    mut stop: oneshot::Receiver<()>,
) {
    let mut batch = Vec::new();
    loop {
        let got = tokio::select! {
            biased;
            got = seen.recv_many(&mut batch, BATCH) => got,
            // Dropped or used: both mean stop. After it, what is queued is read above.
            _ = &mut stop, if !seen.is_closed() => {
                seen.close();
                continue;
            }
        };
        if got == 0 {
            return;
        }
        if let Err(error) = write_batch(&store, &batch).await {
            tracing::error!(%error, hosts = batch.len(), "not written down when hosts were seen");
        }
        batch.clear();
    }
}

async fn write_batch(store: &Store, batch: &[Seen]) -> store::Result<()> {
    let mut tx = store.write().await?;
    for seen in batch {
        match &seen.hello {
            None => store::host::set_last_seen(&mut tx, seen.host, seen.at).await?,
            Some(hello) => linked(&mut tx, seen, hello).await?,
        }
    }
    tx.commit().await
}

async fn linked(tx: &mut Write<'_>, seen: &Seen, hello: &SaidHello) -> store::Result<()> {
    let Some(host) = store::host::get(tx, seen.host).await? else {
        return Ok(());
    };
    // The agent counts on its disk, before it links: a number seen before means
    // an old copy of that disk.
    if hello.link_epoch <= host.link_epoch {
        let mut facts = Map::new();
        facts.insert("link_epoch".into(), json!(hello.link_epoch));
        facts.insert("seen_before".into(), json!(host.link_epoch));
        facts.insert(
            "hostname".into(),
            Value::from(hello.facts.hostname.as_str()),
        );
        let entry = Entry {
            at: seen.at,
            actor: format!("host:{}", seen.host),
            verb: "host.epoch-went-back",
            object: format!("host:{}", seen.host),
            operation: None,
            outcome: Outcome::Ok,
            facts,
        };
        audit::append(tx, entry).await?;
    }
    let epoch = hello.link_epoch.max(host.link_epoch);
    store::host::set_linked(
        tx,
        seen.host,
        epoch,
        &hello.agent_version,
        &hello.facts,
        seen.at,
    )
    .await
}

/// What a host says of itself, cut to what a column should hold.
pub(super) fn facts(said: Option<HostFacts>) -> Facts {
    let said = said.unwrap_or_default();
    Facts {
        hostname: shortened(said.hostname),
        os: shortened(said.os),
        os_version: shortened(said.os_version),
        machine_id: shortened(said.machine_id),
        architecture: shortened(said.architecture),
    }
}

pub(super) fn shortened(mut text: String) -> String {
    let mut end = LONGEST.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

const BATCH: usize = 256;
const LONGEST: usize = 256;
