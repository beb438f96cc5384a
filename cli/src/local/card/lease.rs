//! One card to ourselves: the agent's lease of cards, from open to the last answer.

use std::time::Duration;

use keysteward_proto::agent::v1::{
    Cancel, CardLeaseRequest, CardLeaseResponse, CardStep, Open, StepKey,
    card_lease_request::Request, card_lease_response::Response, card_step::Verb,
    step_result::Result as Outcome,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::{
    connect::Agent,
    failure::{Failure, Result},
    watch::Screen,
};

/// How long another program's lease is waited for.
const WAIT: Duration = Duration::from_secs(30);
/// A card may take a minute to make a long RSA key.
const STEP: Duration = Duration::from_secs(180);

pub(super) struct Lease {
    requests: mpsc::Sender<CardLeaseRequest>,
    responses: Streaming<CardLeaseResponse>,
    applet: String,
    screen: Screen,
    /// The person has asked for an end.
    given_up: bool,
}

impl Lease {
    pub(super) async fn open(
        agent: &Agent,
        presence_id: &str,
        applet: String,
        purpose: &str,
    ) -> Result<Self> {
        let (requests, outgoing) = mpsc::channel(1);
        // Sent before the call, which may answer only once it has read a request.
        let open = Request::Open(Open {
            presence_id: presence_id.to_owned(),
            wait_ms: millis(WAIT),
            purpose: purpose.to_owned(),
        });
        send(&requests, open).await?;
        let responses = agent
            .cards()
            .lease(ReceiverStream::new(outgoing))
            .await?
            .into_inner();
        let mut lease = Self {
            requests,
            responses,
            applet,
            screen: Screen::new(),
            given_up: false,
        };
        match lease.answer().await? {
            Response::Opened(_) => Ok(lease),
            _ => Err(Failure::Answer("the lease did not open")),
        }
    }

    /// A verb that changes nothing on the card.
    pub(super) async fn read(&mut self, verb: Verb) -> Result<Outcome> {
        self.step(None, verb).await
    }

    /// A verb that changes the card; the agent's journal knows it under an id of its own.
    pub(super) async fn change(&mut self, step: &str, verb: Verb) -> Result<Outcome> {
        let key = StepKey {
            operation_id: uuid::Uuid::now_v7().to_string(),
            step: step.to_owned(),
            attempt: 1,
        };
        self.step(Some(key), verb).await
    }

    /// Ends the bar, so that a person can be asked for a line.
    pub(super) fn pause(&mut self) {
        self.screen = Screen::new();
    }

    async fn step(&mut self, key: Option<StepKey>, verb: Verb) -> Result<Outcome> {
        let step = CardStep {
            key,
            timeout_ms: millis(STEP),
            applet: self.applet.clone(),
            verb: Some(verb),
        };
        send(&self.requests, Request::Step(step)).await?;
        match self.answer().await? {
            Response::Result(result) => result.result.ok_or(Failure::Answer("the result is empty")),
            _ => Err(Failure::Answer("it does not belong to the request")),
        }
    }

    /// The next answer that is no progress; an error of the step is our error.
    async fn answer(&mut self) -> Result<Response> {
        loop {
            let message = tokio::select! {
                message = self.responses.message() => message?,
                // What runs is given up between two commands, and still answers.
                _ = tokio::signal::ctrl_c(), if !self.given_up => {
                    self.given_up = true;
                    send(&self.requests, Request::Cancel(Cancel {})).await?;
                    continue;
                }
            };
            let message = message.ok_or(Failure::Answer("the lease ended"))?;
            match message.response {
                Some(Response::Progress(progress)) => self.screen.say(&progress.message),
                Some(Response::Error(error)) => return Err(error.into()),
                Some(answer) => return Ok(answer),
                None => return Err(Failure::Answer("it is empty")),
            }
        }
    }
}

async fn send(requests: &mpsc::Sender<CardLeaseRequest>, request: Request) -> Result<()> {
    let request = CardLeaseRequest {
        request: Some(request),
    };
    requests
        .send(request)
        .await
        .map_err(|_| Failure::Answer("the agent closed the lease"))
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
