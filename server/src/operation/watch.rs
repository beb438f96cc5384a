//! What operations tell those who watch: each change, each touch that is wanted.
//!
//! In memory: what was missed is read from the database again.

use tokio::sync::broadcast;

use crate::store::{
    self, OperationId, Store,
    operation::{self, Operation},
};

/// Something to tell.
#[derive(Clone, Debug)]
pub enum Update {
    /// It changed.
    Operation(Box<Operation>),
    /// Somebody at a host must do something now.
    Prompt(Prompt),
}

/// What somebody at a host must do now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Prompt {
    /// For which operation.
    pub operation: OperationId,
    /// `touch`, `unplug`, `plug-in`, `processing`.
    pub kind: &'static str,
    /// Where.
    pub hostname: String,
    /// A sentence.
    pub message: String,
}

impl Update {
    fn operation(&self) -> OperationId {
        match self {
            Self::Operation(operation) => operation.id,
            Self::Prompt(prompt) => prompt.operation,
        }
    }
}

/// Follows one operation.
#[derive(Debug)]
pub struct Watch {
    id: OperationId,
    updates: broadcast::Receiver<Update>,
    store: Store,
}

impl Watch {
    pub(super) fn new(id: OperationId, updates: broadcast::Receiver<Update>, store: Store) -> Self {
        Self { id, updates, store }
    }

    /// The next change or prompt. `None` when the engine has gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next(&mut self) -> store::Result<Option<Update>> {
        loop {
            match self.updates.recv().await {
                Ok(update) if update.operation() == self.id => return Ok(Some(update)),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return Ok(None),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let mut read = self.store.read().await?;
                    let now = operation::get(&mut read, self.id).await?;
                    return Ok(now.map(|now| Update::Operation(Box::new(now))));
                }
            }
        }
    }
}

/// What may wait to be taken off by the slowest watcher.
pub(super) const KEPT: usize = 4096;
