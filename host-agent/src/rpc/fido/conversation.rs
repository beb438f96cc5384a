//! One lease, from `Open` to the end of the stream.
//!
//! ```text
//!          Open, token free        Step, Raw            result, error
//!  Opening ----------------> Idle ----------> Running ----------------> Idle
//!     |                       |                  '--- Cancel, progress ---'
//!     '--- TOKEN_BUSY, ...    '--- the token or the caller goes ---> (end)
//! ```

use std::{future::Future, pin::Pin, sync::Arc};

use futures::StreamExt as _;
use keysteward_proto::agent::v1 as proto;
use proto::{LeaseRequest, LeaseResponse, lease_request, lease_response, step_result};
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::request;
use crate::{
    rpc::{
        caller::Caller,
        journal, opening,
        progress::{listener, progress},
        tokens,
    },
    token::{Inventory, Lease},
    verb::{Cancel, Code, Failure, Order, Outcome, Request, Steps, Waiting, reset},
};

pub(super) struct Conversation {
    pub(super) steps: Steps,
    pub(super) inventory: Arc<Inventory>,
    pub(super) stopping: CancellationToken,
    pub(super) caller: Caller,
    pub(super) answers: mpsc::Sender<Result<LeaseResponse, Status>>,
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

impl Conversation {
    pub(super) async fn run(self, mut requests: Streaming<LeaseRequest>) {
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

    async fn converse(&self, requests: &mut Streaming<LeaseRequest>) -> End {
        let (mut lease, purpose) = match self.open(requests).await {
            Ok(opened) => opened,
            Err(end) => return end,
        };
        loop {
            let gone = lease.token().gone().clone();
            let request = tokio::select! {
                request = next(requests) => request,
                () = gone.cancelled() => return End::Told(opening::removed()),
                () = self.stopping.cancelled() => return End::Silent,
            };
            let ordered = match request {
                None => return End::Silent,
                Some(lease_request::Request::Open(_)) => {
                    return End::Wrong("this lease is open; one stream is one lease");
                }
                // What it was meant for has ended.
                Some(lease_request::Request::Cancel(_)) => continue,
                Some(lease_request::Request::Step(step)) => request::step(step),
                Some(lease_request::Request::Raw(raw)) => request::raw(raw),
            };
            let ordered = ordered.map(|ordered| self.order(&lease, ordered, &purpose));
            let order = match ordered.and_then(|order| self.steps.check(&order).map(|()| order)) {
                Ok(order) => order,
                Err(failure) => {
                    self.answer(Err(failure)).await;
                    continue;
                }
            };
            let cancel = order.cancel.clone();
            let running = self.start(lease, order);
            match self.attend(running, &cancel, requests).await {
                Ok(Some(still)) => lease = still,
                Ok(None) => return End::Silent,
                Err(end) => return end,
            }
        }
    }

    /// Takes the first request, and waits in line for the token.
    async fn open(&self, requests: &mut Streaming<LeaseRequest>) -> Result<(Lease, String), End> {
        let open = match next(requests).await {
            Some(lease_request::Request::Open(open)) => open,
            Some(_) => return Err(End::Wrong("the first request of a lease is open")),
            None => return Err(End::Silent),
        };
        let waits = || {
            let waits = progress(
                Waiting::Lease,
                "another caller has the token; waiting in line".to_owned(),
            );
            drop(self.answers.try_send(Ok(told(waits))));
        };
        let lease = tokio::select! {
            lease = opening::lease(&self.inventory, &open, waits) => lease.map_err(End::Told)?,
            request = next(requests) => return Err(match request {
                None => End::Silent,
                Some(lease_request::Request::Cancel(_)) => End::Told(opening::cancelled()),
                Some(_) => End::Wrong("the lease is not open yet; wait for its answer"),
            }),
        };
        opening::log(&open, &self.caller);
        self.send(lease_response::Response::Opened(proto::Opened {
            token: Some(tokens::token(lease.token())),
        }))
        .await;
        Ok((lease, open.purpose))
    }

    fn order(&self, lease: &Lease, ordered: request::Ordered, purpose: &str) -> Order {
        Order {
            request: ordered.request,
            key: ordered.key,
            caller: self.caller.to_string(),
            patience: ordered.patience,
            cancel: Cancel::default(),
            listener: listener(self.answers.clone(), told, &lease.token().title(), purpose),
        }
    }

    fn start(&self, lease: Lease, order: Order) -> Running {
        let steps = self.steps.clone();
        if matches!(order.request, Request::Reset) {
            let inventory = Arc::clone(&self.inventory);
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

    /// Waits for a step, while the caller may give it up. `None`: the lease has ended with it.
    async fn attend(
        &self,
        mut running: Running,
        cancel: &Cancel,
        requests: &mut Streaming<LeaseRequest>,
    ) -> Result<Option<Lease>, End> {
        let mut listening = true;
        loop {
            tokio::select! {
                (lease, result) = &mut running => {
                    let removed = matches!(&result, Err(failure) if failure.code == Code::TokenRemoved);
                    self.answer(result).await;
                    // Said already, so not said again.
                    return Ok(lease.filter(|_| !removed));
                }
                request = next(requests), if listening => match request {
                    None => listening = false,
                    Some(lease_request::Request::Cancel(_)) => {
                        cancel.request();
                        self.inventory.nudge();
                    }
                    Some(_) => return Err(End::Wrong(
                        "a request is being carried out; wait for its answer, or cancel it",
                    )),
                },
            }
        }
    }

    async fn answer(&self, result: Result<Outcome, Failure>) {
        self.send(match result {
            Ok(Outcome::Answer(answer)) => {
                lease_response::Response::Result(journal::result(answer))
            }
            Ok(Outcome::Raw(mut bytes)) => lease_response::Response::Raw(proto::RawResult {
                response: std::mem::take(&mut *bytes),
            }),
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
            Err(failure) => lease_response::Response::Error(journal::error(failure)),
        })
        .await;
    }

    async fn send(&self, response: lease_response::Response) {
        // An error means that the caller has gone; the journal has the result.
        drop(self.answers.send(Ok(wrap(response))).await);
    }
}

/// The next request; `None` when the caller has gone.
async fn next(requests: &mut Streaming<LeaseRequest>) -> Option<lease_request::Request> {
    loop {
        // An empty message asks for nothing.
        if let Some(request) = requests.next().await?.ok()?.request {
            return Some(request);
        }
    }
}

fn told(progress: proto::Progress) -> LeaseResponse {
    wrap(lease_response::Response::Progress(progress))
}

/// A result that no journal keeps.
fn secret(result: step_result::Result) -> lease_response::Response {
    lease_response::Response::Result(proto::StepResult {
        result: Some(result),
    })
}

fn wrap(response: lease_response::Response) -> LeaseResponse {
    LeaseResponse {
        response: Some(response),
    }
}
