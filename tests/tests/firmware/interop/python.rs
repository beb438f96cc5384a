//! python-fido2 with our key, a process each.

use super::{Cell, Row, cells};
use keysteward_tests::site::process::program;
use std::path::Path;
use std::process::Command;

pub(super) fn rows() -> Vec<Row> {
    let scratch = tempfile::tempdir().unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = program("keysteward-virtual-token").unwrap();
    let target = target.ancestors().nth(2).unwrap();
    let output = Command::new(target.join("python/bin/python"))
        .arg(sources.join("tests/firmware/interop/python_fido2_areas.py"))
        .arg(sources.join("../virtual-token/tests"))
        .arg(program("keysteward-virtual-token").unwrap())
        .arg(scratch.path())
        .output()
        .expect("cargo xtask test installs python-fido2 in the target folder");
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut cells = cells(&printed);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        cells.push(("info".into(), Cell::Fails(complaint)));
    }
    vec![Row {
        client: "python-fido2",
        key: "ours",
        cells,
    }]
}
