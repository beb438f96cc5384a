//! Faults at the authority: late, refusing in each of its ways, answering nonsense or not at all,
//! before and after each request has had its effect; out of reach; and the server killed while it
//! waits for an answer.

use std::{thread, time::Duration};

use anyhow::{Context, Result, ensure};
use keysteward_tests::{
    ca_gateway_stand_in::{Failure, Fault, When},
    site::{list, process::eventually},
};

use super::{
    Tally,
    card::between,
    desk::{Desk, Held, Make, SOON},
    life::Operation,
};
use crate::desk::text;

/// What strikes at one request.
#[derive(Clone, Copy, Debug)]
enum Strike {
    /// The stand-in does this.
    Answer(When, Answer),
    /// It is late, and the server is killed meanwhile.
    KillServer(When),
    /// Nobody is there.
    Down,
}

/// A word for each [`Failure`] that is used.
#[derive(Clone, Copy, Debug)]
enum Answer {
    BadRequest,
    Rejected,
    TooMany,
    ServerFault,
    Silence,
    Garbage,
    Late,
    OtherKey,
}

impl Answer {
    const ALL: [Self; 8] = [
        Self::BadRequest,
        Self::Rejected,
        Self::TooMany,
        Self::ServerFault,
        Self::Silence,
        Self::Garbage,
        Self::Late,
        Self::OtherKey,
    ];

    /// Who refuses has not done it: what an authority did although it says so is believed not to be.
    const fn refuses(self) -> bool {
        matches!(self, Self::BadRequest | Self::Rejected | Self::TooMany)
    }

    fn failure(self) -> Failure {
        let status = |code, retry_after| Failure::Status { code, retry_after };
        match self {
            Self::BadRequest => status(400, None),
            Self::Rejected => Failure::Rejected,
            Self::TooMany => status(429, Some(1)),
            Self::ServerFault => status(500, None),
            Self::Silence => Failure::Close,
            Self::Garbage => Failure::Garbage,
            Self::Late => Failure::Late { milliseconds: 1500 },
            Self::OtherKey => Failure::OtherKey,
        }
    }
}

/// The request of each operation that strikes hit, and how many of its kind go before.
fn requests(operation: Operation, second: bool) -> Option<(&'static str, u32)> {
    let skip = u32::from(second);
    match operation {
        Operation::Issue | Operation::Renew => Some(("/enrollments", skip)),
        // What stood there is revoked.
        Operation::Reissue | Operation::Revoke => Some(("/actions", skip)),
        _ => None,
    }
}

fn set(
    desk: &Desk,
    operation: Operation,
    second: bool,
    when: When,
    failure: Failure,
) -> Result<bool> {
    let Some((path_suffix, skip)) = requests(operation, second) else {
        return Ok(false);
    };
    // Only an enrolment brings a certificate.
    if failure == Failure::OtherKey && path_suffix != "/enrollments" {
        return Ok(false);
    }
    desk.authority.fault(&Fault {
        method: "POST".into(),
        path_suffix: path_suffix.into(),
        skip,
        when,
        failure,
    })?;
    Ok(true)
}

/// One operation with a strike; what it ended as at first.
fn point(
    desk: &mut Desk,
    held: &Held,
    operation: Operation,
    strike: Strike,
    second: bool,
) -> Result<Option<String>> {
    let set = match strike {
        Strike::Answer(when, answer) => set(desk, operation, second, when, answer.failure())?,
        Strike::KillServer(when) => {
            let late = Failure::Late { milliseconds: 1000 };
            set(desk, operation, second, when, late)?
        }
        Strike::Down => {
            let meets = requests(operation, second).is_some();
            if meets {
                desk.authority.cable.cut();
            }
            meets
        }
    };
    let id = operation.start(desk, held)?;
    match strike {
        Strike::KillServer(_) if set => {
            desk.authority.wait_until_struck()?;
            desk.site.server.kill_9()?;
            desk.site.server.run()?;
        }
        Strike::Down if set => {
            if operation == Operation::Revoke {
                revoked_without_the_authority(desk, held, &id)?;
            } else {
                thread::sleep(Duration::from_millis(1500));
            }
            desk.authority.cable.mend();
        }
        _ => {}
    }
    let ended = desk.settle(&id)?;
    // A gateway that said when to come again is not asked before.
    desk.authority.wait_until_struck()?;
    let first = operation.finish(desk, held, ended)?;
    if operation == Operation::Revoke {
        all_revoked(desk, held)?;
    }
    Ok(set.then_some(first))
}

/// Revoking does not wait for an authority that is down; what it is still to be told can be seen.
fn revoked_without_the_authority(desk: &Desk, held: &Held, id: &str) -> Result<()> {
    let ended = desk.settle(id)?;
    ensure!(ended["state"] == "succeeded", "it waits: {ended}");
    let waiting = list(
        desk.site.cli.json(&["card", "certificates"])?,
        "certificates",
    )?;
    let of_this = waiting.iter().filter(|row| row["token"] == held.token);
    ensure!(of_this.count() == 2, "not in the queue: {waiting:?}");
    Ok(())
}

/// The queue runs empty when the authority is there.
fn all_revoked(desk: &Desk, held: &Held) -> Result<()> {
    eventually("the authority has revoked everything", SOON * 2, || {
        for issued in desk.issued(held)? {
            ensure!(
                text(&issued, "status")? == "revoked",
                "not revoked: {issued}"
            );
        }
        Ok(Some(()))
    })
}

fn every(make: Make, strikes: impl IntoIterator<Item = Strike>) {
    let mut desk = Desk::open(make).unwrap();
    let mut tally = Tally::default();
    for (index, strike) in strikes.into_iter().enumerate() {
        // The first key pair's request and the second's by turns.
        let second = index % 2 == 1;
        let name = format!("{make:?}: {strike:?}, second: {second}");
        let mut lived = || -> Result<()> {
            let held = desk.hold(make)?;
            for operation in LIFE {
                let name = format!("{name}, {operation:?}");
                let told = between(&desk, &held, operation)
                    .and_then(|()| point(&mut desk, &held, operation, strike, second))
                    .with_context(|| name.clone())?;
                if let Some(state) = told {
                    tally.tell(&name, &state);
                }
            }
            desk.put_away(held)
        };
        if let Err(error) = lived() {
            tally.wrong(&error);
            desk.authority.cable.mend();
            desk.authority.clear_faults().unwrap();
        }
    }
    tally.finish(desk);
}

const LIFE: [Operation; 6] = [
    Operation::Register,
    Operation::Issue,
    Operation::HandOver,
    Operation::Renew,
    Operation::Reissue,
    Operation::Revoke,
];

pub(super) fn wrong_before() {
    every(
        Make::Piv,
        Answer::ALL.map(|answer| Strike::Answer(When::Before, answer)),
    );
}

pub(super) fn wrong_after() {
    let answers = Answer::ALL.into_iter().filter(|answer| !answer.refuses());
    every(
        Make::Piv,
        answers.map(|answer| Strike::Answer(When::After, answer)),
    );
}

pub(super) fn down_and_server_killed() {
    let kills = [When::Before, When::After].map(Strike::KillServer);
    // Each for the first key pair and for the second.
    let kills = kills.into_iter().flat_map(|kill| [kill, kill]);
    every(Make::Piv, kills.chain([Strike::Down, Strike::Down]));
}
