//! `cargo xtask fuzz`: the targets of `fuzz/`, for a stated time each.
//!
//! Nothing that is fuzzed has `unsafe` code of ours, so no sanitizer is built in: without one every
//! target builds on the stable toolchain, in half the time, and runs twice as often. Overflow checks
//! and debug assertions stay.

mod target;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::{
    install,
    run::{output, root, run, target as target_folder},
};
use target::{Outcome, Plan, Target};

#[derive(Args)]
pub(crate) struct Fuzz {
    /// Seconds for each target
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    time: u32,
    /// Targets that run at the same time; one for each processor unless said otherwise
    #[arg(long)]
    jobs: Option<usize>,
    /// Run one target over this input alone, as a crash is repeated
    #[arg(long, requires = "targets")]
    input: Option<PathBuf>,
    /// What standard output shows
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Only these targets; all of them when none is named
    targets: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// A line for each target
    Table,
    /// The same figures, for a script
    Json,
}

impl Fuzz {
    pub(crate) fn run(self) -> Result<()> {
        let targets = built(&self.targets)?;
        if let Some(input) = &self.input {
            return targets.iter().try_for_each(|one| one.repeat(input));
        }
        let time = Duration::from_secs(self.time.into());
        let results = run_all(&targets, Plan::Search(time), self.jobs);
        match self.output {
            Output::Table => print!("{}", table(&results)),
            Output::Json => println!("{:#}", json(&results)),
        }
        verdict(&results)
    }
}

/// What `cargo xtask test` does: the whole committed corpus always, and a few seconds of searching.
pub(crate) fn corpus_and(seconds: u64) -> Result<()> {
    let targets = built(&[])?;
    let replayed = run_all(&targets, Plan::Corpus, None);
    verdict(&replayed)?;
    let time = Duration::from_secs(seconds);
    let results = run_all(&targets, Plan::Smoke(time), None);
    eprint!("{}", table(&results));
    verdict(&results)
}

/// Builds the named targets, or all of them.
fn built(named: &[String]) -> Result<Vec<Target>> {
    install::cargo_fuzz()?;
    let listed = output(&mut cargo_fuzz("list"))?;
    let known: Vec<&str> = listed.split_whitespace().collect();
    if let Some(stranger) = named.iter().find(|name| !known.contains(&name.as_str())) {
        bail!(
            "{stranger} is no fuzz target; these are: {}",
            known.join(", ")
        );
    }
    let folder = target_folder().join("fuzz");
    let mut build = cargo_fuzz("build");
    build
        .args(["--release", "--debug-assertions", "--sanitizer", "none"])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_INCREMENTAL", "0");
    match named {
        [one] => run(build.arg(one))?,
        _ => run(&mut build)?,
    }
    let host = output(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let programs = folder.join(host.unwrap_or_default()).join("release");
    let wanted = known
        .into_iter()
        .filter(|name| named.is_empty() || named.iter().any(|one| one == name));
    Ok(wanted
        .map(|name| Target::new(name, programs.join(name)))
        .collect())
}

fn cargo_fuzz(verb: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["fuzz", verb])
        .current_dir(root())
        // The cargo that runs us names its own toolchain to its children.
        .env_remove("CARGO");
    command
}

/// Runs the targets, as many at a time as there are processors, and tells of each that ends.
fn run_all(targets: &[Target], plan: Plan, jobs: Option<usize>) -> Vec<Outcome> {
    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
    let waiting = Mutex::new(targets.iter());
    let finished = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, targets.len().max(1)) {
            scope.spawn(|| {
                while let Some(next) = take(&waiting) {
                    let outcome = next.run(plan);
                    eprintln!("{}", outcome.line());
                    if let Ok(mut finished) = finished.lock() {
                        finished.push(outcome);
                    }
                }
            });
        }
    });
    let mut finished = finished.into_inner().unwrap_or_default();
    let place = |outcome: &Outcome| targets.iter().position(|one| one.name == outcome.target);
    finished.sort_by_key(place);
    finished
}

fn take<'t>(waiting: &Mutex<std::slice::Iter<'t, Target>>) -> Option<&'t Target> {
    waiting.lock().ok()?.next()
}

fn verdict(results: &[Outcome]) -> Result<()> {
    let told: Vec<String> = results.iter().filter_map(Outcome::failure).collect();
    if told.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {} targets failed\n\n{}",
        told.len(),
        results.len(),
        told.join("\n\n")
    );
}

fn table(results: &[Outcome]) -> String {
    let head = format!(
        "{:<24} {:>12} {:>9} {:>7}  result\n",
        "target", "runs", "features", "corpus"
    );
    let lines = results.iter().map(|outcome| outcome.line() + "\n");
    std::iter::once(head).chain(lines).collect()
}

fn json(results: &[Outcome]) -> serde_json::Value {
    results.iter().map(Outcome::json).collect()
}

/// The committed seeds of a target.
fn seeds(name: &str) -> PathBuf {
    root().join("fuzz/corpus").join(name)
}

/// A path as people type it at the root of the repository.
fn shown(path: &Path) -> String {
    let root = root();
    path.strip_prefix(&root)
        .unwrap_or(path)
        .display()
        .to_string()
}
