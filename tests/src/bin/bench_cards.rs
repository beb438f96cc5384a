//! What smart cards cost, in one run: what `cargo xtask bench` starts.
//!
//! It measures what the table tells and judges nothing: exit code 0 means that it has measured.
//! Everything runs beside a smart card service of its own, in which this program starts itself
//! again; the cards are this program once more.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use keysteward_tests::{
    bench::{
        card::{Folders, admin_key, issue, model, report::Report, way},
        procfs,
    },
    pcscd::{beside_pcscd, is_beside_pcscd},
};

#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Batches of twenty that each contender has
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Certificates that are renewed, and as many that are reissued
    #[arg(long, default_value_t = 50)]
    operations: usize,
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Subcommand)]
enum Part {
    /// Be a card on a reader
    #[command(hide = true)]
    Card {
        /// HOST:PORT
        reader: String,
        /// What it says; without, it is our own
        answers: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// A tmpfs on every Linux: writing there waits for no disk.
const MEMORY: &str = "/dev/shm";

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Part::Card { reader, answers }) = &arguments.part {
        return model::lie_on(reader, answers.as_deref());
    }
    if !is_beside_pcscd() {
        let status = beside_pcscd(&env::current_exe()?)?
            .args(env::args_os().skip(1))
            .status()
            .context("cannot start unshare")?;
        std::process::exit(status.code().unwrap_or(1));
    }
    if cfg!(debug_assertions) {
        say("this build is not optimised: its figures say nothing (cargo xtask bench)");
    }
    let report = run(&arguments)?;
    match arguments.output {
        Output::Table => print!("{}", report.table()),
        Output::Json => println!("{}", serde_json::json!({ "card": report })),
    }
    Ok(())
}

fn run(arguments: &Arguments) -> Result<Report> {
    let program = env::current_exe()?;
    let here = program.parent().context("a program in no folder")?;
    let fresh = |folder: &Path| {
        tempfile::Builder::new()
            .prefix("keysteward-")
            .tempdir_in(folder)
            .with_context(|| format!("cannot write in {}", folder.display()))
    };
    let (memory, disk) = (fresh(MEMORY.as_ref())?, fresh(here)?);
    let folders = Folders {
        memory: memory.path().to_owned(),
        disk: disk.path().to_owned(),
    };
    let (load_before, rounds) = (procfs::load(), usize::from(arguments.rounds));
    say("commands go to a card that answers at once: bare, and through the agent");
    let ways = way::measure(&folders, rounds)?;
    say("the admin key is proven to our card");
    let admin_keys = admin_key::measure(&folders, rounds)?;
    say("certificates are issued: server, agent, authority and card are processes");
    let issuing = issue::measure(&folders, arguments.operations)?;
    Ok(Report {
        machine: procfs::machine(),
        load_before,
        ways,
        admin_keys,
        issuing,
    })
}

fn say(what: &str) {
    eprintln!("· {what}");
}
