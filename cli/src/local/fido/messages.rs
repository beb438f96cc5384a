//! The messages of the lease of security keys.

use std::{convert::Infallible, time::Duration};

use keysteward_proto::agent::v1::{
    Cancel, LeaseRequest, LeaseResponse, Step,
    lease_request::Request,
    lease_response::Response,
    step::{Verb, Verification},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::{
    connect::Agent,
    local::lease::{Asked, Messages, Said},
};

/// How the person proves to be the key's user is said with each step.
#[derive(Clone, Copy, Default)]
pub(in crate::local) struct Keys {
    pub(super) verification: Verification,
}

impl Messages for Keys {
    type Request = LeaseRequest;
    type Response = LeaseResponse;
    type Verb = Verb;
    type Question = Infallible;

    const TOKEN: &'static str = "key";
    /// Somebody may have to find the key and touch it.
    const STEP: Duration = Duration::from_secs(120);

    async fn lease(
        agent: &Agent,
        requests: ReceiverStream<LeaseRequest>,
    ) -> Result<Streaming<LeaseResponse>, Status> {
        Ok(agent.fido().lease(requests).await?.into_inner())
    }

    fn request(&self, asked: Asked<Verb>) -> LeaseRequest {
        let request = match asked {
            Asked::Open(open) => Request::Open(open),
            Asked::Cancel => Request::Cancel(Cancel {}),
            Asked::Step {
                key,
                timeout_ms,
                verb,
            } => Request::Step(Step {
                key,
                timeout_ms,
                verb: Some(verb),
                verification: self.verification.into(),
            }),
        };
        LeaseRequest {
            request: Some(request),
        }
    }

    fn answer(&self, question: Infallible) -> LeaseRequest {
        match question {}
    }

    fn said(response: LeaseResponse) -> Option<Said<Infallible>> {
        Some(match response.response? {
            Response::Opened(_) => Said::Opened,
            Response::Progress(progress) => Said::Progress(progress),
            Response::Result(result) => Said::Result(result),
            Response::Error(error) => Said::Error(error),
            Response::Raw(_) => Said::Other,
        })
    }
}
