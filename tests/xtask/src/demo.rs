//! `cargo xtask demo`: the main job, every party a process of its own; with `--cards`, that of smart
//! cards.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::run::{cargo, run, target};

#[derive(Args)]
pub(crate) struct Demo {
    /// Smart cards instead of a security key: PIV and GIDS, certificates of an authority
    #[arg(long)]
    cards: bool,
    /// Leave everything running at the end, and say how to reach it
    #[arg(long)]
    stay: bool,
    /// What standard output shows
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// What happened, for people
    Table,
    /// The same facts, for a script
    Json,
}

impl Demo {
    pub(crate) fn run(self) -> Result<()> {
        crate::install::agent()?;
        if self.cards {
            crate::install::reader()?;
            crate::install::card_clients()?;
        }
        eprintln!("building server, agent, command line, virtual key and stand-ins");
        run(&mut cargo(&["build", "--quiet", "--workspace", "--bins"]))?;
        let name = if self.cards { "demo_cards" } else { "demo" };
        let mut demo = Command::new(target().join("debug").join(name));
        if self.stay {
            demo.arg("--stay");
        }
        if matches!(self.output, Output::Json) {
            demo.args(["--output", "json"]);
        }
        let status = demo
            .stdin(Stdio::inherit())
            .status()
            .context("cannot start the demo")?;
        std::process::exit(status.code().unwrap_or(1));
    }
}
