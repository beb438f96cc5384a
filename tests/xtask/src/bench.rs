//! `cargo xtask bench`: memory, speed and waiting, as ratios of one run.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::process::Command;

use crate::run::{cargo, run, target};

#[derive(Args)]
pub(crate) struct Bench {
    /// Idle agents in the larger of the two loads
    #[arg(long, default_value_t = 5000)]
    links: u32,
    /// Keys that are issued on the disk, and as many in memory
    #[arg(long, default_value_t = 100)]
    operations: usize,
    /// What standard output shows
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
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
        run(&mut cargo(&["build", "--release", "--workspace", "--bins"]))?;
        let mut bench = Command::new(target().join("release/bench"));
        bench
            .args(["--links", &self.links.to_string()])
            .args(["--operations", &self.operations.to_string()]);
        if matches!(self.output, Output::Json) {
            bench.args(["--output", "json"]);
        }
        let status = bench.status().context("cannot start the bench")?;
        std::process::exit(status.code().unwrap_or(1));
    }
}
