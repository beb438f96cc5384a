//! `cargo xtask bench`: the codec and the PIN protocol beside those of others; memory, speed and
//! waiting of the fleet; what smart cards cost. Ratios of one run.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use crate::{
    install,
    run::{cargo, root, run, target},
};

#[derive(Args)]
pub(crate) struct Bench {
    /// Only this part; everything when none is named
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Idle agents in the larger of the two loads
    #[arg(long, default_value_t = 5000)]
    links: u32,
    /// Keys that are issued on the disk, and as many in memory; certificates that are renewed, and as
    /// many that are reissued
    #[arg(long, default_value_t = 100)]
    operations: usize,
    /// What standard output shows
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// Messages decoded and encoded, beside other people's codecs; under a minute after the build
    Codec,
    /// PIN/UV auth protocol two, beside other people's cryptography; seconds after the build
    Pin,
    /// Links, an idle agent and issuing; some minutes
    Fleet,
    /// Commands, inventories, admin keys and certificates of smart cards; some minutes
    Card,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// Each figure beside its target or its ratio
    Table,
    /// The same figures, for a script
    Json,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        let mut report = Map::new();
        if !matches!(self.only, Some(Part::Fleet | Part::Card)) {
            self.show(peers(self.only)?, &mut report)?;
        }
        if self.only.is_none_or(|only| only == Part::Fleet) {
            self.show(self.fleet()?, &mut report)?;
        }
        if self.only.is_none_or(|only| only == Part::Card) {
            self.show(self.card()?, &mut report)?;
        }
        if matches!(self.output, Output::Json) {
            println!("{}", Value::Object(report));
        }
        Ok(())
    }

    fn fleet(&self) -> Result<Command> {
        let mut fleet = Command::new(optimised("bench")?);
        fleet
            .args(["--links", &self.links.to_string()])
            .args(["--operations", &self.operations.to_string()]);
        Ok(fleet)
    }

    fn card(&self) -> Result<Command> {
        install::reader()?;
        let mut card = Command::new(optimised("bench_cards")?);
        card.args(["--operations", &self.operations.to_string()]);
        Ok(card)
    }

    /// Runs a part of the bench: its table goes to standard output, its figures into `report`.
    fn show(&self, mut part: Command, report: &mut Map<String, Value>) -> Result<()> {
        let stdout = match self.output {
            Output::Table => Stdio::inherit(),
            Output::Json => {
                part.args(["--output", "json"]);
                Stdio::piped()
            }
        };
        let part = part
            .stdout(stdout)
            .stderr(Stdio::inherit())
            .spawn()
            .and_then(|child| child.wait_with_output())
            .context("cannot start the bench")?;
        if !part.status.success() {
            bail!("the bench ended with {}", part.status);
        }
        if matches!(self.output, Output::Json) {
            let figures: Map<String, Value> = serde_json::from_slice(&part.stdout)
                .context("the bench did not write one object of JSON")?;
            report.extend(figures);
        }
        Ok(())
    }
}

/// A program of `tests`, with all others that it starts.
fn optimised(name: &str) -> Result<PathBuf> {
    install::agent()?;
    run(&mut cargo(&["build", "--release", "--workspace", "--bins"]))?;
    Ok(target().join("release").join(name))
}

/// The program of `tests/peers`, built with its own profile.
fn peers(only: Option<Part>) -> Result<Command> {
    install::packages(&[
        "gcc",
        "pkg-config",
        "libfido2-dev",
        "libssl-dev",
        "libudev-dev",
    ])?;
    let folder = target().join("peers");
    run(cargo(&["build", "--release", "--manifest-path"])
        .arg(root().join("tests/peers/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder))?;
    let mut peers = Command::new(folder.join("release/keysteward-peers"));
    match only {
        Some(Part::Codec) => peers.args(["--only", "codec"]),
        Some(Part::Pin) => peers.args(["--only", "pin"]),
        Some(Part::Fleet | Part::Card) | None => &mut peers,
    };
    Ok(peers)
}
