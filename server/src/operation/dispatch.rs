//! Who works when: operations that are due go to workers, a bounded number at once.

use core::time::Duration;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Inner;
use crate::store::{self, OperationId, operation};

impl Inner {
    /// Gives due operations to workers, for ever.
    pub(super) async fn dispatch(self: &Arc<Self>) {
        let mut workers = JoinSet::new();
        loop {
            while let Some(ended) = workers.try_join_next() {
                self.ended(ended);
            }
            let free = self.settings.workers.saturating_sub(workers.len());
            match self.take_due(free).await {
                Ok(due) => {
                    for id in due {
                        let cancelled = CancellationToken::new();
                        self.running().insert(id, cancelled.clone());
                        let inner = self.clone();
                        workers.spawn(async move { (id, inner.run(id, cancelled).await) });
                    }
                }
                Err(error) => tracing::error!(%error, "cannot look for operations that are due"),
            }
            let sleep = self.until_next().await;
            tokio::select! {
                () = self.due.notified() => {}
                () = tokio::time::sleep(sleep) => {}
                Some(ended) = workers.join_next(), if !workers.is_empty() => self.ended(ended),
            }
        }
    }

    fn ended(&self, ended: Result<(OperationId, store::Result<()>), JoinError>) {
        match ended {
            Ok((id, result)) => {
                self.running().remove(&id);
                if let Err(error) = result {
                    tracing::error!(operation = %id, %error, "stopped; taken up again when its lease ends");
                }
            }
            Err(error) => tracing::error!(%error, "a worker failed"),
        }
    }

    async fn take_due(&self, free: usize) -> store::Result<Vec<OperationId>> {
        let limit = u32::try_from(free + self.running().len()).unwrap_or(u32::MAX);
        let mut read = self.store.read().await?;
        let mut due = operation::due(&mut read, self.clock.now(), limit).await?;
        due.retain(|id| !self.running().contains_key(id));
        due.truncate(free);
        Ok(due)
    }

    /// Until the clock alone makes something due.
    async fn until_next(&self) -> Duration {
        let next = async {
            let mut read = self.store.read().await?;
            operation::next_due(&mut read).await
        };
        match next.await {
            Ok(Some(at)) => at
                .since(self.clock.now())
                .clamp(SHORTEST_SLEEP, LONGEST_SLEEP),
            Ok(None) => LONGEST_SLEEP,
            Err(_) => Duration::from_secs(1),
        }
    }
}

const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
