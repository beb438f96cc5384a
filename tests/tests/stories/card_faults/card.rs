//! Faults between the server and a card: the card taken off, its power lost, pcscd, agent and
//! server killed, each just before and just after every command that may change the card.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use keysteward_tests::site::{contacts::Action, key::Moment, list, process::eventually};
use serde_json::Value;

use super::{
    desk::{Desk, Held, Make, SOON, is_over},
    life::Operation,
};
use crate::desk::text;

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// The card is taken off, and laid back when that was noticed.
    Lift,
    /// The card forgets who had authority.
    LosePower,
    KillPcscd,
    KillAgent,
    KillServer,
}

/// Where it goes wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) fault: Fault,
    /// Of the commands of the operation that may change the card.
    pub(super) number: usize,
    pub(super) moment: Moment,
}

impl Fault {
    const fn action(self) -> Action {
        match self {
            Self::Lift => Action::Lift,
            Self::LosePower => Action::LosePower,
            Self::KillPcscd | Self::KillAgent | Self::KillServer => Action::Hold,
        }
    }

    /// What is left to do when it has struck, and mends what it broke.
    fn recover(self, desk: &mut Desk, held: &Held, moment: Moment) -> Result<()> {
        match self {
            Self::Lift => {
                desk.wait_until_present(&held.token, false)?;
                held.contacts.put_back();
            }
            Self::LosePower => {}
            Self::KillPcscd => {
                desk.pcscd.kill_9()?;
                held.contacts.release(false)?;
                desk.pcscd.run()?;
            }
            Self::KillAgent => {
                desk.agent.kill_9()?;
                // An agent that died before the command left, or before its answer came.
                held.contacts.release(moment == Moment::After)?;
                desk.agent.run()?;
            }
            Self::KillServer => {
                desk.site.server.kill_9()?;
                held.contacts.release(true)?;
                desk.site.server.run()?;
            }
        }
        Ok(())
    }
}

/// One operation with a fault; what it ended as at first, or nothing where the operation has no
/// such command.
pub(super) fn point(
    desk: &mut Desk,
    held: &mut Held,
    operation: Operation,
    point: Point,
) -> Result<Option<String>> {
    held.contacts
        .arm(point.number, point.moment, point.fault.action());
    let id = operation.start(desk, held)?;
    let struck = wait_for_strike(desk, held, &id)?;
    if struck {
        point
            .fault
            .recover(desk, held, point.moment)
            .context("while it was mended")?;
    }
    held.contacts.count_anew();
    let (operation, id) = if held.make.loses_its_name_in(operation) {
        known_again(desk, held, operation, id)?
    } else {
        (operation, id)
    };
    let ended = desk.settle(&id)?;
    let first = operation.finish(desk, held, ended)?;
    Ok(struck.then_some(first))
}

/// A card that comes back without its name tells nobody which one it is: the operator sees another
/// card, and registers that. What goes on then, and as which operation.
fn known_again(
    desk: &Desk,
    held: &mut Held,
    operation: Operation,
    id: String,
) -> Result<(Operation, String)> {
    eventually("the card is there again, or another one", SOON, || {
        let shown = desk.site.cli.json(&["operation", "show", &id])?;
        if is_over(&shown) {
            return Ok(Some((operation, id.clone())));
        }
        let there = ["token", "list", "--present", "true"];
        let there = list(desk.site.cli.json(&there)?, "tokens")?;
        let Some(other) = there.iter().find(|token| token["id"] != held.token) else {
            return Ok(None);
        };
        desk.site.cli.json(&["operation", "cancel", &id])?;
        let once = std::mem::replace(&mut held.token, text(other, "id")?);
        held.once.push(once);
        let register = Operation::Register;
        Ok(Some((register, register.start(desk, held)?)))
    })
}

fn wait_for_strike(desk: &Desk, held: &Held, id: &str) -> Result<bool> {
    let begun = Instant::now();
    let mut looked = begun;
    while begun.elapsed() < Duration::from_secs(60) {
        if held.contacts.has_struck() {
            return Ok(true);
        }
        if looked.elapsed() > Duration::from_millis(200) {
            let operation: Value = desk.site.cli.json(&["operation", "show", id])?;
            if is_over(&operation) {
                return Ok(held.contacts.has_struck());
            }
            looked = Instant::now();
        }
        thread::sleep(Duration::from_millis(5));
    }
    bail!("neither did the fault strike nor the operation end")
}

/// A life without faults: how many commands of each operation may change the card.
pub(super) fn rehearse(desk: &mut Desk, make: Make) -> Result<Vec<(Operation, usize)>> {
    let held = desk.hold(make)?;
    let mut counts = Vec::new();
    for operation in Operation::ALL {
        held.contacts.count_anew();
        let (state, count) = undisturbed(desk, &held, operation)
            .with_context(|| format!("{operation:?} without a fault"))?;
        anyhow::ensure!(
            state == "succeeded",
            "{operation:?} without a fault: {state}"
        );
        anyhow::ensure!(count > 0, "{operation:?} changes nothing on the card");
        counts.push((operation, count));
    }
    desk.put_away(held)?;
    Ok(counts)
}

/// One operation; what it ended as at first, and how many commands until then may have changed the
/// card.
pub(super) fn undisturbed(
    desk: &Desk,
    held: &Held,
    operation: Operation,
) -> Result<(String, usize)> {
    between(desk, held, operation)?;
    let id = operation.start(desk, held)?;
    let ended = desk.settle(&id)?;
    let count = held.contacts.counted();
    Ok((operation.finish(desk, held, ended)?, count))
}

/// What an operator does between two operations.
pub(super) fn between(desk: &Desk, held: &Held, next: Operation) -> Result<()> {
    if next == Operation::Unregister {
        let retired = desk.site.cli.json(&["card", "retire", &held.token])?;
        anyhow::ensure!(retired["state"] == "succeeded", "not retired: {retired}");
    }
    Ok(())
}
