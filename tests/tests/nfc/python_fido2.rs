//! Other people's client: python-fido2 over PC/SC, against our card as a program of its own. The
//! scenario is in `python_fido2.py`.

use keysteward_tests::pcscd::FIRST_READER;
use keysteward_tests::site::process::program;
use std::path::Path;
use std::process::Command;

stories! {
    python_fido2_makes_and_uses_a_credential
}

fn python_fido2_makes_and_uses_a_credential() {
    let exe = std::env::current_exe().unwrap();
    let target = exe.ancestors().nth(3).unwrap();
    let python = target.join("python/bin/python");
    let works = Command::new(&python)
        .args(["-c", "import fido2.pcsc"])
        .output();
    assert!(
        works.is_ok_and(|output| output.status.success()),
        "python-fido2 or pyscard is missing. `cargo xtask test` installs them; by hand:\n\
         apt-get install swig libpcsclite-dev\n\
         python3 -m venv {folder} && {folder}/bin/pip install fido2==2.2.1 pyscard",
        folder = target.join("python").display(),
    );
    let folder = tempfile::tempdir().unwrap();
    let mut card = Command::new(program("keysteward-virtual-token").unwrap())
        .args(["--vpcd", FIRST_READER, "--profile", "nfc-only", "--storage"])
        .arg(folder.path().join("card"))
        .spawn()
        .unwrap();
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nfc/python_fido2.py"))
        .output()
        .unwrap();
    card.kill().unwrap();
    card.wait().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
