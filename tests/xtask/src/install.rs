//! What a verb needs beyond a Rust toolchain, installed when it is missing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};

use crate::run::{cargo, output, run, target};

/// Debian packages; those already installed cost one look.
pub(crate) fn packages(names: &[&str]) -> Result<()> {
    let missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !installed(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!(
        "missing Debian packages: {}; installing them",
        missing.join(" ")
    );
    if Command::new("apt-get").arg("--version").output().is_err() {
        bail!(
            "this machine has no apt-get; install what these Debian packages hold and run again: {}",
            missing.join(" ")
        );
    }
    update()?;
    run(Command::new("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive"))
    .context("packages are installed as root; run as root, or install them by hand")
}

/// Asks for Debian's lists, the first time that a verb needs them.
fn update() -> Result<()> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    if UPDATED.get().is_none() {
        run(Command::new("apt-get").args(["update", "-qq"])).context(
            "Debian's package lists cannot be had: is there a network, and are you root?",
        )?;
        UPDATED.get_or_init(|| ());
    }
    Ok(())
}

fn installed(package: &str) -> bool {
    output(Command::new("dpkg-query").args(["-W", "-f=${Status}", package]))
        .is_ok_and(|status| status == "install ok installed")
}

/// What the agent is built with: the library of the smart card service.
pub(crate) fn agent() -> Result<()> {
    packages(&["libpcsclite-dev", "pkg-config"])
}

/// A certification authority of other people's, and what looks at the work of ours.
pub(crate) fn authorities() -> Result<()> {
    packages(&["golang-cfssl", "sqlite3", "openssl"])
}

/// A PKCS #11 token in software, and what makes one.
pub(crate) fn hsm() -> Result<()> {
    packages(&["softhsm2"])
}

/// A smart card service, and a reader in software for it. The tests start them in a network of their
/// own.
pub(crate) fn reader() -> Result<()> {
    if !installed("vsmartcard-vpcd") {
        eprintln!(
            "vsmartcard-vpcd lets this machine's own pcscd listen for cards in software, too; to \
             keep it from that, delete /etc/reader.conf.d/vpcd, which no test needs"
        );
    }
    packages(&["pcscd", "vsmartcard-vpcd", "iproute2", "util-linux"])
}

/// Other people's clients for smart cards.
pub(crate) fn card_clients() -> Result<()> {
    packages(&["opensc", "yubico-piv-tool", "openssl"])
}

/// A Python with other people's client in it, under the target folder.
pub(crate) fn python() -> Result<()> {
    const PACKAGES: [&str; 2] = ["fido2==2.2.1", "pyscard==2.3.1"];
    let folder = target().join("python");
    let python = folder.join("bin/python");
    let works = output(Command::new(&python).args([
        "-c",
        "import importlib.metadata as m, smartcard.scard; print(m.version('fido2'))",
    ]));
    if works.is_ok_and(|version| version.trim() == "2.2.1") {
        return Ok(());
    }
    eprintln!(
        "missing python-fido2 or pyscard in {}; installing them",
        folder.display()
    );
    // pyscard is built here.
    packages(&["swig", "libpcsclite-dev", "gcc", "python3-dev"])?;
    if Command::new("python3")
        .args(["-c", "import ensurepip"])
        .output()
        .is_ok_and(|o| !o.status.success())
    {
        packages(&["python3-venv"])?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(PACKAGES))
}

/// A compilation target of the toolchain in use.
pub(crate) fn rust_target(name: &str) -> Result<()> {
    let have = output(Command::new("rustup").args(["target", "list", "--installed"]))
        .context("rustup is needed to add a compilation target")?;
    if have.lines().any(|line| line == name) {
        return Ok(());
    }
    eprintln!("missing Rust target {name}; installing it");
    run(Command::new("rustup").args(["target", "add", name]))
}

pub(crate) fn cargo_fuzz() -> Result<()> {
    if output(&mut cargo(&["fuzz", "--version"])).is_ok() {
        return Ok(());
    }
    eprintln!("missing cargo-fuzz; installing it");
    run(&mut cargo(&["install", "cargo-fuzz", "--locked"]))
}

/// A kernel with uhid for the guest, and the programs that boot it:
/// `target/guest/boot/vmlinuz-*` and `target/guest/lib/modules/*`.
pub(crate) fn guest() -> Result<()> {
    packages(&["qemu-system-x86", "busybox-static", "cpio", "fido2-tools"])?;
    let folder = target().join("guest");
    if kernel(&folder).is_some() {
        return Ok(());
    }
    eprintln!(
        "missing the guest's kernel in {}; fetching Debian's",
        folder.display()
    );
    fs::create_dir_all(&folder)?;
    update()?;
    let depends = output(Command::new("apt-cache").args(["depends", "linux-image-cloud-amd64"]))?;
    let package = depends
        .split_whitespace()
        .find(|word| word.starts_with("linux-image-6"))
        .context("linux-image-cloud-amd64 depends on no kernel that is known here")?;
    run(Command::new("apt-get")
        .args(["download", "-qq", package])
        .current_dir(&folder))?;
    let archive = fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .find(|path| path.extension().is_some_and(|e| e == "deb"))
        .context("apt-get download left no package")?;
    run(Command::new("dpkg-deb")
        .arg("-x")
        .arg(&archive)
        .arg(&folder))?;
    fs::remove_file(archive)?;
    kernel(&folder)
        .map(drop)
        .context("the kernel package holds no vmlinuz")
}

fn kernel(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder.join("boot"))
        .ok()?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .find(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("vmlinuz-"))
        })
}
