//! Cards: nothing half done, nothing lost, no try burned. Each kind of fault strikes in each
//! operation of a card's life.
//!
//! Things recover, the operation settles, and what did not succeed is asked for once more, which
//! has to succeed. Then server, card and authority must agree.
//!
//! A life takes seconds and an operation has dozens of commands that may change the card, so what
//! is told here is a sample: every fault in every operation, at commands that are spread evenly
//! over it. The engine's own tests let every call of an operation go wrong
//! (`operation/tests/cards`), the agent's cut steps off between two commands (`cards/cut_off`).

mod authority;
mod card;
mod desk;
mod intruder;
mod life;

use anyhow::{Context as _, Result};
use keysteward_tests::site::key::Moment;

use self::{
    card::{Fault, Point, between, point, rehearse},
    desk::{Desk, Make},
    life::Operation,
};

const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

/// How many points were told of, and what went wrong at them.
#[derive(Default)]
struct Tally {
    told: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn tell(&mut self, name: &str, state: &str) {
        println!("{name:<60} {state}");
        self.told += 1;
    }

    fn wrong(&mut self, error: &anyhow::Error) {
        println!("{error:#}");
        self.wrong.push(format!("{error:#}"));
    }

    fn finish(self, mut desk: Desk) {
        if !self.wrong.is_empty() {
            desk.site.keep();
            println!(
                "databases and logs stay in {}",
                desk.site.folder().display()
            );
        }
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n\n"));
        assert!(self.told > 0, "nothing struck");
        desk.verify_audit().unwrap();
    }
}

/// A life for each fault, which strikes once in every operation. Of the commands that may change
/// the card each life takes another fifth of the way, just before it or just after by turns.
fn every_fault_in_every_operation(make: Make) {
    let mut desk = Desk::open(make).unwrap();
    let counts = rehearse(&mut desk, make).unwrap();
    println!("{counts:?}");
    let mut tally = Tally::default();
    for (turn, (fault, moment)) in FAULTS
        .into_iter()
        .zip(MOMENTS.into_iter().cycle())
        .enumerate()
    {
        one_life(&mut desk, make, &counts, (turn, fault, moment), &mut tally);
    }
    tally.finish(desk);
}

fn one_life(
    desk: &mut Desk,
    make: Make,
    counts: &[(Operation, usize)],
    (turn, fault, moment): (usize, Fault, Moment),
    tally: &mut Tally,
) {
    let mut lived = || -> Result<()> {
        let mut held = desk.hold(make)?;
        for (operation, count) in counts {
            let at = Point {
                fault,
                number: 1 + turn * count / FAULTS.len(),
                moment,
            };
            let name = format!(
                "{make:?}: {fault:?}, {moment:?} {} of {operation:?}",
                at.number
            );
            let told = between(desk, &held, *operation)
                .and_then(|()| point(desk, &mut held, *operation, at))
                .map_err(|error| error.context(name.clone()))?;
            let state = told.with_context(|| format!("{name}: nothing struck"))?;
            tally.tell(&name, &state);
        }
        desk.put_away(held)
    };
    if let Err(error) = lived() {
        tally.wrong(&error);
    }
}

const FAULTS: [Fault; 5] = [
    Fault::Lift,
    Fault::LosePower,
    Fault::KillPcscd,
    Fault::KillAgent,
    Fault::KillServer,
];

fn piv() {
    every_fault_in_every_operation(Make::Piv);
}

fn gids() {
    every_fault_in_every_operation(Make::Gids);
}

fn foreign_piv() {
    every_fault_in_every_operation(Make::PivAuthenticator);
}

/// Each told beside a pcscd of its own.
macro_rules! stories {
    ($($name:ident: $story:path,)*) => {$(
        mod $name {
            #[test]
            fn over_pcscd() {
                keysteward_tests::pcscd::tell(concat!(module_path!(), "::over_pcscd"), $story);
            }
        }
    )*};
}

stories! {
    a_piv_card_meets_every_fault_in_every_operation: super::piv,
    a_gids_card_meets_every_fault_in_every_operation: super::gids,
    a_piv_card_that_is_not_ours_meets_every_fault_in_every_operation: super::foreign_piv,
    another_program_resets_a_piv_card_between_leases: super::intruder::of_piv,
    another_program_resets_a_gids_card_between_leases: super::intruder::of_gids,
    the_authority_answers_wrongly_before_the_effect: super::authority::wrong_before,
    the_authority_answers_wrongly_after_the_effect: super::authority::wrong_after,
    the_authority_is_down_or_the_server_dies_waiting: super::authority::down_and_server_killed,
}
