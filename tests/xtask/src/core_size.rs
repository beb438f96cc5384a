//! `cargo xtask core-size`: what the core costs on a Cortex-M4, beside its peers, and the proof
//! that nothing in it can panic.
//!
//! Every program of `tests/bare-metal` is built by the compiler in use with the flags of that
//! workspace's profile, and run in QEMU. Flash is text, constants and initial values; static RAM
//! is data and bss; of both, what the program `empty` has (start code, vector table, what
//! measures) is subtracted.

mod image;
mod program;
mod proof;
mod report;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::install;
use program::Program;

#[derive(Args)]
pub(crate) struct CoreSize {
    /// What standard output shows
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Only the proof that nothing panics, without the figures
    #[arg(long, conflicts_with = "output")]
    proof: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// Each figure beside its target
    Table,
    /// The same figures, for a script
    Json,
}

impl CoreSize {
    pub(crate) fn run(self) -> Result<()> {
        if self.proof {
            return proof::prove();
        }
        let figures = measure()?;
        match self.output {
            Output::Table => print!("{}", report::table(&figures)),
            Output::Json => println!("{:#}", report::json(&figures)),
        }
        Ok(())
    }
}

/// As a check: fails when a program or the proof does; what the figures are is for people.
pub(crate) fn check() -> Result<()> {
    CoreSize {
        output: Output::Table,
        proof: false,
    }
    .run()
}

fn measure() -> Result<Vec<Program>> {
    install::packages(&["qemu-system-arm"])?;
    install::rust_target(program::TARGET)?;
    let mut programs = program::NAMES
        .into_iter()
        .map(Program::build_and_run)
        .collect::<Result<Vec<_>>>()?;
    for program in &programs {
        ensure!(
            !program.image.allocates,
            "{} links an allocator, which nothing in it may need",
            program.name
        );
    }
    program::subtract_empty(&mut programs)?;
    proof::prove()?;
    Ok(programs)
}
