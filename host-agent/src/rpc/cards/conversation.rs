//! One lease of a card, from `Open` to the end of the stream.
//!
//! ```text
//!          Open, token free        CardStep, CardRaw     result, error
//!  Opening ----------------> Idle ----------> Running ----------------> Idle
//!     |                       |                  '--- Cancel, progress, challenge, answer ---'
//!     '--- TOKEN_BUSY, ...    '--- the card or the caller goes ---> (end)
//! ```

use std::sync::Arc;

use futures::StreamExt as _;
use keysteward_proto::agent::v1 as proto;
use proto::{
    CardLeaseRequest, CardLeaseResponse, card_lease_request::Request as Asked,
    card_lease_response::Response as Said,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    admin::{self, Line, Switchboard},
    request::{self, Ordered},
};
use crate::{
    rpc::{
        caller::Caller,
        journal, opening,
        progress::{listener, progress},
        tokens,
    },
    token::{Inventory, Lease},
    verb::{Cancel, Code, Failure, Order, Outcome, Request, Steps, Waiting},
};

pub(super) struct Conversation {
    pub(super) steps: Steps,
    pub(super) inventory: Arc<Inventory>,
    pub(super) stopping: CancellationToken,
    pub(super) caller: Caller,
    pub(super) answers: mpsc::Sender<Result<CardLeaseResponse, Status>>,
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

impl Conversation {
    pub(super) async fn run(self, mut requests: Streaming<CardLeaseRequest>) {
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

    async fn converse(&self, requests: &mut Streaming<CardLeaseRequest>) -> End {
        let (lease, purpose) = match self.open(requests).await {
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
            let (switchboard, line) = admin::line(self.answers.clone());
            let ordered = match request {
                None => return End::Silent,
                Some(Asked::Open(_)) => {
                    return End::Wrong("this lease is open; one stream is one lease");
                }
                // What they were meant for has ended.
                Some(Asked::Cancel(_) | Asked::AdminAnswer(_)) => continue,
                Some(Asked::Step(step)) => request::step(step, &line),
                Some(Asked::Raw(raw)) => request::raw(raw),
            };
            drop::<Arc<Line>>(line);
            let ordered = ordered.map(|ordered| self.order(&lease, ordered, &purpose));
            let order = match ordered.and_then(|order| self.steps.check(&order).map(|()| order)) {
                Ok(order) => order,
                Err(failure) => {
                    self.answer(Err(failure)).await;
                    continue;
                }
            };
            let cancel = order.cancel.clone();
            let steps = self.steps.clone();
            let running = lease.run(move |bench| steps.perform(bench, order));
            match self.attend(running, &cancel, switchboard, requests).await {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    /// Takes the first request, and waits in line for the token.
    async fn open(
        &self,
        requests: &mut Streaming<CardLeaseRequest>,
    ) -> Result<(Lease, String), End> {
        let open = match next(requests).await {
            Some(Asked::Open(open)) => open,
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
                Some(Asked::Cancel(_)) => End::Told(opening::cancelled()),
                Some(_) => End::Wrong("the lease is not open yet; wait for its answer"),
            }),
        };
        opening::log(&open, &self.caller);
        self.send(Said::Opened(proto::Opened {
            token: Some(tokens::token(lease.token())),
        }))
        .await;
        Ok((lease, open.purpose))
    }

    fn order(&self, lease: &Lease, ordered: Ordered, purpose: &str) -> Order {
        Order {
            request: Request::Card(Box::new(ordered.request)),
            key: ordered.key,
            caller: self.caller.to_string(),
            patience: ordered.patience,
            cancel: Cancel::default(),
            listener: listener(self.answers.clone(), told, &lease.token().title(), purpose),
        }
    }

    /// Waits for a step, while the caller may give it up, and is asked for its admin key.
    async fn attend(
        &self,
        mut running: oneshot::Receiver<Result<Outcome, Failure>>,
        cancel: &Cancel,
        switchboard: Switchboard,
        requests: &mut Streaming<CardLeaseRequest>,
    ) -> Result<(), End> {
        let mut switchboard = Some(switchboard);
        loop {
            tokio::select! {
                result = &mut running => {
                    let result = result.unwrap_or_else(|_| Err(opening::removed()));
                    let removed = matches!(&result, Err(failure) if failure.code == Code::TokenRemoved);
                    self.answer(result).await;
                    // Said already, so not said again.
                    return if removed { Err(End::Silent) } else { Ok(()) };
                }
                request = next(requests), if switchboard.is_some() => match request {
                    // The step runs on; if it asks, nobody answers.
                    None => switchboard = None,
                    Some(Asked::Cancel(_)) => {
                        cancel.request();
                        if let Some(switchboard) = &switchboard {
                            switchboard.give_up();
                        }
                    }
                    Some(Asked::AdminAnswer(answer)) => {
                        if let Some(switchboard) = &switchboard {
                            switchboard.answer(answer);
                        }
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
            Ok(Outcome::Answer(answer)) => Said::Result(journal::result(answer)),
            Ok(Outcome::Raw(mut bytes)) => Said::Raw(proto::CardRawResult {
                response: std::mem::take(&mut *bytes),
            }),
            // Of security keys alone.
            Ok(Outcome::PersistentToken(_) | Outcome::LargeBlob(_)) => Said::Error(journal::error(
                Failure::new(Code::Internal, "this is no answer of a card"),
            )),
            Err(failure) => Said::Error(journal::error(failure)),
        })
        .await;
    }

    async fn send(&self, response: Said) {
        // An error means that the caller has gone; the journal has the result.
        drop(self.answers.send(Ok(wrap(response))).await);
    }
}

/// The next request; `None` when the caller has gone.
async fn next(requests: &mut Streaming<CardLeaseRequest>) -> Option<Asked> {
    loop {
        // An empty message asks for nothing.
        if let Some(request) = requests.next().await?.ok()?.request {
            return Some(request);
        }
    }
}

fn told(progress: proto::Progress) -> CardLeaseResponse {
    wrap(Said::Progress(progress))
}

fn wrap(response: Said) -> CardLeaseResponse {
    CardLeaseResponse {
        response: Some(response),
    }
}
