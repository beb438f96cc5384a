//! Our client against keys that lie: every flow of the core against every hostile key, over
//! packets, on a clock that only packets move.
//!
//! Whatever the key does, a flow ends by its deadline, with a success or a typed error, and the
//! next honest key is served as ever. What the lies of each family come to is in `shown`.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod cable;
mod cards;
mod flows;
mod shown;

use cable::Cable;
use flows::Flow;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctaphid::{HidTransport, Link as _};
use keysteward_core::session::{Buffers, Session};
use keysteward_virtual_token::hostile::{self, Hostile, Liar};
use rand_core::OsRng;
use shown::{Shown, shown};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::OnceLock;

/// How long a flow may take.
const PATIENCE: u64 = 3_000;

/// What came of a flow.
struct Outcome {
    result: Result<String, flows::Error>,
    /// How often the key has lied.
    lies: u64,
}

impl Outcome {
    /// As the tables have it.
    fn text(&self) -> String {
        match &self.result {
            Ok(learned) => format!("ok: {learned}"),
            Err(error) => format!("{error:?}"),
        }
    }
}

/// Plugs a hostile key in and runs one flow with it.
fn meet(hostile: &'static Hostile, flow: &Flow, buffers: &mut Buffers) -> Outcome {
    let mut cable = Cable::plug(Liar::new(hostile, flows::key()));
    let deadline = cable.now().after(PATIENCE);
    let mut crypto = RustCrypto(OsRng);
    let mut go_on = |_| ControlFlow::Continue(());
    let (result, lies, end) = match HidTransport::open(&mut cable, *b"a nonce.", deadline) {
        Err(error) => (
            Err(flows::Error::Transport(error)),
            cable.liar.told(),
            cable.now(),
        ),
        Ok(mut transport) => {
            let result = (flow.run)(&mut Session::new(
                &mut transport,
                &mut crypto,
                buffers,
                deadline,
                &mut go_on,
            ));
            let cable = transport.link_mut();
            (result, cable.liar.told(), cable.now())
        }
    };
    assert!(
        end <= deadline,
        "{} outlasts the deadline of {}: {end:?}",
        hostile.name,
        flow.name
    );
    Outcome { result, lies }
}

/// A quarter of them, of every family, so that tests run beside each other.
fn every(part: usize) -> impl Iterator<Item = &'static Hostile> {
    hostile::all().skip(part).step_by(PARTS)
}

/// Every flow with every hostile key of a part: each ends in time, with a success or a typed
/// error, and as the table says; and an honest key is then served as ever.
fn survived(part: usize) {
    let mut buffers = Buffers::default();
    let mut unlike = Vec::new();
    for hostile in every(part) {
        let (_, shown) = shown()
            .find(|(name, _)| *name == hostile.name)
            .unwrap_or_else(|| panic!("nothing is shown of {}", hostile.name));
        let mut lies = 0;
        for flow in flows::all() {
            let outcome = meet(hostile, flow, &mut buffers);
            let text = outcome.text();
            let (due, told) = match shown {
                Shown::Always(end) => (Some((*end).to_owned()), outcome.lies > 0),
                Shown::Harmless => (Some(honest(flow.name)), outcome.lies > 0),
                Shown::At(ends) => {
                    let end = ends.iter().find(|(name, _)| *name == flow.name);
                    (end.map(|(_, end)| (*end).to_owned()), end.is_some())
                }
            };
            if due.is_some_and(|due| !text.starts_with(&due)) {
                unlike.push(format!("{}, {}: {text}", hostile.name, flow.name));
            }
            lies += if told { outcome.lies } else { 0 };
        }
        if lies == 0 {
            unlike.push(format!(
                "{} never lied where something is shown",
                hostile.name
            ));
        }
        let next = meet(&hostile::HONEST, &LIST, &mut buffers).text();
        assert_eq!(next, honest("list"), "after {}", hostile.name);
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}

/// How a flow ends with an honest key.
fn honest(flow: &str) -> String {
    static ENDS: OnceLock<HashMap<&str, String>> = OnceLock::new();
    let ends = ENDS.get_or_init(|| {
        let mut buffers = Buffers::default();
        let ends = flows::all().map(|flow| {
            let outcome = meet(&hostile::HONEST, flow, &mut buffers);
            (flow.name, outcome.text())
        });
        ends.collect()
    });
    ends[flow].clone()
}

const LIST: Flow = Flow {
    name: "list",
    run: flows::list,
};

/// Tests run beside each other.
const PARTS: usize = 4;

#[test]
fn the_first_of_four_hostile_keys_are_survived() {
    survived(0);
}

#[test]
fn the_second_of_four_hostile_keys_are_survived() {
    survived(1);
}

#[test]
fn the_third_of_four_hostile_keys_are_survived() {
    survived(2);
}

#[test]
fn the_fourth_of_four_hostile_keys_are_survived() {
    survived(3);
}

#[test]
fn the_control_is_honest_and_every_row_has_its_key() {
    for (flow, end) in [
        ("list", "ok: 2 relying parties, 3 of 3 credentials"),
        ("change_pin", "ok: done"),
        ("wrong_pin", "PinInvalid { retries: Some(7) }"),
        ("make", "ok: 164 bytes, which name a credential"),
        ("assert", "ok: 2 of 2"),
        ("find", "ok: Some(1)"),
        ("reset", "ok: done"),
    ] {
        assert_eq!(honest(flow), end, "{flow}");
    }
    for (name, _) in shown() {
        assert!(hostile::find(name).is_some(), "{name} is no hostile key");
    }
    assert_eq!(shown().count(), hostile::all().count());
}
