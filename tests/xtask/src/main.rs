//! The one door to the project's commands: `cargo xtask <verb>`.
//!
//! Each verb installs what it needs, says what it does, and shows what it runs.

#![forbid(unsafe_code)]

mod bench;
mod check;
mod core_size;
mod demo;
mod fuzz;
mod install;
mod room;
mod run;
mod test;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The one door to the project's commands")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// The main job in front of you: a key on another machine is issued, used, suspended, revoked
    ///
    /// Examples: cargo xtask demo --stay, cargo xtask demo --cards
    Demo(demo::Demo),
    /// Every test, the real parts included; what CI runs
    ///
    /// Example: cargo xtask test -- --no-capture enrolment
    Test(test::Test),
    /// The quick gate: format, lints, unit tests, docs, the core without std, Windows
    Check,
    /// Our codec and PIN protocol beside those of others; what the fleet and smart cards cost
    ///
    /// Example: cargo xtask bench --only codec
    Bench(bench::Bench),
    /// Flash, RAM, stack and instructions on a Cortex-M4, beside peers; that the core cannot panic
    ///
    /// Example: cargo xtask core-size --output json
    CoreSize(core_size::CoreSize),
    /// Every fuzz target, for a stated time each
    ///
    /// Example: cargo xtask fuzz --time 30 cbor_reader session
    Fuzz(fuzz::Fuzz),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Demo(demo) => demo.run(),
        Verb::Test(test) => test.run(),
        Verb::Check => check::gate(),
        Verb::Bench(bench) => bench.run(),
        Verb::CoreSize(core_size) => core_size.run(),
        Verb::Fuzz(fuzz) => fuzz.run(),
    }
}
