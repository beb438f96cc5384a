//! One token to ourselves: the agent's token lease, from open to the last answer, whichever
//! messages it is spoken in.

use std::{pin::pin, time::Duration};

use keysteward_proto::agent::v1::{
    self as wire, Open, Progress, StepKey, progress::Kind, step_error::Code,
    step_result::Result as Outcome,
};
use tokio::{sync::mpsc, time::interval};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::token::{done, find};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::Output,
    watch::Screen,
};

/// How long another program's lease is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// How often a lease is told that somebody holds it. No agent waits for less.
const ALIVE: Duration = Duration::from_secs(10);

/// The messages of one lease service.
pub(super) trait Messages {
    type Request;
    type Response;
    type Verb;
    /// What a step may ask us.
    type Question;

    /// What is leased, for people.
    const TOKEN: &'static str;
    /// How long a step may take.
    const STEP: Duration;

    async fn lease(
        agent: &Agent,
        requests: ReceiverStream<Self::Request>,
    ) -> std::result::Result<Streaming<Self::Response>, Status>;

    fn request(&self, asked: Asked<Self::Verb>) -> Self::Request;

    /// The answer to what a step asks.
    fn answer(&self, question: Self::Question) -> Self::Request;

    /// What is in a response; an empty one says nothing.
    fn said(response: Self::Response) -> Option<Said<Self::Question>>;
}

/// What we ask for.
pub(super) enum Asked<V> {
    Open(Open),
    Step {
        key: Option<StepKey>,
        timeout_ms: u32,
        verb: V,
    },
    Cancel,
}

/// What we hear.
pub(super) enum Said<Q> {
    Opened,
    Progress(Progress),
    Question(Q),
    Result(wire::StepResult),
    Error(wire::StepError),
    /// The answer to another kind of request.
    Other,
}

pub(super) struct Lease<M: Messages> {
    messages: M,
    requests: mpsc::Sender<M::Request>,
    responses: Streaming<M::Response>,
    screen: Screen,
    /// The person has asked for an end.
    given_up: bool,
}

impl<M: Messages> Lease<M> {
    /// Of the token that `name` means, and its presence id.
    pub(super) async fn find(
        agent: &Agent,
        messages: M,
        name: Option<&str>,
        purpose: &str,
    ) -> Result<(String, Self)> {
        let presence_id = find(agent, name).await?.presence_id;
        let lease = Self::open(agent, messages, &presence_id, purpose).await?;
        Ok((presence_id, lease))
    }

    /// Of the token that was found before.
    pub(super) async fn open(
        agent: &Agent,
        messages: M,
        presence_id: &str,
        purpose: &str,
    ) -> Result<Self> {
        let (requests, outgoing) = mpsc::channel(1);
        // Sent before the call, which may answer only once it has read a request.
        let open = messages.request(Asked::Open(Open {
            presence_id: presence_id.to_owned(),
            wait_ms: millis(WAIT),
            purpose: purpose.to_owned(),
        }));
        send(&requests, open).await?;
        let responses = M::lease(agent, ReceiverStream::new(outgoing)).await?;
        let mut lease = Self {
            messages,
            requests,
            responses,
            screen: Screen::new(),
            given_up: false,
        };
        match lease.next().await? {
            Said::Opened => Ok(lease),
            _ => Err(Failure::Answer("the lease did not open")),
        }
    }

    /// A verb that changes nothing on the token.
    pub(super) async fn read(&mut self, verb: M::Verb) -> Result<Outcome> {
        self.step(None, verb).await
    }

    /// The same, given up once `stop` has come to its end; it still answers.
    pub(super) async fn read_until(
        &mut self,
        verb: M::Verb,
        stop: impl Future<Output = ()>,
    ) -> Result<Outcome> {
        self.begin(None, verb).await?;
        tokio::select! {
            answer = self.answer() => return answer,
            () = stop => {}
        }
        send(&self.requests, self.messages.request(Asked::Cancel)).await?;
        self.answer().await
    }

    /// A verb that changes the token; the agent's journal knows it under an id of its own.
    pub(super) async fn change(&mut self, step: &str, verb: M::Verb) -> Result<Outcome> {
        let key = StepKey {
            operation_id: uuid::Uuid::now_v7().to_string(),
            step: step.to_owned(),
            attempt: 1,
        };
        self.step(Some(key), verb).await
    }

    /// Holds the token while something else is waited for. The lease's end, and a person who asks
    /// for one, end that too.
    pub(super) async fn hold<T>(&mut self, waited_for: impl Future<Output = T>) -> Result<T> {
        let mut waited_for = pin!(waited_for);
        let mut alive = interval(ALIVE);
        loop {
            tokio::select! {
                done = &mut waited_for => return Ok(done),
                message = self.responses.message() => {
                    let message = message?.ok_or(Failure::Answer("the lease ended"))?;
                    return Err(match M::said(message) {
                        Some(Said::Error(error)) => error.into(),
                        _ => Failure::Answer("it does not belong to a request"),
                    });
                }
                _ = tokio::signal::ctrl_c() => {
                    return Err(wire::StepError {
                        code: Code::Cancelled.into(),
                        message: "given up before the token was asked for anything more".to_owned(),
                        ..wire::StepError::default()
                    }
                    .into());
                }
                // Gives up nothing, since nothing is done: it shows that we are here.
                _ = alive.tick() => {
                    send(&self.requests, self.messages.request(Asked::Cancel)).await?;
                }
            }
        }
    }

    /// Speaks otherwise from now on.
    pub(super) fn speak(&mut self, messages: M) {
        self.messages = messages;
    }

    /// Ends the bar, so that a person can be asked for a line.
    pub(super) fn pause(&mut self) {
        self.screen = Screen::new();
    }

    async fn step(&mut self, key: Option<StepKey>, verb: M::Verb) -> Result<Outcome> {
        self.begin(key, verb).await?;
        self.answer().await
    }

    async fn begin(&mut self, key: Option<StepKey>, verb: M::Verb) -> Result<()> {
        let step = self.messages.request(Asked::Step {
            key,
            timeout_ms: millis(M::STEP),
            verb,
        });
        send(&self.requests, step).await
    }

    async fn answer(&mut self) -> Result<Outcome> {
        match self.next().await? {
            Said::Result(result) => result.result.ok_or(Failure::Answer("the result is empty")),
            _ => Err(Failure::Answer("it does not belong to the request")),
        }
    }

    /// The next answer that is no progress and no question; an error of the step is our error.
    async fn next(&mut self) -> Result<Said<M::Question>> {
        loop {
            let message = tokio::select! {
                message = self.responses.message() => message?,
                // What runs is given up, and still answers.
                _ = tokio::signal::ctrl_c(), if !self.given_up => {
                    self.given_up = true;
                    send(&self.requests, self.messages.request(Asked::Cancel)).await?;
                    continue;
                }
            };
            let message = message.ok_or(Failure::Answer("the lease ended"))?;
            match M::said(message).ok_or(Failure::Answer("it is empty"))? {
                Said::Progress(progress) => self.show(&progress),
                Said::Question(question) => {
                    send(&self.requests, self.messages.answer(question)).await?;
                }
                Said::Error(error) => return Err(error.into()),
                answer => return Ok(answer),
            }
        }
    }

    fn show(&mut self, progress: &Progress) {
        if matches!(progress.kind(), Kind::Processing | Kind::Unspecified) {
            self.screen.steps(0, 1, &progress.message);
        } else if progress.message.is_empty() {
            self.screen.say(&in_words(progress.kind(), M::TOKEN));
        } else {
            self.screen.say(&progress.message);
        }
    }
}

/// Finds a token, changes it, and says so.
pub(super) async fn change<M: Messages>(
    agent: &Agent,
    messages: M,
    name: Option<&str>,
    step: &str,
    verb: M::Verb,
    output: &mut Output<'_>,
) -> Result<()> {
    let (presence_id, mut lease) = Lease::find(agent, messages, name, step).await?;
    lease.change(step, verb).await?;
    done(output, step, &presence_id)
}

/// What an agent wants of the person that says no more than the kind of it.
fn in_words(kind: Kind, token: &str) -> String {
    match kind {
        Kind::Processing | Kind::Unspecified => format!("the {token} works"),
        Kind::TouchNeeded => format!("touch the {token} now"),
        Kind::UnplugNeeded => format!("unplug the {token}"),
        Kind::PlugInNeeded => format!("plug the {token} in"),
        Kind::WaitingForToken => {
            format!("waiting for another program to let go of the {token}")
        }
        Kind::FingerNeeded => format!("lay the finger on the {token}, and lift it again"),
        Kind::LongTouchNeeded => format!("touch the {token} for 5 seconds, without a break"),
    }
}

async fn send<R>(requests: &mpsc::Sender<R>, request: R) -> Result<()> {
    requests
        .send(request)
        .await
        .map_err(|_| Failure::Answer("the agent closed the lease"))
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
