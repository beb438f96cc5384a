//! Whether there is room on the disk for what a verb builds.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::run::{output, target};

/// Fails unless the target folder can grow to `needed` megabytes.
pub(crate) fn for_target(needed: u64) -> Result<()> {
    let folder = target();
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    let (there, free) = (used(&folder)?, free(&folder)?);
    match lack(needed, there, free) {
        None => Ok(()),
        Some(lack) => bail!("{}: {lack}", folder.display()),
    }
}

/// What is missing, in words.
fn lack(needed: u64, there: u64, free: u64) -> Option<String> {
    let more = needed.saturating_sub(there);
    (free < more).then(|| {
        format!(
            "{} are free there, and {} more are needed: all that is built takes {}, of which {} are \
             there. Make room, or set CARGO_TARGET_DIR to a folder on another disk",
            gigabytes(free),
            gigabytes(more),
            gigabytes(needed),
            gigabytes(there),
        )
    })
}

/// Megabytes that the folder takes.
fn used(folder: &Path) -> Result<u64> {
    let said = output(Command::new("du").arg("-sm").arg(folder))?;
    first_number(&said).with_context(|| format!("du said {said:?}"))
}

/// Megabytes that may still be written on its disk.
fn free(folder: &Path) -> Result<u64> {
    let said = output(
        Command::new("df")
            .args(["--block-size=1M", "--output=avail"])
            .arg(folder),
    )?;
    first_number(&said).with_context(|| format!("df said {said:?}"))
}

fn first_number(said: &str) -> Option<u64> {
    said.split_whitespace().find_map(|word| word.parse().ok())
}

fn gigabytes(megabytes: u64) -> String {
    format!("{:.1} GB", megabytes as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_need_not_be_free() {
        assert_eq!(lack(8_000, 0, 8_000), None);
        assert_eq!(lack(8_000, 7_000, 1_000), None);
        assert_eq!(lack(8_000, 9_000, 0), None);
    }

    #[test]
    fn too_little_room_is_said_in_figures() {
        let lack = lack(8_000, 1_500, 6_400).unwrap();
        assert!(lack.starts_with("6.4 GB are free there, and 6.5 GB more are needed"));
        assert!(lack.contains("takes 8.0 GB, of which 1.5 GB are there"));
    }

    #[test]
    fn the_tools_are_understood() {
        assert_eq!(first_number("  Avail\n  54321\n"), Some(54_321));
        assert_eq!(first_number("1234\t/a/target\n"), Some(1_234));
        assert_eq!(first_number("df: no such folder"), None);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(used(here).unwrap() < 1_000);
        free(here).unwrap();
    }
}
