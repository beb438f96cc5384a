//! python-fido2 with our key, a process each.

use super::{Cell, Row, cells};
use keysteward_tests::site::process::program;
use std::path::Path;
use std::process::Command;

/// Editions of our key that differ to this client.
const PROFILES: [(&str, &str); 4] = [
    ("2.3", "ours, 2.3"),
    ("2.1-pre", "ours, 2.1-pre"),
    ("2.0", "ours, 2.0"),
    ("biometric", "ours, biometric"),
];

pub(super) fn rows() -> Vec<Row> {
    PROFILES
        .into_iter()
        .map(|(profile, key)| Row {
            client: "python-fido2",
            key,
            cells: play(profile),
        })
        .collect()
}

fn play(profile: &str) -> Vec<(String, Cell)> {
    let scratch = tempfile::tempdir().unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let virtual_token = program("keysteward-virtual-token").unwrap();
    let target = virtual_token.ancestors().nth(2).unwrap();
    let output = Command::new(target.join("python/bin/python"))
        .arg(sources.join("tests/firmware/interop/python_fido2_areas.py"))
        .arg(sources.join("../virtual-token/tests"))
        .arg(&virtual_token)
        .arg(scratch.path())
        .arg(profile)
        .output()
        .expect("cargo xtask test installs python-fido2 in the target folder");
    let mut cells = cells(&String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        cells.push(("info".into(), Cell::Fails(complaint)));
    }
    cells
}
