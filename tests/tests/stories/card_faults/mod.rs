//! Cards: nothing half done, nothing lost, no try burned. Everything that can fail does, before
//! and after every command that may change a card.
//!
//! A life goes through every operation, and in each of them one fault strikes at its `n`th such
//! command. Things recover, the operation settles, and what did not succeed is asked for once
//! more, which has to succeed. Then server, card and authority must agree.

mod authority;
mod card;
mod desk;
mod intruder;
mod life;

use anyhow::Result;
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

/// Which of an operation's commands a story tells of: each story takes a minute or two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Share {
    Odd,
    Even,
    All,
}

/// Every operation of every life, with one fault each: `faults` by turns.
fn every_fault_at(make: Make, faults: &[Fault], share: Share) {
    let mut desk = Desk::open(make).unwrap();
    let counts = rehearse(&mut desk, make).unwrap();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap();
    println!("{counts:?}");
    let mut tally = Tally::default();
    let points = (1..=most).flat_map(|number| {
        let before_and_after = MOMENTS.map(|moment| (number, moment));
        match make {
            Make::Piv => before_and_after.to_vec(),
            // By turns: the one has many commands, the other's lives are long.
            Make::Gids | Make::PivAuthenticator => before_and_after[number / 2 % 2..][..1].to_vec(),
        }
    });
    for ((number, moment), fault) in points.zip(faults.iter().cycle()) {
        let told = match share {
            Share::Odd => number % 2 == 1,
            Share::Even => number % 2 == 0,
            Share::All => true,
        };
        let at = Point {
            fault: *fault,
            number,
            moment,
        };
        if told {
            one_life(&mut desk, make, &counts, at, &mut tally);
        }
    }
    tally.finish(desk);
}

fn one_life(
    desk: &mut Desk,
    make: Make,
    counts: &[(Operation, usize)],
    at: Point,
    tally: &mut Tally,
) {
    let name = format!("{make:?}: {:?}, {:?} {}", at.fault, at.moment, at.number);
    // The rest of a life in which nothing strikes any more tells nothing.
    let last = match make {
        Make::PivAuthenticator => counts.len() - 1,
        Make::Piv | Make::Gids => counts
            .iter()
            .rposition(|(_, count)| at.number <= *count)
            .unwrap_or_default(),
    };
    let mut lived = || -> Result<()> {
        let mut held = desk.hold(make)?;
        for (operation, count) in &counts[..=last] {
            let name = format!("{name} of {operation:?}");
            let told = between(desk, &held, *operation)
                .and_then(|()| point(desk, &mut held, *operation, at))
                .map_err(|error| error.context(name.clone()))?;
            match told {
                Some(state) => tally.tell(&name, &state),
                None => anyhow::ensure!(at.number > *count, "{name}: nothing struck"),
            }
        }
        desk.put_away(held)
    };
    if let Err(error) = lived() {
        tally.wrong(&error);
    }
}

/// Five by turns, of which the first is another one at each command.
const ALL: [Fault; 5] = [
    Fault::Lift,
    Fault::LosePower,
    Fault::KillPcscd,
    Fault::KillAgent,
    Fault::KillServer,
];

fn piv_odd() {
    every_fault_at(Make::Piv, &ALL, Share::Odd);
}

fn piv_even() {
    every_fault_at(Make::Piv, &ALL, Share::Even);
}

fn gids_odd() {
    every_fault_at(Make::Gids, &ALL, Share::Odd);
}

fn gids_even() {
    every_fault_at(Make::Gids, &ALL, Share::Even);
}

fn foreign_piv() {
    every_fault_at(Make::PivAuthenticator, &ALL, Share::All);
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
    a_piv_card_meets_faults_at_every_odd_change: super::piv_odd,
    a_piv_card_meets_faults_at_every_even_change: super::piv_even,
    a_gids_card_meets_faults_at_every_odd_change: super::gids_odd,
    a_gids_card_meets_faults_at_every_even_change: super::gids_even,
    a_piv_card_that_is_not_ours_meets_faults_at_every_change: super::foreign_piv,
    another_program_resets_a_piv_card_between_leases: super::intruder::of_piv,
    another_program_resets_a_gids_card_between_leases: super::intruder::of_gids,
    the_authority_answers_wrongly_before_the_effect: super::authority::wrong_before,
    the_authority_answers_wrongly_after_the_effect: super::authority::wrong_after,
    the_authority_is_down_or_the_server_dies_waiting: super::authority::down_and_server_killed,
}
