//! What goes to the hosts besides steps: acknowledgements of outcomes, and
//! checkpoints of the audit for them to keep as witnesses.

use core::time::Duration;

use keysteward_proto::agent::v1::StepKey;

use super::Inner;
use crate::{
    audit::checkpoint,
    store::{self, outbox, server},
};

impl Inner {
    /// Tells agents what they may forget, for ever.
    pub(super) async fn acknowledge(&self) {
        loop {
            tokio::select! {
                () = self.outbox.notified() => {}
                () = tokio::time::sleep(AGAIN) => {}
            }
            // Several steps in one call.
            tokio::time::sleep(GATHER).await;
            if let Err(error) = self.acknowledge_all().await {
                tracing::error!(%error, "outcomes were not acknowledged; tried again");
            }
        }
    }

    async fn acknowledge_all(&self) -> store::Result<()> {
        let mut read = self.store.read().await?;
        let hosts = outbox::hosts(&mut read).await?;
        for host in hosts {
            if !self.hosts.is_linked(host) {
                continue;
            }
            let due = outbox::of_host(&mut read, host).await?;
            let Some(last) = due.last().map(|row| row.id) else {
                continue;
            };
            let keys = due
                .into_iter()
                .map(|row| StepKey {
                    operation_id: row.operation_id.to_string(),
                    step: row.step,
                    attempt: row.attempt,
                })
                .collect();
            if let Err(error) = self.hosts.acknowledge(host, keys).await {
                tracing::debug!(%host, %error, "not acknowledged; tried again");
                continue;
            }
            let mut tx = self.store.write().await?;
            outbox::delete(&mut tx, host, last).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Signs the audit's head, and sends it off the machine, for ever.
    pub(super) async fn sign(&self) {
        let mut turn = 0_usize;
        loop {
            tokio::time::sleep(checkpoint::INTERVAL).await;
            if let Err(error) = self.sign_once(&mut turn).await {
                tracing::error!(%error, "the audit's head was not signed");
            }
        }
    }

    async fn sign_once(&self, turn: &mut usize) -> store::Result<()> {
        let mut tx = self.store.write().await?;
        let now = self.clock.now();
        let key = self.keys.signing_key();
        checkpoint::sign_head(&mut tx, key, checkpoint::ROWS, now).await?;
        tx.commit().await?;
        let mut read = self.store.read().await?;
        let Some(newest) = checkpoint::newest(&mut read).await? else {
            return Ok(());
        };
        let Some(server) = server::get(&mut read).await? else {
            return Ok(());
        };
        drop(read);
        let mut hosts = self.hosts.linked();
        hosts.sort_unstable();
        // A few at a time, in turn: every agent gets one with its hello anyway.
        let chosen = hosts
            .iter()
            .cycle()
            .skip(*turn)
            .take(WITNESSES.min(hosts.len()));
        for host in chosen {
            *turn = (*turn + 1) % hosts.len().max(1);
            if let Err(error) = self.hosts.witness(*host, server.id, &newest).await {
                tracing::debug!(%host, %error, "no witness there");
            }
        }
        Ok(())
    }
}

/// Lets the acknowledgements of a few steps gather.
const GATHER: Duration = Duration::from_millis(200);
/// What was not acknowledged is tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// Hosts that get a new checkpoint each interval.
const WITNESSES: usize = 3;
