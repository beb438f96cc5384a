//! `cargo xtask fuzz`: every target of `fuzz/`, for a stated time each.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    install,
    run::{output, root, run, target},
};

#[derive(Args)]
pub(crate) struct Fuzz {
    /// Seconds for each target
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    time: u32,
    /// Only these targets; all of them when none is named
    targets: Vec<String>,
}

impl Fuzz {
    pub(crate) fn run(self) -> Result<()> {
        install::nightly()?;
        install::cargo_fuzz()?;
        let listed = output(&mut cargo_fuzz("list"))?;
        let known: Vec<&str> = listed.split_whitespace().collect();
        if let Some(stranger) = self.targets.iter().find(|t| !known.contains(&t.as_str())) {
            bail!(
                "{stranger} is no fuzz target; these are: {}",
                known.join(", ")
            );
        }
        for name in known {
            if self.targets.is_empty() || self.targets.iter().any(|t| t == name) {
                run(cargo_fuzz("run")
                    .arg(name)
                    // New inputs go to the first folder, outside the repository.
                    .arg(fresh_corpus(name)?)
                    .arg(root().join("fuzz/corpus").join(name))
                    .arg("--")
                    .arg(format!("-max_total_time={}", self.time)))?;
            }
        }
        Ok(())
    }
}

fn cargo_fuzz(verb: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz", verb])
        .current_dir(root())
        // The cargo that runs us names its own toolchain to its children.
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN");
    command
}

fn fresh_corpus(name: &str) -> Result<PathBuf> {
    let folder = target().join("fuzz-corpus").join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
