//! The token lease, whichever messages it is spoken in: those of security keys ([`super::fido`]) or
//! those of smart cards ([`super::cards`]).
//!
//! The stream's other end may vanish at any moment; what was begun runs on in a task of its own,
//! and its end goes to the journal.

mod conversation;

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::Stream;
use keysteward_proto::agent::v1 as proto;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use self::conversation::Conversation;
use super::{caller::Caller, step::Ordered};
use crate::{
    token::Inventory,
    verb::{Failure, Steps},
};

/// Answers that wait for a slow caller; progress beyond that is dropped, results never.
const ANSWERS_KEPT: usize = 32;

/// Serves `Fido` and `Cards`.
#[derive(Clone, Debug)]
pub(crate) struct Leases {
    pub(crate) steps: Steps,
    pub(crate) inventory: Arc<Inventory>,
    /// Ends every lease that nothing is done under.
    pub(crate) stopping: CancellationToken,
    /// For how long a caller may hold a token without a word.
    pub(crate) idle: Duration,
}

/// The messages that a lease is spoken in.
pub(super) trait Family: Send + Sync + 'static {
    type Request: Send + 'static;
    type Response: Send + 'static;
    /// A request that a step comes of.
    type Work: Send;
    /// Where a running step hears what the caller says to its questions. Dropped, nobody answers
    /// it any more.
    type Ear: Ear;

    /// What `request` asks; an empty message asks for nothing.
    fn asked(request: Self::Request) -> Option<Asked<Self::Work>>;

    /// The step that `work` asks for, checked; it puts questions to the caller through `answers`.
    fn order(
        work: Self::Work,
        answers: &Answers<Self::Response>,
    ) -> (Result<Ordered, Failure>, Self::Ear);

    fn response(said: Said) -> Self::Response;
}

/// Hears the caller for a step that runs.
pub(super) trait Ear: Send + Sync {
    fn answer(&self, answer: proto::AdminAnswer);

    /// The caller gives up the step that may be asking.
    fn give_up(&self);
}

/// What a caller asks for.
pub(super) enum Asked<W> {
    Open(proto::Open),
    Cancel,
    Answer(proto::AdminAnswer),
    Work(W),
}

/// What it hears.
pub(super) enum Said {
    Opened(Box<proto::Opened>),
    Progress(proto::Progress),
    Result(proto::StepResult),
    /// What the token answered to raw bytes.
    Raw(Vec<u8>),
    Error(proto::StepError),
}

/// The way to a caller.
pub(super) type Answers<R> = mpsc::Sender<Result<R, Status>>;

/// What it reads from.
pub(super) type AnswerStream<R> = Pin<Box<dyn Stream<Item = Result<R, Status>> + Send>>;

impl Leases {
    /// One stream is one lease.
    pub(super) fn converse<F: Family>(
        &self,
        request: Request<Streaming<F::Request>>,
    ) -> Response<AnswerStream<F::Response>> {
        let (answers, stream) = mpsc::channel(ANSWERS_KEPT);
        let conversation = Conversation::<F> {
            leases: self.clone(),
            caller: Caller::of(&request),
            answers,
        };
        tokio::spawn(conversation.run(request.into_inner()));
        Response::new(Box::pin(ReceiverStream::new(stream)))
    }
}
