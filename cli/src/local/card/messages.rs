//! The messages of the lease of smart cards.

use std::time::Duration;

use keysteward_proto::agent::v1::{
    AdminChallenge, Cancel, CardLeaseRequest, CardLeaseResponse, CardStep,
    card_lease_request::Request, card_lease_response::Response, card_step::Verb,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::admin_key::AdminKeys;
use crate::{
    connect::Agent,
    local::lease::{Asked, Messages, Said},
};

/// To one applet of a card.
pub(super) struct Cards {
    /// Empty: the only one that the card has.
    pub(super) applet: String,
    /// They stay here: the agent asks for a block each.
    pub(super) keys: AdminKeys,
}

impl Messages for Cards {
    type Request = CardLeaseRequest;
    type Response = CardLeaseResponse;
    type Verb = Verb;
    type Question = AdminChallenge;

    const TOKEN: &'static str = "card";
    /// A card may take a minute to make a long RSA key.
    const STEP: Duration = Duration::from_secs(180);

    async fn lease(
        agent: &Agent,
        requests: ReceiverStream<CardLeaseRequest>,
    ) -> Result<Streaming<CardLeaseResponse>, Status> {
        Ok(agent.cards().lease(requests).await?.into_inner())
    }

    fn request(&self, asked: Asked<Verb>) -> CardLeaseRequest {
        wrap(match asked {
            Asked::Open(open) => Request::Open(open),
            Asked::Cancel => Request::Cancel(Cancel {}),
            Asked::Step {
                key,
                timeout_ms,
                verb,
            } => Request::Step(CardStep {
                key,
                timeout_ms,
                applet: self.applet.clone(),
                verb: Some(verb),
            }),
        })
    }

    fn answer(&self, question: AdminChallenge) -> CardLeaseRequest {
        // Empty blocks open nothing; silence would hold the card.
        let answer = self.keys.answer(&question).unwrap_or_default();
        wrap(Request::AdminAnswer(answer))
    }

    fn said(response: CardLeaseResponse) -> Option<Said<AdminChallenge>> {
        Some(match response.response? {
            Response::Opened(_) => Said::Opened,
            Response::Progress(progress) => Said::Progress(progress),
            Response::AdminChallenge(challenge) => Said::Question(challenge),
            Response::Result(result) => Said::Result(result),
            Response::Error(error) => Said::Error(error),
            Response::Raw(_) => Said::Other,
        })
    }
}

const fn wrap(request: Request) -> CardLeaseRequest {
    CardLeaseRequest {
        request: Some(request),
    }
}
