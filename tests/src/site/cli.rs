//! The operator at the command line.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::process::program;

/// `keysteward` with the profile of one site.
#[derive(Clone, Debug)]
pub struct Cli {
    program: PathBuf,
    profile: PathBuf,
}

/// What one command said.
#[derive(Debug)]
pub struct Said {
    /// Exit code; documented in `docs/cli.md`.
    pub code: i32,
    /// Standard output, parsed; null where there was none.
    pub output: Value,
    /// Standard error.
    pub error: String,
}

impl Cli {
    /// With the profile file at `profile`.
    pub fn new(profile: &Path) -> Result<Self> {
        Ok(Self {
            program: program("keysteward")?,
            profile: profile.to_owned(),
        })
    }

    /// Runs a command that must succeed; its JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let said = self.run(arguments, "")?;
        if said.code != 0 {
            bail!(
                "keysteward {} ended with {}: {}{}",
                arguments.join(" "),
                said.code,
                said.error,
                said.output
            );
        }
        Ok(said.output)
    }

    /// Runs a command whatever comes of it. `input` is its standard input, for secrets.
    pub fn run(&self, arguments: &[&str], input: &str) -> Result<Said> {
        let output = self.output(&["--output", "json"], arguments, input)?;
        let text = String::from_utf8(output.stdout)?;
        let parsed = if text.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)
                .with_context(|| format!("not JSON from {}: {text}", arguments.join(" ")))?
        };
        Ok(Said {
            code: output.status.code().unwrap_or(-1),
            output: parsed,
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command as a person would; its table.
    pub fn table(&self, arguments: &[&str]) -> Result<String> {
        let output = self.output(&[], arguments, "")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts a command that is spoken with: its three streams are the caller's.
    pub fn begin(&self, arguments: &[&str]) -> Result<Child> {
        Ok(Command::new(&self.program)
            .arg("--profile")
            .arg(&self.profile)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?)
    }

    fn output(&self, global: &[&str], arguments: &[&str], input: &str) -> Result<Output> {
        let mut child = self.begin(&[global, arguments].concat())?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        // A command that reads nothing may have ended.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ok(child.wait_with_output()?)
    }
}
