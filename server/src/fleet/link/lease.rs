//! A step on a token: one lease, opened for it and given back after it.

use std::{
    future::{Future, pending},
    pin::pin,
    time::Duration,
};

use http::Uri;
use keysteward_proto::agent::v1::{
    Cancel, LeaseRequest, LeaseResponse, Open, Progress, Step, StepError, StepResult,
    fido_client::FidoClient, lease_request, lease_response, step_error,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{CallError, Link, ORIGIN, Sent, within};

impl Link {
    /// Does `step` on the token that is plugged in as `presence_id`, and waits
    /// for its end. `purpose` is shown to the person at the host.
    ///
    /// Progress that nobody takes off `on_progress` in time is dropped. Dropping
    /// the future gives up waiting; what the token has begun goes on, and the
    /// agent's journal will know.
    ///
    /// # Errors
    /// See [`CallError`]. [`CallError::LinkLost`] tells whether the *step* had
    /// left, not the lease.
    pub async fn step(
        &self,
        presence_id: &str,
        purpose: &str,
        step: Step,
        on_progress: mpsc::Sender<Progress>,
    ) -> Result<StepResult, CallError> {
        self.step_unless(presence_id, purpose, step, on_progress, pending())
            .await
    }

    /// As [`step`](Self::step), but tells the agent to cancel once `cancelled`
    /// is ready. The step still ends by itself: refused as CANCELLED, or done
    /// when it was too late.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn step_unless(
        &self,
        presence_id: &str,
        purpose: &str,
        step: Step,
        on_progress: mpsc::Sender<Progress>,
        cancelled: impl Future<Output = ()> + Send,
    ) -> Result<StepResult, CallError> {
        let asked = match step.timeout_ms {
            0 => DEFAULT_STEP,
            ms => Duration::from_millis(ms.into()),
        };
        let limit = asked + WAIT + MARGIN;
        let mut sent = Sent::No;
        let open = Open {
            presence_id: presence_id.to_owned(),
            wait_ms: u32::try_from(WAIT.as_millis()).unwrap_or(u32::MAX),
            purpose: purpose.to_owned(),
        };
        let run = self.run(open, step, &on_progress, cancelled, limit, &mut sent);
        match timeout(limit, run).await {
            Ok(Err(CallError::LinkLost { .. })) => Err(CallError::LinkLost {
                request_was_sent: sent,
            }),
            Ok(end) => end,
            Err(_) => Err(CallError::DeadlineExceeded),
        }
    }

    async fn run(
        &self,
        open: Open,
        step: Step,
        on_progress: &mpsc::Sender<Progress>,
        cancelled: impl Future<Output = ()> + Send,
        limit: Duration,
        sent: &mut Sent,
    ) -> Result<StepResult, CallError> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let ask = async |request| {
            let request = LeaseRequest {
                request: Some(request),
            };
            // A stream that is over says why when it is read.
            let _ = requests.send(request).await;
        };
        ask(lease_request::Request::Open(open)).await;
        let mut answers = FidoClient::with_origin(self.0.channel.clone(), Uri::from_static(ORIGIN))
            .lease(within(limit, ReceiverStream::new(queue)))
            .await
            .map_err(CallError::of)?
            .into_inner();
        match next(&mut answers).await? {
            lease_response::Response::Opened(_) => {}
            lease_response::Response::Error(error) => return Err(refused(error)),
            _ => return Err(CallError::Malformed("the lease did not open")),
        }
        // From here on only the journal knows whether it arrived.
        *sent = Sent::Unknown;
        ask(lease_request::Request::Step(step)).await;
        let mut cancelled = pin!(cancelled);
        let mut cancel_sent = false;
        loop {
            let answer = tokio::select! {
                answer = next(&mut answers) => answer?,
                () = &mut cancelled, if !cancel_sent => {
                    cancel_sent = true;
                    ask(lease_request::Request::Cancel(Cancel {})).await;
                    continue;
                }
            };
            *sent = Sent::Yes;
            match answer {
                lease_response::Response::Progress(progress) => {
                    let _ = on_progress.try_send(progress);
                }
                lease_response::Response::Result(result) => return Ok(result),
                lease_response::Response::Error(error) => return Err(refused(error)),
                lease_response::Response::Opened(_) | lease_response::Response::Raw(_) => {
                    return Err(CallError::Malformed("the answer is for another request"));
                }
            }
        }
    }
}

async fn next(
    answers: &mut Streaming<LeaseResponse>,
) -> Result<lease_response::Response, CallError> {
    match answers.message().await.map_err(CallError::of)? {
        Some(LeaseResponse {
            response: Some(response),
        }) => Ok(response),
        Some(_) => Err(CallError::Malformed("an empty answer")),
        // It ended in good order and without an answer: as good as lost.
        None => Err(CallError::LinkLost {
            request_was_sent: Sent::Unknown,
        }),
    }
}

pub(super) fn refused(error: StepError) -> CallError {
    if error.code() == step_error::Code::Unspecified {
        return CallError::Malformed("an error without a code");
    }
    CallError::Refused(Box::new(error))
}

/// What the agent takes when a step names no time.
pub(super) const DEFAULT_STEP: Duration = Duration::from_secs(60);
/// For another caller's lease on the same token to end.
pub(super) const WAIT: Duration = Duration::from_secs(10);
/// For the way there and back.
pub(super) const MARGIN: Duration = Duration::from_secs(15);
/// Open, step, cancel.
const QUEUE: usize = 3;
