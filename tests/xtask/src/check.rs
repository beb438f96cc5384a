//! `cargo xtask check`: the quick gate before a commit.

use anyhow::{Result, bail};

use crate::{
    install,
    run::{cargo, output, root, run},
};

pub(crate) fn gate() -> Result<()> {
    install::rust_target("thumbv7em-none-eabi")?;
    install::rust_target("x86_64-pc-windows-gnu")?;
    install::packages(&["gcc-mingw-w64-x86-64"])?;
    install::agent()?;
    install::hsm()?;
    for workspace in [
        ".",
        "fuzz",
        "tests/bare-metal",
        "tests/clients",
        "tests/peers",
    ] {
        run(cargo(&["fmt", "--all", "--check", "--manifest-path"])
            .arg(root().join(workspace).join("Cargo.toml")))?;
    }
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    run(&mut cargo(&["test", "--workspace", "--lib"]))?;
    run(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    // Firmware has no std, and may bring cryptography of its own.
    for bare in [
        &["-p", "keysteward-core"][..],
        &["-p", "keysteward-core", "--no-default-features"],
        &[
            "-p",
            "keysteward-core",
            "-p",
            "keysteward-virtual-token",
            "--no-default-features",
            "--features",
            "keysteward-core/rust-crypto",
        ],
    ] {
        run(cargo(&["build", "--lib", "--target", "thumbv7em-none-eabi"]).args(bare))?;
    }
    run(&mut cargo(&[
        "check",
        "-p",
        "keysteward-agent",
        "-p",
        "keysteward",
        "--target",
        "x86_64-pc-windows-gnu",
    ]))?;
    one_tls_provider()
}

/// Two rustls providers in one process panic: ring is the one.
fn one_tls_provider() -> Result<()> {
    let tree = output(&mut cargo(&[
        "tree",
        "--workspace",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]))?;
    if let Some(line) = tree
        .lines()
        .find(|l| l.starts_with("aws-lc") || l.starts_with("openssl-sys"))
    {
        bail!(
            "{line} is in the tree, but ring is the one TLS provider: find who asks for it with cargo tree -i"
        );
    }
    Ok(())
}
