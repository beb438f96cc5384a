//! Nothing in the core can panic: `tests/bare-metal/proof` links, and with a panic put in on
//! purpose it does not; for ARM, and for x86-64, whose targets have parts of their own in reader
//! and writer.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use super::program::{TARGET, bare_metal};
use crate::{
    install,
    run::{root, run},
};

pub(super) fn links() -> Result<()> {
    [TARGET, TARGET_OF_64_BITS]
        .into_iter()
        .try_for_each(links_for)
}

fn links_for(target: &str) -> Result<()> {
    install::rust_target(target)?;
    run(&mut build(target)).with_context(|| {
        format!(
            "a panic can be reached in the core on {target}: `a_panic_is_reachable` is what the \
             linker misses; tests/bare-metal/proof says how to find who calls it"
        )
    })?;
    eprintln!("the same with a panic in it, which must not link");
    let control = build(target)
        .args(["--features", "negative-control"])
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&control.stderr);
    ensure!(
        !control.status.success(),
        "a program with a panic in it links: the proof proves nothing"
    );
    ensure!(
        said.contains("a_panic_is_reachable"),
        "the negative control failed for another reason than its panic: {said}"
    );
    Ok(())
}

fn build(target: &str) -> Command {
    let mut build = bare_metal(&["build", "--package", "keysteward-proof"]);
    build.args(["--profile", "proof", "--target", target]);
    build
}

/// A public function that the proof does not name is one that it does not cover.
pub(super) fn every_function_is_called() -> Result<()> {
    let proof = words(&root().join("tests/bare-metal/proof/src"))?;
    let mut missing = Vec::new();
    for path in sources(&root().join("core-nostd/src"))? {
        let text = fs::read_to_string(&path)?;
        missing.extend(
            text.lines()
                .filter_map(public_function)
                .filter(|name| !proof.contains(*name))
                .map(|name| format!("{name} ({})", path.display())),
        );
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "the proof that nothing panics does not call these public functions of the core; add \
         them to tests/bare-metal/proof:\n{}",
        missing.join("\n")
    );
}

/// The name in a line that begins a public function.
fn public_function(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = rest.strip_prefix("const ").unwrap_or(rest);
    let name = rest.strip_prefix("fn ")?;
    name.split(|c: char| !is_word(c)).next()
}

fn words(folder: &Path) -> Result<BTreeSet<String>> {
    let mut words = BTreeSet::new();
    for path in sources(folder)? {
        let text = fs::read_to_string(path)?;
        words.extend(text.split(|c: char| !is_word(c)).map(str::to_owned));
    }
    Ok(words)
}

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// All of a folder but tests.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "tests" {
            found.extend(sources(&path)?);
        } else if name.ends_with(".rs") && !NOT_PROVEN.contains(&&*name) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Without an operating system, like the other one.
const TARGET_OF_64_BITS: &str = "x86_64-unknown-none";

/// Tests and their fakes, and the primitives, which are others'.
const NOT_PROVEN: [&str; 3] = ["tests.rs", "chaos.rs", "rust_crypto.rs"];

#[cfg(test)]
mod tests {
    use super::public_function;

    #[test]
    fn public_functions_are_found_by_their_lines() {
        for (line, name) in [
            ("pub fn parse(bytes: &[u8]) -> Self {", Some("parse")),
            ("    pub const fn len(&self) -> usize {", Some("len")),
            ("    pub fn list<T>(", Some("list")),
            ("    pub(super) fn inner() {", None),
            ("    fn private() {", None),
            ("/// A pub fn in words.", None),
        ] {
            assert_eq!(public_function(line), name, "{line}");
        }
    }
}
