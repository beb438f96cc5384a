//! One lease, from `Open` to the end of the stream.
//!
//! ```text
//!          Open, token free        step, raw bytes       result, error
//!  Opening ----------------> Idle ----------> Running ----------------> Idle
//!     |                       |                  '--- Cancel, progress, question, answer ---'
//!     '--- TOKEN_BUSY, ...    '--- the token or the caller goes, or nothing is said ---> (end)
//! ```

use std::{future::Future, pin::Pin, sync::Arc};

use futures::StreamExt as _;
use keysteward_proto::agent::v1 as proto;
use proto::step_result;
use tokio::{runtime::Handle, time::sleep};
use tonic::{Status, Streaming};

use super::{Answers, Asked, Ear as _, Family, Leases, Said};
use crate::{
    rpc::{
        caller::Caller,
        journal, opening,
        progress::{listener, progress},
        step::Ordered,
        tokens,
    },
    token::Lease,
    verb::{Cancel, Code, Failure, Order, Outcome, Request, Waiting, reset},
};

pub(super) struct Conversation<F: Family> {
    pub(super) leases: Leases,
    pub(super) caller: Caller,
    pub(super) answers: Answers<F::Response>,
}

/// Why the stream ends.
enum End {
    /// The caller has gone, or has heard all there is.
    Silent,
    /// With this as the last answer.
    Told(Failure),
    /// The caller does not keep to the order of requests.
    Wrong(&'static str),
}

/// A step that runs. Dropped, it runs on.
type Running = Pin<Box<dyn Future<Output = (Option<Lease>, Result<Outcome, Failure>)> + Send>>;

impl<F: Family> Conversation<F> {
    pub(super) async fn run(self, mut requests: Streaming<F::Request>) {
        match self.converse(&mut requests).await {
            End::Silent => {}
            End::Told(failure) => self.answer(Err(failure)).await,
            End::Wrong(why) => {
                drop(
                    self.answers
                        .send(Err(Status::failed_precondition(why)))
                        .await,
                );
            }
        }
    }

    async fn converse(&self, requests: &mut Streaming<F::Request>) -> End {
        let (mut lease, purpose) = match self.open(requests).await {
            Ok(opened) => opened,
            Err(end) => return end,
        };
        loop {
            let gone = lease.token().gone().clone();
            let request = tokio::select! {
                request = next::<F>(requests) => request,
                () = gone.cancelled() => return End::Told(opening::removed()),
                () = self.leases.stopping.cancelled() => return End::Silent,
                () = sleep(self.leases.idle) => {
                    return End::Told(opening::idle(self.leases.idle));
                }
            };
            let (ordered, ear) = match request {
                None => return End::Silent,
                Some(Asked::Open(_)) => {
                    return End::Wrong("this lease is open; one stream is one lease");
                }
                // What they were meant for has ended; they show that the caller is there.
                Some(Asked::Cancel | Asked::Answer(_)) => continue,
                Some(Asked::Work(work)) => F::order(work, &self.answers),
            };
            let ordered = ordered.map(|ordered| self.order(&lease, ordered, &purpose));
            let checked = ordered.and_then(|order| self.leases.steps.check(&order).map(|()| order));
            let order = match checked {
                Ok(order) => order,
                Err(failure) => {
                    self.answer(Err(failure)).await;
                    continue;
                }
            };
            let cancel = order.cancel.clone();
            let running = self.start(lease, order);
            match self.attend(running, &cancel, ear, requests).await {
                Ok(Some(still)) => lease = still,
                Ok(None) => return End::Silent,
                Err(end) => return end,
            }
        }
    }

    /// Takes the first request, and waits in line for the token.
    async fn open(&self, requests: &mut Streaming<F::Request>) -> Result<(Lease, String), End> {
        let open = match next::<F>(requests).await {
            Some(Asked::Open(open)) => open,
            Some(_) => return Err(End::Wrong("the first request of a lease is open")),
            None => return Err(End::Silent),
        };
        let waits = || {
            let waits = progress(
                Waiting::Lease,
                "another caller has the token; waiting in line".to_owned(),
            );
            drop(
                self.answers
                    .try_send(Ok(F::response(Said::Progress(waits)))),
            );
        };
        let lease = tokio::select! {
            lease = opening::lease(&self.leases.inventory, &open, waits) => {
                lease.map_err(End::Told)?
            }
            request = next::<F>(requests) => return Err(match request {
                None => End::Silent,
                Some(Asked::Cancel) => End::Told(opening::cancelled()),
                Some(_) => End::Wrong("the lease is not open yet; wait for its answer"),
            }),
        };
        opening::log(&open, &self.caller);
        let opened = proto::Opened {
            token: Some(tokens::token(lease.token())),
        };
        self.send(Said::Opened(Box::new(opened))).await;
        Ok((lease, open.purpose))
    }

    fn order(&self, lease: &Lease, ordered: Ordered, purpose: &str) -> Order {
        let title = lease.token().title();
        let told = |progress| F::response(Said::Progress(progress));
        Order {
            request: ordered.request,
            key: ordered.key,
            caller: self.caller.to_string(),
            patience: ordered.patience,
            cancel: Cancel::default(),
            listener: listener(self.answers.clone(), told, &title, purpose),
        }
    }

    fn start(&self, lease: Lease, order: Order) -> Running {
        let steps = self.leases.steps.clone();
        if matches!(order.request, Request::Reset) {
            let inventory = Arc::clone(&self.leases.inventory);
            let runtime = Handle::current();
            let reset = tokio::task::spawn_blocking(move || {
                reset::reset(&steps, &inventory, &runtime, lease, order)
            });
            return Box::pin(async move {
                reset.await.unwrap_or_else(|_| {
                    let failure = Failure::new(Code::Internal, "the reset failed; see the journal");
                    (None, Err(failure))
                })
            });
        }
        let done = lease.run(move |bench| steps.perform(bench, order));
        Box::pin(async move {
            let result = done.await.unwrap_or_else(|_| Err(opening::removed()));
            (Some(lease), result)
        })
    }

    /// Waits for a step, while the caller may give it up, and answers what the step asks it.
    /// `None`: the lease has ended with it.
    async fn attend(
        &self,
        mut running: Running,
        cancel: &Cancel,
        ear: F::Ear,
        requests: &mut Streaming<F::Request>,
    ) -> Result<Option<Lease>, End> {
        // `None` once the caller has gone: the step runs on; if it asks, nobody answers.
        let mut ear = Some(ear);
        loop {
            tokio::select! {
                (lease, result) = &mut running => {
                    let removed = matches!(&result, Err(failure) if failure.code == Code::TokenRemoved);
                    self.answer(result).await;
                    // Said already, so not said again.
                    return Ok(lease.filter(|_| !removed));
                }
                request = next::<F>(requests), if ear.is_some() => match (request, &ear) {
                    (None, _) | (_, None) => ear = None,
                    (Some(Asked::Cancel), Some(ear)) => {
                        cancel.request();
                        ear.give_up();
                        self.leases.inventory.nudge();
                    }
                    (Some(Asked::Answer(answer)), Some(ear)) => ear.answer(answer),
                    (Some(_), _) => return Err(End::Wrong(
                        "a request is being carried out; wait for its answer, or cancel it",
                    )),
                },
            }
        }
    }

    async fn answer(&self, result: Result<Outcome, Failure>) {
        self.send(match result {
            Ok(Outcome::Answer(answer)) => Said::Result(journal::result(answer)),
            Ok(Outcome::Raw(mut bytes)) => Said::Raw(std::mem::take(&mut *bytes)),
            Ok(Outcome::PersistentToken(mut bytes)) => secret(
                step_result::Result::PersistentTokenGranted(proto::PersistentTokenGranted {
                    persistent_token: std::mem::take(&mut *bytes),
                }),
            ),
            Ok(Outcome::LargeBlob(mut bytes)) => {
                secret(step_result::Result::LargeBlobRead(proto::LargeBlobRead {
                    data: std::mem::take(&mut *bytes),
                }))
            }
            Err(failure) => Said::Error(journal::error(failure)),
        })
        .await;
    }

    async fn send(&self, said: Said) {
        // An error means that the caller has gone; the journal has the result.
        drop(self.answers.send(Ok(F::response(said))).await);
    }
}

/// The next request; `None` when the caller has gone.
async fn next<F: Family>(requests: &mut Streaming<F::Request>) -> Option<Asked<F::Work>> {
    loop {
        if let Some(asked) = F::asked(requests.next().await?.ok()?) {
            return Some(asked);
        }
    }
}

/// A result that no journal keeps.
fn secret(result: step_result::Result) -> Said {
    Said::Result(proto::StepResult {
        result: Some(result),
    })
}
