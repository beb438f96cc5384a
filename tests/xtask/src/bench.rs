//! `cargo xtask bench`: memory, speed and waiting, as ratios of one run.

use anyhow::{Context, Result};
use clap::Args;
use std::process::Command;

use crate::run::{cargo, run, target};

#[derive(Args)]
pub(crate) struct Bench {
    /// Idle agents in the larger of the two loads
    #[arg(long, default_value_t = 5000)]
    links: u32,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        run(&mut cargo(&["build", "--release", "--workspace", "--bins"]))?;
        let status = Command::new(target().join("release/bench"))
            .args(["--links", &self.links.to_string()])
            .status()
            .context("cannot start the bench")?;
        std::process::exit(status.code().unwrap_or(1));
    }
}
