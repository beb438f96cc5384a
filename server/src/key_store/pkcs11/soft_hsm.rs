//! SoftHSM (Debian's `softhsm2`) for tests: a token of its own for each process.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, process::Command};

use super::{Pkcs11, Pkcs11Settings};

pub(super) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub(super) const PIN: &str = "314159";
const INSIDE: &str = "KEYSTEWARD_SOFTHSM_STORY";

/// Tells a story beside a fresh token "cards": SoftHSM reads its configuration from the
/// environment, so each story is a process of its own, which is this program again.
pub(crate) fn tell(name: &str, story: fn(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return story(Path::new(&folder));
    }
    assert!(
        Path::new(MODULE).exists(),
        "{MODULE} is missing. cargo xtask test installs it; by hand: apt-get install softhsm2"
    );
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let configuration = folder.path().join("softhsm2.conf");
    fs::write(
        &configuration,
        format!("directories.tokendir = {}\n", tokens.display()),
    )
    .unwrap();
    let made = Command::new("softhsm2-util")
        .args([
            "--init-token",
            "--free",
            "--label",
            "cards",
            "--so-pin",
            "271828",
            "--pin",
            PIN,
        ])
        .env("SOFTHSM2_CONF", &configuration)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("SOFTHSM2_CONF", &configuration)
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The token of the story that is told.
pub(crate) fn token(folder: &Path) -> Pkcs11 {
    Pkcs11::open(settings(folder, PIN, 0o600)).unwrap()
}

pub(super) fn settings(folder: &Path, pin: &str, mode: u32) -> Pkcs11Settings {
    let pin_file = folder.join("pin");
    let _ = fs::remove_file(&pin_file);
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&pin_file)
        .unwrap()
        .write_all(format!("{pin}\n").as_bytes())
        .unwrap();
    Pkcs11Settings {
        module: MODULE.into(),
        token: "cards".into(),
        pin_file,
    }
}
