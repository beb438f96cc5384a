//! The user at a browser, as a process on the key's host.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{process::program, stand_in::StandIn};

/// Who sits there, with which key.
#[derive(Clone, Copy, Debug)]
pub struct Browser<'a> {
    /// The site that is visited.
    pub stand_in: &'a StandIn,
    /// User name there.
    pub user: &'a str,
    /// Where the key listens for programs of its host.
    pub key: &'a Path,
}

impl Browser<'_> {
    /// Signs in with the key and its PIN. False: the site or the key refused.
    pub fn sign_in(&self, pin: &str) -> Result<bool> {
        self.act("sign-in", pin)
    }

    /// Activates the pending authenticator with the code that was mailed.
    pub fn activate(&self, pin: &str) -> Result<bool> {
        self.act("activate", pin)
    }

    fn act(&self, action: &str, pin: &str) -> Result<bool> {
        let mut child = Command::new(program("browser")?)
            .arg(action)
            .args(["--url", self.stand_in.fact("url")?])
            .args(["--root", self.stand_in.fact("root")?])
            .args(["--user", self.user])
            .arg("--key")
            .arg(self.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().context("no standard input")?;
        writeln!(input, "{pin}")?;
        drop(input);
        let output = child.wait_with_output()?;
        let said: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "the browser broke: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        Ok(said["ok"] == true)
    }
}
