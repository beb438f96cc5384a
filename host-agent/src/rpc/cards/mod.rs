//! `Cards`: the token lease of smart cards, at a token's PIV or GIDS applet.
//!
//! A card is held in a PC/SC transaction from the first step to the end of the lease.

mod admin;
mod request;

use keysteward_proto::agent::v1 as proto;
use proto::{
    CardLeaseRequest, CardLeaseResponse, card_lease_request::Request as Carried,
    card_lease_response::Response as Told, cards_server::Cards,
};
use tonic::{Request, Response, Status, Streaming};

use self::admin::Switchboard;
use super::{
    lease::{AnswerStream, Answers, Asked, Family, Leases, Said},
    step::Ordered,
};
use crate::verb::Failure;

#[tonic::async_trait]
impl Cards for Leases {
    type LeaseStream = AnswerStream<CardLeaseResponse>;

    async fn lease(
        &self,
        request: Request<Streaming<CardLeaseRequest>>,
    ) -> Result<Response<Self::LeaseStream>, Status> {
        Ok(self.converse::<SmartCards>(request))
    }
}

/// The messages of `card.proto`.
struct SmartCards;

enum Work {
    Step(Box<proto::CardStep>),
    Raw(proto::CardRaw),
}

impl Family for SmartCards {
    type Request = CardLeaseRequest;
    type Response = CardLeaseResponse;
    type Work = Work;
    type Ear = Switchboard;

    fn asked(request: CardLeaseRequest) -> Option<Asked<Work>> {
        Some(match request.request? {
            Carried::Open(open) => Asked::Open(open),
            Carried::Cancel(_) => Asked::Cancel,
            Carried::AdminAnswer(answer) => Asked::Answer(answer),
            Carried::Step(step) => Asked::Work(Work::Step(Box::new(step))),
            Carried::Raw(raw) => Asked::Work(Work::Raw(raw)),
        })
    }

    fn order(
        work: Work,
        answers: &Answers<CardLeaseResponse>,
    ) -> (Result<Ordered, Failure>, Switchboard) {
        let (switchboard, line) = admin::line(answers.clone());
        let ordered = match work {
            Work::Step(step) => request::step(*step, &line),
            Work::Raw(raw) => request::raw(raw),
        };
        (ordered, switchboard)
    }

    fn response(said: Said) -> CardLeaseResponse {
        let response = match said {
            Said::Opened(opened) => Told::Opened(*opened),
            Said::Progress(progress) => Told::Progress(progress),
            Said::Result(result) => Told::Result(result),
            Said::Raw(response) => Told::Raw(proto::CardRawResult { response }),
            Said::Error(error) => Told::Error(error),
        };
        CardLeaseResponse {
            response: Some(response),
        }
    }
}
