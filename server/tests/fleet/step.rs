//! Steps on tokens, through a lease on the link.

use std::time::Duration;

use keysteward_proto::agent::v1::{
    Done, Inspect, LeaseResponse, Opened, Progress, Step, StepError, StepResult, lease_request,
    lease_response::Response, progress, step, step_error, step_result,
};
use keysteward_server::fleet::{CallError, FleetSettings, Link, Sent};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{self, Lease, Script},
    server::{Machine, SOON, Server},
};

struct Linked {
    _server: Server,
    _machine: Machine,
    link: Link,
    leases: mpsc::Receiver<Lease>,
    served: tokio::task::JoinHandle<keysteward_agent::uplink::link::LinkEnd>,
}

async fn linked() -> Linked {
    let server = Server::start(FleetSettings::default()).await;
    let machine = server.machine().await;
    let (script, leases) = Script::new();
    let served = agent::link(&machine, &server, &script).await;
    Linked {
        link: server.link(machine.host()).await,
        _server: server,
        _machine: machine,
        leases,
        served,
    }
}

fn inspect() -> Step {
    Step {
        verb: Some(step::Verb::Inspect(Inspect {})),
        ..Step::default()
    }
}

fn done() -> StepResult {
    StepResult {
        result: Some(step_result::Result::Done(Done {})),
    }
}

impl Lease {
    async fn asked(&mut self) -> lease_request::Request {
        let asked = tokio::time::timeout(SOON, self.asked.message())
            .await
            .unwrap();
        asked.unwrap().unwrap().request.unwrap()
    }

    async fn answer(&self, response: Response) {
        let response = LeaseResponse {
            response: Some(response),
        };
        self.answers.send(Ok(response)).await.unwrap();
    }

    /// Up to where the step has arrived.
    async fn opened(mut self) -> Self {
        let lease_request::Request::Open(open) = self.asked().await else {
            panic!("a lease begins by opening");
        };
        assert_eq!(open.presence_id, "token-1");
        assert_eq!(open.purpose, "issue to alice@example.com");
        self.answer(Response::Opened(Opened::default())).await;
        assert_eq!(self.asked().await, lease_request::Request::Step(inspect()));
        self
    }
}

async fn step(link: &Link, progress: mpsc::Sender<Progress>) -> Result<StepResult, CallError> {
    link.step("token-1", "issue to alice@example.com", inspect(), progress)
        .await
}

#[tokio::test]
async fn a_step_tells_its_progress_and_then_its_result() {
    let mut linked = linked().await;
    let (progress, mut told) = mpsc::channel(4);
    let (result, ()) = tokio::join!(step(&linked.link, progress), async {
        let lease = linked.leases.recv().await.unwrap().opened().await;
        lease
            .answer(Response::Progress(Progress {
                kind: progress::Kind::TouchNeeded.into(),
                message: "touch the key on laptop-7 now".into(),
                ..Progress::default()
            }))
            .await;
        lease.answer(Response::Result(done())).await;
    });
    assert_eq!(result.unwrap(), done());
    assert_eq!(
        told.recv().await.unwrap().message,
        "touch the key on laptop-7 now"
    );
}

#[tokio::test]
async fn progress_that_nobody_reads_does_not_hold_up_the_step() {
    let mut linked = linked().await;
    let (progress, unread) = mpsc::channel(1);
    let (result, ()) = tokio::join!(step(&linked.link, progress), async {
        let lease = linked.leases.recv().await.unwrap().opened().await;
        for _ in 0..20 {
            lease.answer(Response::Progress(Progress::default())).await;
        }
        lease.answer(Response::Result(done())).await;
    });
    assert_eq!(result.unwrap(), done());
    drop(unread);
}

#[tokio::test]
async fn a_refused_step_says_why() {
    let mut linked = linked().await;
    let refused = StepError {
        message: "wrong PIN, 3 tries left".into(),
        pin_retries: Some(3),
        ..StepError::default()
    };
    for (code, is_known) in [
        (step_error::Code::PinInvalid, true),
        (step_error::Code::Unspecified, false),
    ] {
        let error = StepError {
            code: code.into(),
            ..refused.clone()
        };
        let (result, ()) = tokio::join!(step(&linked.link, mpsc::channel(1).0), async {
            let lease = linked.leases.recv().await.unwrap().opened().await;
            lease.answer(Response::Error(error.clone())).await;
        });
        match result.unwrap_err() {
            CallError::Refused(found) => assert_eq!((*found, is_known), (error, true)),
            CallError::Malformed(_) => assert!(!is_known),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_lease_that_does_not_open_is_a_refusal_and_the_step_never_leaves() {
    let mut linked = linked().await;
    let busy = StepError {
        code: step_error::Code::TokenBusy.into(),
        ..StepError::default()
    };
    let (result, mut lease) = tokio::join!(step(&linked.link, mpsc::channel(1).0), async {
        let mut lease = linked.leases.recv().await.unwrap();
        lease.asked().await;
        lease.answer(Response::Error(busy.clone())).await;
        lease
    });
    assert!(matches!(result, Err(CallError::Refused(error)) if *error == busy));
    // The caller hung up without sending the step.
    assert!(!matches!(lease.asked.message().await, Ok(Some(_))));
}

#[tokio::test]
async fn a_link_lost_before_the_step_left_says_so() {
    let mut linked = linked().await;
    let (result, ()) = tokio::join!(step(&linked.link, mpsc::channel(1).0), async {
        let mut lease = linked.leases.recv().await.unwrap();
        lease.asked().await;
        linked.served.abort();
    });
    let error = result.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::LinkLost {
                request_was_sent: Sent::No
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_link_lost_after_the_step_left_never_says_that_nothing_happened() {
    for told_progress in [false, true] {
        let mut linked = linked().await;
        let (progress, mut told) = mpsc::channel(1);
        let (result, ()) = tokio::join!(step(&linked.link, progress), async {
            let lease = linked.leases.recv().await.unwrap().opened().await;
            if told_progress {
                lease.answer(Response::Progress(Progress::default())).await;
                told.recv().await.unwrap();
            }
            linked.served.abort();
        });
        let expected = if told_progress {
            Sent::Yes
        } else {
            Sent::Unknown
        };
        match result.unwrap_err() {
            CallError::LinkLost { request_was_sent } => assert_eq!(request_was_sent, expected),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_lease_that_ends_without_an_answer_is_as_good_as_lost() {
    let mut linked = linked().await;
    let (result, ()) = tokio::join!(step(&linked.link, mpsc::channel(1).0), async {
        drop(linked.leases.recv().await.unwrap().opened().await);
    });
    let error = result.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::LinkLost {
                request_was_sent: Sent::Unknown
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_cancelled_step_is_cancelled_at_the_token_and_still_says_how_it_ended() {
    let mut linked = linked().await;
    let cancel = CancellationToken::new();
    let progress = mpsc::channel(1).0;
    let run = linked.link.step_unless(
        "token-1",
        "issue to alice@example.com",
        inspect(),
        progress,
        cancel.cancelled(),
    );
    let cancelled = StepError {
        code: step_error::Code::Cancelled.into(),
        ..StepError::default()
    };
    let (result, ()) = tokio::join!(run, async {
        let mut lease = linked.leases.recv().await.unwrap().opened().await;
        cancel.cancel();
        let asked = lease.asked().await;
        assert!(
            matches!(asked, lease_request::Request::Cancel(_)),
            "{asked:?}"
        );
        lease.answer(Response::Error(cancelled.clone())).await;
    });
    assert!(matches!(result, Err(CallError::Refused(error)) if *error == cancelled));
}

#[tokio::test]
async fn a_step_that_never_ends_is_given_up_after_its_time_and_a_little_more() {
    let mut linked = linked().await;
    let short = Step {
        timeout_ms: 1,
        ..inspect()
    };
    let limit = Duration::from_secs(60);
    let run = linked.link.step("token-1", "", short, mpsc::channel(1).0);
    let (result, _lease) = tokio::join!(tokio::time::timeout(limit, run), async {
        let mut lease = linked.leases.recv().await.unwrap();
        lease.asked().await;
        lease.answer(Response::Opened(Opened::default())).await;
        lease
    });
    let error = result.unwrap().unwrap_err();
    assert!(matches!(error, CallError::DeadlineExceeded), "{error}");
}
