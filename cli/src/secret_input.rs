//! PINs and API keys come from a file, standard input or a prompt; never from an argument,
//! which every program on the machine could read.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::failure::{Failure, Result};

pub(crate) type Secret = Zeroizing<String>;

/// The longest line that is taken for a secret, in bytes.
const MAX: usize = 1024;

/// A PIN that the caller may leave out.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct OptionalPin {
    /// Ask for the user's PIN, or read it as a line of standard input
    #[arg(long, conflicts_with = "pin_file")]
    ask_pin: bool,
    /// File whose first line is the user's PIN; - is standard input
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

impl OptionalPin {
    pub(crate) fn read(&self) -> Result<Option<Secret>> {
        if self.ask_pin || self.pin_file.is_some() {
            required(self.pin_file.as_deref(), "PIN").map(Some)
        } else {
            Ok(None)
        }
    }
}

/// A secret that is needed: from the file, else asked for.
pub(crate) fn required(file: Option<&Path>, what: &str) -> Result<Secret> {
    match file {
        Some(path) if path != Path::new("-") => from_file(path),
        Some(_) => from_stdin(what),
        None if io::stdin().is_terminal() => ask(what),
        None => from_stdin(what),
    }
}

/// A new secret: asked for twice where a person types it.
pub(crate) fn new_secret(file: Option<&Path>, what: &str) -> Result<Secret> {
    let first = required(file, what)?;
    if file.is_none() && io::stdin().is_terminal() && *ask(&format!("{what} again"))? != *first {
        return Err(Failure::wrong(
            what,
            "two different entries",
            "the same twice",
        ));
    }
    Ok(first)
}

fn ask(what: &str) -> Result<Secret> {
    rpassword::prompt_password(format!("{what}: "))
        .map(Zeroizing::new)
        .map_err(Failure::file("the terminal"))
        .and_then(|secret| checked(secret, what))
}

fn from_stdin(what: &str) -> Result<Secret> {
    let mut line = Zeroizing::new(String::with_capacity(MAX));
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Failure::file("standard input"))?;
    checked(line, what)
}

fn from_file(path: &Path) -> Result<Secret> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(Failure::file(path))?);
    let line = text.lines().next().unwrap_or_default();
    checked(Zeroizing::new(line.to_owned()), &path.display().to_string())
}

fn checked(line: Secret, what: &str) -> Result<Secret> {
    let secret = line.trim_end_matches(['\r', '\n']);
    match secret.len() {
        0 => Err(Failure::wrong(what, "nothing", "one line")),
        1..=MAX => Ok(Zeroizing::new(secret.to_owned())),
        n => Err(Failure::wrong(
            what,
            format!("{n} bytes"),
            format!("at most {MAX} bytes"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_file_is_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        fs::write(&path, "314159\r\nnot this\n").unwrap();
        assert_eq!(*required(Some(&path), "PIN").unwrap(), "314159");
    }

    #[test]
    fn an_empty_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        fs::write(&path, "\n").unwrap();
        let refusal = required(Some(&path), "PIN").unwrap_err();
        assert!(matches!(refusal, Failure::Wrong { .. }), "{refusal}");
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_without_showing_it() {
        let line = Zeroizing::new("7".repeat(MAX + 1));
        let refusal = checked(line, "PIN").unwrap_err().to_string();
        assert!(
            refusal.contains("1025 bytes") && !refusal.contains("777"),
            "{refusal}"
        );
    }
}
