//! `cargo xtask test`: every test, the real parts included.

use anyhow::Result;
use clap::Args;

use crate::{
    core_size, fuzz, install,
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
        install::agent()?;
        install::python()?;
        install::reader()?;
        install::card_clients()?;
        install::hsm()?;
        install::authorities()?;
        install::guest()?;
        clients()?;
        // The programs that the stories start as processes of their own.
        run(&mut cargo(&["build", "--workspace", "--all-targets"]))?;
        let nextest = output(&mut cargo(&["nextest", "--version"])).is_ok();
        let filter: Vec<&str> = self.filter.iter().map(String::as_str).collect();
        if nextest {
            run(cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]).args(&filter))?;
        } else {
            eprintln!("cargo-nextest is not installed: the slower cargo test does the same");
            run(cargo(&[
                "test",
                "--workspace",
                "--all-targets",
                "--no-fail-fast",
                "--",
            ])
            .args(&filter))?;
        }
        if filter.is_empty() {
            run(&mut cargo(&["test", "--workspace", "--doc"]))?;
            core_size::check()?;
            fuzz::corpus_and(FUZZ_SECONDS)?;
        }
        Ok(())
    }
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

/// For each fuzz target, after its whole corpus.
const FUZZ_SECONDS: u64 = 3;
