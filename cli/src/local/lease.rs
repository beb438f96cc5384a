//! One key to ourselves: the agent's token lease, from open to the last answer.

use std::time::Duration;

use keysteward_proto::agent::v1::{
    Cancel, LeaseRequest, LeaseResponse, Open, Progress, Step, StepKey, lease_request::Request,
    lease_response::Response, progress::Kind, step::Verb, step_result::Result as Outcome,
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
/// Somebody may have to find the key and touch it.
const STEP: Duration = Duration::from_secs(120);

pub(super) struct Lease {
    requests: mpsc::Sender<LeaseRequest>,
    responses: Streaming<LeaseResponse>,
    screen: Screen,
    /// The person has asked for an end.
    given_up: bool,
}

impl Lease {
    pub(super) async fn open(agent: &Agent, presence_id: &str, purpose: &str) -> Result<Self> {
        let (requests, outgoing) = mpsc::channel(1);
        // Sent before the call, which may answer only once it has read a request.
        let open = Request::Open(Open {
            presence_id: presence_id.to_owned(),
            wait_ms: millis(WAIT),
            purpose: purpose.to_owned(),
        });
        send(&requests, open).await?;
        let responses = agent
            .fido()
            .lease(ReceiverStream::new(outgoing))
            .await?
            .into_inner();
        let mut lease = Self {
            requests,
            responses,
            screen: Screen::new(),
            given_up: false,
        };
        match lease.answer().await? {
            Response::Opened(_) => Ok(lease),
            _ => Err(Failure::Answer("the lease did not open")),
        }
    }

    /// A verb that changes nothing on the key.
    pub(super) async fn read(&mut self, verb: Verb) -> Result<Outcome> {
        self.step(None, verb).await
    }

    /// A verb that changes the key; the agent's journal knows it under an id of its own.
    pub(super) async fn change(&mut self, step: &str, verb: Verb) -> Result<Outcome> {
        let key = StepKey {
            operation_id: uuid::Uuid::now_v7().to_string(),
            step: step.to_owned(),
            attempt: 1,
        };
        self.step(Some(key), verb).await
    }

    async fn step(&mut self, key: Option<StepKey>, verb: Verb) -> Result<Outcome> {
        let step = Step {
            key,
            timeout_ms: millis(STEP),
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
                // What runs is given up, and still answers.
                _ = tokio::signal::ctrl_c(), if !self.given_up => {
                    self.given_up = true;
                    send(&self.requests, Request::Cancel(Cancel {})).await?;
                    continue;
                }
            };
            let message = message.ok_or(Failure::Answer("the lease ended"))?;
            match message.response {
                Some(Response::Progress(progress)) => self.show(&progress),
                Some(Response::Error(error)) => return Err(error.into()),
                Some(answer) => return Ok(answer),
                None => return Err(Failure::Answer("it is empty")),
            }
        }
    }

    fn show(&mut self, progress: &Progress) {
        let plain = match progress.kind() {
            Kind::Processing | Kind::Unspecified => {
                self.screen.steps(0, 1, &progress.message);
                return;
            }
            Kind::TouchNeeded => "touch the key now",
            Kind::UnplugNeeded => "unplug the key",
            Kind::PlugInNeeded => "plug the key in",
            Kind::WaitingForToken => "waiting for another program to let go of the key",
            Kind::FingerNeeded => "lay the finger on the key, and lift it again",
            Kind::LongTouchNeeded => "touch the key for 5 seconds, without a break",
        };
        let sentence = if progress.message.is_empty() {
            plain
        } else {
            &progress.message
        };
        self.screen.say(sentence);
    }
}

async fn send(requests: &mpsc::Sender<LeaseRequest>, request: Request) -> Result<()> {
    let request = LeaseRequest {
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
