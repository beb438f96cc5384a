//! Other people's client against our key, a process each: python-fido2 over the socket front end.
//! The scenarios are in `python_fido2.py`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python that `cargo xtask test` sets up beside the build, with the client in it.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("python");
    let python = folder.join("bin/python");
    let works = Command::new(&python)
        .args(["-c", "import fido2.ctap2"])
        .output();
    assert!(
        works.is_ok_and(|output| output.status.success()),
        "python-fido2 is missing. `cargo xtask test` installs it; by hand:\n\
         python3 -m venv {folder} && {folder}/bin/pip install fido2==2.2.1",
        folder = folder.display(),
    );
    python
}

fn play(scenario: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_fido2.py"))
        .arg(scenario)
        .args(["--binary", env!("CARGO_BIN_EXE_keysteward-virtual-token")])
        .arg("--folder")
        .arg(scratch.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

macro_rules! scenarios {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            play(stringify!($name));
        }
    )*};
}

scenarios! {
    info_is_honest,
    pin_is_set_and_changed,
    wrong_pins_block,
    credential_is_attested,
    credentials_that_are_not_stored_work,
    several_accounts_are_offered,
    credentials_are_managed,
    the_preview_command_serves_old_platforms,
    key_is_configured,
    enterprise_attestation_names_the_device,
    reset_wants_a_fresh_plug,
    touch_is_asked_for,
    channels_are_shared_fairly,
    secrets_are_derived,
    the_device_is_known_by_its_identifier,
    a_lost_answer_leaves_what_was_done,
    a_lost_host_is_no_power_cycle,
    blobs_are_kept,
    fingers_are_enrolled,
    u2f_is_spoken,
}
