//! The programs of `tests/bare-metal`: built, read, run.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use super::image::Image;
use crate::run::{output, root, run, target};

pub(super) const TARGET: &str = "thumbv7em-none-eabi";

/// What they are stands in `tests/bare-metal/programs/src/lib.rs`.
pub(super) const NAMES: [&str; 9] = [
    EMPTY,
    "codec",
    "codec_further",
    "peer_ctap_types",
    "pin_client",
    "peer_pin_client",
    "client",
    "authenticator",
    "both",
];

const EMPTY: &str = "empty";

/// What became of one.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) image: Image,
    pub(super) operations: Vec<Operation>,
    /// Bytes that it brings and the core does not need, by name.
    pub(super) rooms: Vec<(String, u64)>,
}

/// A stretch of its run.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    /// Bytes at the deepest.
    pub(super) stack: u64,
    pub(super) instructions: u64,
}

impl Program {
    pub(super) fn build_and_run(name: &'static str) -> Result<Self> {
        run(bare_metal(&["rustc", "--package", "keysteward-bare-metal"])
            .args(["--release", "--bin", name])
            // Written by LLVM for whoever asks; no other code comes of it.
            .args(["--", "-Z", "emit-stack-sizes"])
            // Lets these crates ask, on a stable compiler too. Always the same value, or cargo
            // would build everything anew.
            .env("RUSTC_BOOTSTRAP", NAMES.join(",")))?;
        let path = built("release", name);
        let said = output(
            Command::new("qemu-system-arm")
                .args(["-M", "mps2-an386", "-cpu", "cortex-m4", "-nographic"])
                .args(["-monitor", "none", "-serial", "none", "-icount", "shift=0"])
                .args(["-semihosting-config", "enable=on,target=native"])
                .arg("-kernel")
                .arg(&path),
        )
        .with_context(|| format!("{name} failed on the Cortex-M4"))?;
        let mut program = Self {
            name,
            image: Image::read(&path)?,
            operations: Vec::new(),
            rooms: Vec::new(),
        };
        for line in said.lines() {
            program.hear(line)?;
        }
        Ok(program)
    }

    fn hear(&mut self, line: &str) -> Result<()> {
        match *line.split(' ').collect::<Vec<_>>() {
            ["measured", name, stack, instructions] => self.operations.push(Operation {
                name: name.to_owned(),
                stack: stack.parse()?,
                instructions: instructions.parse()?,
            }),
            ["room", name, bytes] => self.rooms.push((name.to_owned(), bytes.parse()?)),
            _ => bail!("{} said what it should not: {line}", self.name),
        }
        Ok(())
    }

    /// Bytes of a room; zero where the program has none of that name.
    pub(super) fn room(&self, name: &str) -> u64 {
        let found = self.rooms.iter().find(|(one, _)| one == name);
        found.map_or(0, |(_, bytes)| *bytes)
    }
}

/// Leaves what each program has beyond the one that does nothing.
pub(super) fn subtract_empty(programs: &mut Vec<Program>) -> Result<()> {
    let place = programs.iter().position(|program| program.name == EMPTY);
    let empty = programs.remove(place.context("the empty program is missing")?);
    for program in programs {
        let image = &mut program.image;
        image.flash = image.flash.saturating_sub(empty.image.flash);
        image.ram = image.ram.saturating_sub(empty.image.ram);
        // Answers by heart stand where a link would be.
        let answers = program.room("answers-of-the-script");
        program.image.flash = program.image.flash.saturating_sub(answers);
    }
    Ok(())
}

/// A cargo command in `tests/bare-metal`, with its settings and no others.
pub(super) fn bare_metal(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .arg("--target-dir")
        .arg(folder())
        .current_dir(root().join("tests/bare-metal"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // It would cut the program into more units than its profile says.
        .env("CARGO_INCREMENTAL", "0");
    command
}

fn built(profile: &str, name: &str) -> PathBuf {
    folder().join(TARGET).join(profile).join(name)
}

pub(super) fn folder() -> PathBuf {
    target().join("bare-metal")
}
