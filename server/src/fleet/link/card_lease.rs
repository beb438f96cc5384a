//! A step on a card: one lease, opened for it and given back after it. The admin
//! key stays here: what the card wants of it is answered block by block.

use std::{collections::BTreeMap, future::Future, pin::pin, time::Duration};

use http::Uri;
use keysteward_proto::agent::v1::{
    AdminAnswer, AdminChallenge, Cancel, CardLeaseRequest, CardLeaseResponse, CardStep, Open,
    Progress, StepResult, card_lease_request as ask, card_lease_response as told,
    cards_client::CardsClient,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{
    CallError, Link, ORIGIN, Sent,
    lease::{DEFAULT_STEP, MARGIN, WAIT, refused},
    within,
};

impl Link {
    /// Does `step` on the card that lies there as `presence_id`, and waits for its
    /// end. `answer` gives two blocks under the admin key that the step names; what
    /// it does not answer the card refuses.
    ///
    /// # Errors
    /// As [`step_unless`](Self::step_unless).
    pub async fn card_step(
        &self,
        presence_id: &str,
        purpose: &str,
        step: CardStep,
        answer: impl Fn(&AdminChallenge) -> Option<AdminAnswer> + Send,
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
        let run = self.run_card(
            open,
            step,
            answer,
            &on_progress,
            cancelled,
            limit,
            &mut sent,
        );
        match timeout(limit, run).await {
            Ok(Err(CallError::LinkLost { .. })) => Err(CallError::LinkLost {
                request_was_sent: sent,
            }),
            Ok(end) => end,
            Err(_) => Err(CallError::DeadlineExceeded),
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one call, taken apart for its deadline"
    )]
    async fn run_card(
        &self,
        open: Open,
        step: CardStep,
        answer: impl Fn(&AdminChallenge) -> Option<AdminAnswer> + Send,
        on_progress: &mpsc::Sender<Progress>,
        cancelled: impl Future<Output = ()> + Send,
        limit: Duration,
        sent: &mut Sent,
    ) -> Result<StepResult, CallError> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let ask = async |request| {
            let request = CardLeaseRequest {
                request: Some(request),
            };
            // A stream that is over says why when it is read.
            let _ = requests.send(request).await;
        };
        ask(ask::Request::Open(open)).await;
        let mut answers =
            CardsClient::with_origin(self.0.channel.clone(), Uri::from_static(ORIGIN))
                .lease(within(limit, ReceiverStream::new(queue)))
                .await
                .map_err(CallError::of)?
                .into_inner();
        match next(&mut answers).await? {
            told::Response::Opened(_) => {}
            told::Response::Error(error) => return Err(refused(error)),
            _ => return Err(CallError::Malformed("the lease did not open")),
        }
        // From here on only the journal knows whether it arrived.
        *sent = Sent::Unknown;
        let mut allowance = Allowance::of(&step);
        ask(ask::Request::Step(step)).await;
        let mut cancelled = pin!(cancelled);
        let mut cancel_sent = false;
        loop {
            let told = tokio::select! {
                told = next(&mut answers) => told?,
                () = &mut cancelled, if !cancel_sent => {
                    cancel_sent = true;
                    ask(ask::Request::Cancel(Cancel {})).await;
                    continue;
                }
            };
            *sent = Sent::Yes;
            match told {
                told::Response::Progress(progress) => {
                    let _ = on_progress.try_send(progress);
                }
                told::Response::AdminChallenge(challenge) => {
                    allowance.take(challenge.candidate)?;
                    // Empty blocks open nothing; silence would hold the card.
                    let answer = answer(&challenge).unwrap_or_default();
                    ask(ask::Request::AdminAnswer(answer)).await;
                }
                told::Response::Result(result) => return Ok(result),
                told::Response::Error(error) => return Err(refused(error)),
                told::Response::Opened(_) | told::Response::Raw(_) => {
                    return Err(CallError::Malformed("the answer is for another request"));
                }
            }
        }
    }
}

/// How many blocks of an agent are answered in one step. Without it, whoever has the
/// host would have a step's admin keys encipher and decipher whatever they like.
struct Allowance {
    most: u32,
    /// For each candidate.
    taken: BTreeMap<u32, u32>,
}

impl Allowance {
    fn of(step: &CardStep) -> Self {
        let once = match step.applet.as_str() {
            // Five blocks each way. GIDS 2.0 section 9, over CBC.
            "gids" => 10,
            // Witness and challenge at once. SP 800-73-5 part 2 appendix A.1.
            _ => 1,
        };
        Self {
            most: once * PROOFS,
            taken: BTreeMap::new(),
        }
    }

    fn take(&mut self, candidate: u32) -> Result<(), CallError> {
        let full = self.taken.len() >= CANDIDATES && !self.taken.contains_key(&candidate);
        let taken = self.taken.entry(candidate).or_insert(0);
        if full || *taken >= self.most {
            return Err(CallError::Malformed(
                "it asks more of an admin key than a card does",
            ));
        }
        *taken += 1;
        Ok(())
    }
}

async fn next(answers: &mut Streaming<CardLeaseResponse>) -> Result<told::Response, CallError> {
    match answers.message().await.map_err(CallError::of)? {
        Some(CardLeaseResponse {
            response: Some(response),
        }) => Ok(response),
        Some(_) => Err(CallError::Malformed("an empty answer")),
        // It ended in good order and without an answer: as good as lost.
        None => Err(CallError::LinkLost {
            request_was_sent: Sent::Unknown,
        }),
    }
}

/// Open, step, cancel, and an answer.
const QUEUE: usize = 4;
/// The key is proven once in a step, and once more where the card was reset meanwhile.
const PROOFS: u32 = 2;
/// Of `TryAdminKeys`.
const CANDIDATES: usize = 4;

#[cfg(test)]
mod tests;
