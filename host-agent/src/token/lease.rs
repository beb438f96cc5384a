//! One caller has one token to itself.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Bench, Job, Token};

/// The token is this caller's, until the lease and every job begun under it have ended.
#[derive(Debug)]
pub(crate) struct Lease {
    token: Arc<Token>,
    hold: Arc<Hold>,
}

/// Held by the lease and by each of its jobs; the last one lets the token go.
#[derive(Debug)]
struct Hold {
    token: Arc<Token>,
    _permit: OwnedSemaphorePermit,
}

/// Why there is no lease.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LeaseError {
    /// Another caller has it, and went on having it.
    Busy,
    /// The token was unplugged.
    Removed,
}

impl Token {
    /// Whether a lease would have to wait.
    pub(crate) fn is_leased(&self) -> bool {
        self.leases.available_permits() == 0
    }

    /// Waits in line for the token, at most `patience`.
    pub(crate) async fn lease(self: &Arc<Self>, patience: Duration) -> Result<Lease, LeaseError> {
        let waiting = Arc::clone(&self.leases).acquire_owned();
        match tokio::time::timeout(patience, waiting).await {
            Ok(Ok(permit)) => Ok(Lease {
                token: Arc::clone(self),
                hold: Arc::new(Hold {
                    token: Arc::clone(self),
                    _permit: permit,
                }),
            }),
            Ok(Err(_)) => Err(LeaseError::Removed),
            Err(_) => Err(LeaseError::Busy),
        }
    }
}

impl Lease {
    pub(crate) const fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// Runs `job` on the token's thread, to its end, whether or not anybody waits for it. The
    /// answer is an error if the token's thread has ended before.
    pub(crate) fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Bench) -> R + Send + 'static,
    ) -> oneshot::Receiver<R> {
        let (answer, waiting) = oneshot::channel();
        let hold = Arc::clone(&self.hold);
        let job = Job::Work(Box::new(move |bench| {
            let result = job(bench);
            // Let go before the answer: who has it may lease the token again.
            drop(hold);
            // An error means that the caller has gone.
            drop(answer.send(result));
        }));
        // An error drops the job, and with it `answer`: the caller sees that.
        drop(self.token.jobs.send(job));
        waiting
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Before the permit, which is dropped after this: the next lease starts with a closed link.
        drop(self.token.jobs.send(Job::Release));
    }
}
