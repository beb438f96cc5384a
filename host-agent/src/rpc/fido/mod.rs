//! `Fido`: the token lease of security keys.

mod request;

use keysteward_proto::agent::v1 as proto;
use proto::{
    LeaseRequest, LeaseResponse, fido_server::Fido, lease_request::Request as Carried,
    lease_response::Response as Told,
};
use tonic::{Request, Response, Status, Streaming};

use super::{
    lease::{AnswerStream, Answers, Asked, Ear, Family, Leases, Said},
    step::Ordered,
};
use crate::verb::Failure;

#[tonic::async_trait]
impl Fido for Leases {
    type LeaseStream = AnswerStream<LeaseResponse>;

    async fn lease(
        &self,
        request: Request<Streaming<LeaseRequest>>,
    ) -> Result<Response<Self::LeaseStream>, Status> {
        Ok(self.converse::<Keys>(request))
    }
}

/// The messages of `fido.proto`.
struct Keys;

enum Work {
    Step(Box<proto::Step>),
    Raw(proto::Raw),
}

impl Family for Keys {
    type Request = LeaseRequest;
    type Response = LeaseResponse;
    type Work = Work;
    type Ear = Deaf;

    fn asked(request: LeaseRequest) -> Option<Asked<Work>> {
        Some(match request.request? {
            Carried::Open(open) => Asked::Open(open),
            Carried::Cancel(_) => Asked::Cancel,
            Carried::Step(step) => Asked::Work(Work::Step(Box::new(step))),
            Carried::Raw(raw) => Asked::Work(Work::Raw(raw)),
        })
    }

    fn order(work: Work, _: &Answers<LeaseResponse>) -> (Result<Ordered, Failure>, Deaf) {
        let ordered = match work {
            Work::Step(step) => request::step(*step),
            Work::Raw(raw) => request::raw(raw),
        };
        (ordered, Deaf)
    }

    fn response(said: Said) -> LeaseResponse {
        let response = match said {
            Said::Opened(opened) => Told::Opened(*opened),
            Said::Progress(progress) => Told::Progress(progress),
            Said::Result(result) => Told::Result(result),
            Said::Raw(response) => Told::Raw(proto::RawResult { response }),
            Said::Error(error) => Told::Error(error),
        };
        LeaseResponse {
            response: Some(response),
        }
    }
}

/// A step at a security key asks its caller nothing.
struct Deaf;

impl Ear for Deaf {
    fn answer(&self, _: proto::AdminAnswer) {}

    fn give_up(&self) {}
}
