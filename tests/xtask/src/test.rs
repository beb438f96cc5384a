//! `cargo xtask test`: every test, the real parts included.

use std::{env, fs, process::Command, thread};

use anyhow::Result;
use clap::Args;

use crate::{
    core_size, fuzz, install, room,
    run::{cargo, output, run, target},
};

#[derive(Args)]
pub(crate) struct Test {
    /// Passed on to the test runner
    #[arg(last = true)]
    filter: Vec<String>,
}

impl Test {
    pub(crate) fn run(self) -> Result<()> {
        room::for_target(MEGABYTES)?;
        install::agent()?;
        install::python()?;
        install::reader()?;
        install::card_clients()?;
        install::hsm()?;
        install::authorities()?;
        install::guest()?;
        clients()?;
        // The programs that the stories start as processes of their own.
        run(&mut whole(&["build", "--workspace", "--all-targets"]))?;
        let nextest = output(&mut cargo(&["nextest", "--version"])).is_ok();
        let filter: Vec<&str> = self.filter.iter().map(String::as_str).collect();
        if nextest {
            run(whole(&["nextest", "run", "--workspace", "--no-fail-fast"])
                .args(["--test-threads", &at_once()?.to_string()])
                .args(&filter))?;
        } else {
            eprintln!("cargo-nextest is not installed: the slower cargo test does the same");
            run(whole(&[
                "test",
                "--workspace",
                "--all-targets",
                "--no-fail-fast",
                "--",
            ])
            .args(&filter))?;
        }
        if filter.is_empty() {
            run(&mut whole(&["test", "--workspace", "--doc"]))?;
            core_size::check()?;
            fuzz::corpus_and(FUZZ_SECONDS)?;
        }
        Ok(())
    }
}

/// How many tests run at a time. Most of them wait: for a reader to be looked at, for another process,
/// for a time limit.
fn at_once() -> Result<usize> {
    Ok(thread::available_parallelism()?.get().saturating_mul(2))
}

/// A cargo that builds everything. Where nobody has worked yet, nobody will want to compile what
/// changed alone: what is kept for that would take more room than the programs.
fn whole(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    if env::var_os(INCREMENTAL).is_none() && !is_worked_in() {
        command.env(INCREMENTAL, "0");
    }
    command
}

/// Whether the target folder keeps what it takes to compile what changed alone, of more than this
/// program.
fn is_worked_in() -> bool {
    let kept = fs::read_dir(target().join("debug/incremental"));
    kept.is_ok_and(|mut kept| {
        kept.any(|entry| {
            entry.is_ok_and(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with("keysteward")
            })
        })
    })
}

/// Other people's clients, for the table of who understands whom. A workspace of its own, since
/// they bring other versions of what we use.
fn clients() -> Result<()> {
    install::packages(&["libudev-dev", "pkg-config"])?;
    run(
        cargo(&["build", "--manifest-path", "tests/clients/Cargo.toml"])
            .arg("--target-dir")
            .arg(target().join("clients")),
    )
}

/// Cargo's own setting.
const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// What a clean clone has built in the end, and what its tests write meanwhile.
const MEGABYTES: u64 = 9_000;

/// For each fuzz target, after its whole corpus.
const FUZZ_SECONDS: u64 = 3;
