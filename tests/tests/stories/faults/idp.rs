//! Faults at the identity provider: late, wrong, 409, 429, 500 or no answer at all, before and
//! after each request has had its effect; and the server killed while it waits.

use anyhow::Result;
use keysteward_tests::{
    site::key::Make,
    sta_stand_in::{Failure, Fault, When},
};

use super::{Operation, TEMPLATE, Tally, point};
use crate::desk::Desk;

/// A request of a step.
#[derive(Clone, Copy, Debug)]
struct Request {
    step: &'static str,
    method: &'static str,
    prefix: &'static str,
    suffix: &'static str,
}

const FIND_USER: Request = Request {
    step: "find-user (look)",
    method: "GET",
    prefix: "/users/",
    suffix: "",
};
const CREATE_USER: Request = Request {
    step: "find-user (create)",
    method: "POST",
    prefix: "/users",
    suffix: "/users",
};
const PUBLISH: Request = Request {
    step: "publish",
    method: "POST",
    prefix: "/users/",
    suffix: "/authenticators",
};
const READ_BACK: Request = Request {
    step: "read-back",
    method: "GET",
    prefix: "/users/",
    suffix: "/authenticators",
};
const DELETE: Request = Request {
    step: "delete-authenticator",
    method: "DELETE",
    prefix: "/users/",
    suffix: "",
};

fn failures() -> [(&'static str, Failure); 7] {
    let status = |code, reset_seconds| Failure::Status {
        code,
        reset_seconds,
    };
    [
        ("409", status(409, None)),
        ("429", status(429, Some(1))),
        ("500", status(500, None)),
        ("no answer", Failure::Close),
        ("garbage", Failure::Garbage),
        ("a wrong object", Failure::WrongObject),
        ("late", Failure::Late { milliseconds: 1500 }),
    ]
}

fn fault(request: Request, when: When, failure: Failure) -> Fault {
    Fault {
        method: request.method.into(),
        path_prefix: request.prefix.into(),
        path_suffix: request.suffix.into(),
        skip: 0,
        when,
        failure,
    }
}

fn every_fault_at(operation: Operation, requests: &[Request]) {
    let mut desk = Desk::open().unwrap();
    let mut tally = Tally::default();
    for request in requests {
        for when in [When::Before, When::After] {
            for (what, failure) in failures() {
                let name = format!("{operation:?}: {what}, {when:?} {}", request.step);
                let ended = with_fault(&mut desk, operation, fault(*request, when, failure), false);
                tally.tell(&name, ended);
            }
            let name = format!("{operation:?}: server killed, {when:?} {}", request.step);
            let late = Failure::Late { milliseconds: 1000 };
            let ended = with_fault(&mut desk, operation, fault(*request, when, late), true);
            tally.tell(&name, ended);
        }
    }
    tally.finish(desk);
}

fn with_fault(desk: &mut Desk, operation: Operation, fault: Fault, kill: bool) -> Result<String> {
    point(
        desk,
        Make::Keysteward,
        operation,
        TEMPLATE,
        |desk, _, start| {
            desk.site.stand_in.fault(&fault)?;
            let id = start(desk)?;
            if kill {
                desk.site.stand_in.wait_until_struck()?;
                desk.site.server.kill_9()?;
                desk.site.server.run()?;
            }
            Ok(id)
        },
    )
}

#[test]
fn issuing_survives_every_fault_of_the_provider_while_it_finds_the_user() {
    every_fault_at(Operation::Issue, &[FIND_USER, CREATE_USER]);
}

#[test]
fn issuing_survives_every_fault_of_the_provider_while_it_publishes() {
    every_fault_at(Operation::Issue, &[PUBLISH, READ_BACK]);
}

#[test]
fn revoking_survives_every_fault_of_the_provider() {
    every_fault_at(Operation::Revoke, &[DELETE]);
}
