//! Nothing in the core can panic: `tests/bare-metal/proof` links, and with a panic put in on
//! purpose it does not; for ARM, and for x86-64, whose targets have parts of their own in reader
//! and writer.

mod called;
mod function;
mod public;

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use super::program::{TARGET, bare_metal, folder};
use crate::{
    install,
    run::{cargo, run},
};
use function::Function;

pub(super) fn prove() -> Result<()> {
    every_function_is_called()?;
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

/// A public function that the proof does not call is one that it does not cover.
fn every_function_is_called() -> Result<()> {
    let folder = folder();
    run(cargo(&[
        "rustdoc",
        "--package",
        "keysteward-core",
        "--no-default-features",
    ])
    .args(["--target", TARGET, "--target-dir"])
    .arg(&folder)
    .args(["--", "-Z", "unstable-options", "--output-format", "json"])
    .args(["--document-hidden-items", "--cap-lints", "allow"])
    // Its format is not stable: it is read by the version that it says it has.
    .env("RUSTC_BOOTSTRAP", "keysteward_core"))?;
    let public = public::functions(&folder.join(TARGET).join("doc/keysteward_core.json"))?;

    // Calls stay calls, and what is generic is compiled here.
    let object = folder.join(TARGET).join("calls-of-the-proof.o");
    run(
        bare_metal(&["rustc", "--package", "keysteward-proof", "--target", TARGET])
            .args(["--", "-C", "codegen-units=1", "-Z", "share-generics=no"])
            .args(["-C", "link-arg=--unresolved-symbols=ignore-all"])
            .arg(format!("--emit=obj={}", object.display()))
            // Names with their types, in the core's own object as well.
            .env("RUSTFLAGS", "-C symbol-mangling-version=v0")
            .env("RUSTC_BOOTSTRAP", "keysteward_proof"),
    )?;
    let called = called::among(&public, &object)?;
    let missing: BTreeSet<String> = public
        .difference(&called)
        .map(Function::to_string)
        .collect();
    let listed: BTreeSet<String> = NOT_PROVEN.map(str::to_owned).into();
    if let Some(proven) = listed.difference(&missing).next() {
        bail!("{proven} is called in the proof, or is gone: take it from the list `NOT_PROVEN`");
    }
    let missing: Vec<&str> = missing.difference(&listed).map(String::as_str).collect();
    ensure!(
        missing.is_empty(),
        "the proof that nothing panics does not call {} of the {} public functions of the core; \
         add them to tests/bare-metal/proof:\n{}",
        missing.len(),
        public.len(),
        missing.join("\n")
    );
    eprintln!(
        "the proof calls {} public functions of the core, which are all but {}",
        called.len(),
        NOT_PROVEN.join(", ")
    );
    Ok(())
}

/// `Debug` of what holds text or a map, which ends in the compiler's own library: it keeps panics
/// where it escapes text and where it puts a map together.
const NOT_PROVEN: [&str; 4] = [
    "<cbor::entries::Entries as Debug>::fmt",
    "<cbor::name::Name as Debug>::fmt",
    "<ctap2::authenticator_config::vendor_prototype::VendorPrototype as Debug>::fmt",
    "<ctap2::client_pin::Request as Debug>::fmt",
];

/// Without an operating system, like the other one.
const TARGET_OF_64_BITS: &str = "x86_64-unknown-none";
