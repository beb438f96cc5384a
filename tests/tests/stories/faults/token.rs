//! Faults between the server and the key: agent and server killed, the uplink cut, the key pulled
//! out, each while a command is on its way to the key or its answer on the way back.

use anyhow::Result;
use keysteward_tests::site::key::{Command, Make, Moment};

use super::{MOMENTS, Operation, TEMPLATE, Tally, command, point};
use crate::desk::{Desk, Held, Issuing};

#[derive(Clone, Copy, Debug)]
enum Fault {
    KillAgent,
    KillServer,
    CutUplink,
    Unplug,
}

const FAULTS: [Fault; 4] = [
    Fault::KillAgent,
    Fault::KillServer,
    Fault::CutUplink,
    Fault::Unplug,
];

impl Fault {
    /// Strikes while `at` is held at the key, and mends what it broke.
    fn strike(
        self,
        desk: &mut Desk,
        held: &Held,
        moment: Moment,
        at: Command,
        start: &dyn Fn(&Desk) -> Result<String>,
    ) -> Result<String> {
        if matches!(self, Self::Unplug) {
            held.key.fault(moment, at, "unplug")?;
            let id = start(desk)?;
            held.key.wait_until_unplugged()?;
            held.key.plug()?;
            return Ok(id);
        }
        held.key.fault(moment, at, "hold")?;
        let id = start(desk)?;
        held.key.wait_until_held()?;
        match self {
            Self::KillAgent => {
                desk.agent.kill_9()?;
                held.key.release()?;
                desk.agent.run()?;
            }
            Self::KillServer => {
                desk.site.server.kill_9()?;
                held.key.release()?;
                desk.site.server.run()?;
            }
            Self::CutUplink => {
                desk.agent.cable.cut();
                held.key.release()?;
                desk.agent.cable.mend();
            }
            Self::Unplug => {}
        }
        Ok(id)
    }
}

fn every_fault_at(
    make: Make,
    operation: Operation,
    template: Issuing<'_>,
    steps: &[(&str, Command)],
) {
    let mut desk = Desk::open().unwrap();
    let mut tally = Tally::default();
    for (step, at) in steps {
        for moment in MOMENTS {
            for fault in FAULTS {
                let name = format!("{make:?} {operation:?}: {fault:?}, {moment:?} {step}");
                let ended = point(&mut desk, make, operation, template, |desk, held, start| {
                    fault.strike(desk, held, moment, *at, start)
                });
                tally.tell(&name, ended);
            }
        }
    }
    tally.finish(desk);
}

const ISSUE: [(&str, Command); 4] = [
    ("inspect", command("client_pin", Some(0x01))),
    ("set-pin", command("client_pin", Some(0x03))),
    ("configure", command("authenticator_config", Some(0x03))),
    ("make-credential", command("make_credential", None)),
];
const HAND_OVER: [(&str, Command); 1] =
    [("configure", command("authenticator_config", Some(0x03)))];
const CHANGE_PIN: [(&str, Command); 1] = [("change-pin", command("client_pin", Some(0x04)))];
const DELETE: [(&str, Command); 1] = [(
    "delete-credential",
    command("credential_management", Some(0x06)),
)];
/// With a forced change at hand-over, which escrow rules out.
const FORCED: Issuing<'static> = Issuing {
    custody: "hand-over",
    more: &["--pin-force-change"],
};

#[test]
fn issuing_our_key_survives_every_fault() {
    every_fault_at(Make::Keysteward, Operation::Issue, TEMPLATE, &ISSUE);
}

#[test]
fn issuing_a_foreign_key_survives_every_fault() {
    every_fault_at(Make::OpenSk, Operation::Issue, TEMPLATE, &ISSUE);
}

#[test]
fn handing_over_survives_every_fault() {
    for make in [Make::Keysteward, Make::OpenSk] {
        every_fault_at(make, Operation::HandOver, FORCED, &HAND_OVER);
    }
}

#[test]
fn handing_over_with_the_users_own_pin_survives_every_fault() {
    for make in [Make::Keysteward, Make::OpenSk] {
        every_fault_at(make, Operation::HandOverOwnPin, TEMPLATE, &CHANGE_PIN);
    }
}

#[test]
fn revoking_survives_every_fault_at_the_key() {
    for make in [Make::Keysteward, Make::OpenSk] {
        every_fault_at(make, Operation::Revoke, TEMPLATE, &DELETE);
    }
}
