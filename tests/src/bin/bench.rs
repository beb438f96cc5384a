//! Memory, wake-ups, speed and waiting, in one run: what `cargo xtask bench` starts.
//!
//! It measures what the table tells and judges nothing: exit code 0 means that it has measured.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use keysteward_tests::bench::{
    idle_agent,
    issue::{self, Desk},
    procfs,
    report::Report,
    uplinks,
};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use tempfile::TempDir;

#[derive(Parser)]
struct Arguments {
    /// Idle agents in the larger of the two loads
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(50..=50_000))]
    links: u32,
    /// Keys that are issued on each of the two sites
    #[arg(long, default_value_t = 100)]
    operations: usize,
    /// How long the idle agent is watched, in seconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    idle_s: u64,
    /// A folder on the disk that is measured [default: the one of this program]
    #[arg(long, value_name = "FOLDER")]
    disk: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
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
    if cfg!(debug_assertions) {
        say("this build is not optimised: its figures say nothing (cargo xtask bench)");
    }
    let report = run(&arguments)?;
    match arguments.output {
        Output::Table => print!("{}", report.table()),
        Output::Json => println!("{}", serde_json::to_string(&report)?),
    }
    Ok(())
}

fn run(arguments: &Arguments) -> Result<Report> {
    let (disk, memory) = folders(arguments.disk.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let load_before = procfs::load();
    say(&format!(
        "{} idle agents enrol, then dial in; some minutes",
        arguments.links
    ));
    let uplinks = uplinks::measure(&memory.path().join("uplinks"), arguments.links, &runtime)?;
    say("two sites are set up: one on the disk, one in memory");
    let keys = memory.path().join("keys");
    let mut on_disk = Desk::open(disk.path(), &keys.join("disk"), &runtime)?;
    let mut in_memory = Desk::open(&memory.path().join("desk"), &keys.join("memory"), &runtime)?;
    say(&format!(
        "an agent with one idle key is watched for {} s",
        arguments.idle_s
    ));
    let window = Duration::from_secs(arguments.idle_s);
    let idle_agent = idle_agent::measure(on_disk.agent(), window)?;
    say(&format!(
        "{} keys are issued on each site, in turn",
        arguments.operations
    ));
    let issue = issue::measure(&mut on_disk, &mut in_memory, arguments.operations, &runtime)?;
    Ok(Report {
        machine: procfs::machine(),
        load_before,
        uplinks,
        idle_agent,
        issue,
    })
}

/// A fresh folder on the disk and one in memory.
fn folders(disk: Option<&Path>) -> Result<(TempDir, TempDir)> {
    let program = std::env::current_exe()?;
    let disk = match disk {
        Some(disk) => disk,
        None => program.parent().context("a program in no folder")?,
    };
    ensure!(
        statfs(disk)?.filesystem_type() != TMPFS_MAGIC,
        "{} is in memory: name a folder on a disk with --disk",
        disk.display()
    );
    let fresh = |folder: &Path| {
        tempfile::Builder::new()
            .prefix("keysteward-")
            .tempdir_in(folder)
            .with_context(|| format!("cannot write in {}", folder.display()))
    };
    ensure!(
        statfs(MEMORY)?.filesystem_type() == TMPFS_MAGIC,
        "{MEMORY} is not in memory: mount a tmpfs there"
    );
    Ok((fresh(disk)?, fresh(Path::new(MEMORY))?))
}

fn say(what: &str) {
    eprintln!("· {what}");
}
