//! `Cards`: the token lease of smart cards.
//!
//! As [`super::fido`], at a token's PIV or GIDS applet. A card is held in a PC/SC transaction from
//! the first step to the end of the lease.

mod admin;
mod conversation;
mod request;

use std::{pin::Pin, sync::Arc};

use futures::Stream;
use keysteward_proto::agent::v1::{CardLeaseRequest, CardLeaseResponse, cards_server::Cards};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::caller::Caller;
use crate::{token::Inventory, verb::Steps};
use conversation::Conversation;

/// Answers that wait for a slow caller; progress beyond that is dropped, results never.
const ANSWERS_KEPT: usize = 32;

/// Serves `Cards`.
#[derive(Clone, Debug)]
pub(crate) struct CardsService {
    pub(crate) steps: Steps,
    pub(crate) inventory: Arc<Inventory>,
    /// Ends every lease that nothing is done under.
    pub(crate) stopping: CancellationToken,
}

type Answers = Pin<Box<dyn Stream<Item = Result<CardLeaseResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Cards for CardsService {
    type LeaseStream = Answers;

    async fn lease(
        &self,
        request: Request<Streaming<CardLeaseRequest>>,
    ) -> Result<Response<Self::LeaseStream>, Status> {
        let caller = Caller::of(&request);
        let (answers, stream) = mpsc::channel(ANSWERS_KEPT);
        let conversation = Conversation {
            steps: self.steps.clone(),
            inventory: Arc::clone(&self.inventory),
            stopping: self.stopping.clone(),
            caller,
            answers,
        };
        tokio::spawn(conversation.run(request.into_inner()));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}
