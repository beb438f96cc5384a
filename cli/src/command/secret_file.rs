//! Secrets that a server shows once, kept for the caller in a file of their own.

use std::{fs::OpenOptions, io::Write as _, path::Path};

use crate::failure::{Failure, Result};

/// Writes a new file that only its owner can read. An existing one is left alone.
pub(crate) fn write(path: &Path, secret: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(Failure::file(path))?;
    writeln!(file, "{secret}").map_err(Failure::file(path))
}

/// Refuses before the server makes a secret that could then not be stored.
pub(crate) fn check_free(path: Option<&Path>) -> Result<()> {
    match path {
        Some(path) if path.exists() => Err(Failure::wrong(
            "--secret-file",
            path.display().to_string(),
            "a file that does not exist yet",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "s3cret").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "s3cret\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(write(&path, "other").is_err());
        assert!(check_free(Some(&path)).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "s3cret\n");
    }
}
