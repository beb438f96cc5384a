//! The hand that holds a token in software: orders to its control socket.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::process::eventually;

/// Holds the token whose control socket it knows.
#[derive(Debug)]
pub struct Hand {
    control: PathBuf,
}

impl Hand {
    /// Waits until the token answers.
    pub(super) fn take(control: PathBuf) -> Result<Self> {
        let hand = Self { control };
        eventually(
            "the token answers at its control socket",
            Duration::from_secs(10),
            || hand.state().map(Some),
        )?;
        Ok(hand)
    }

    /// `plugged`, `waiting_for_touch`, `power_ups`, and what it says it holds.
    pub fn state(&self) -> Result<Value> {
        self.tell(&json!({"do": "state"}))
    }

    /// Pulls it out.
    pub fn unplug(&self) -> Result<()> {
        self.tell(&json!({"do": "unplug"})).map(drop)
    }

    /// Puts it back, with a power-up.
    pub fn plug(&self) -> Result<()> {
        self.tell(&json!({"do": "plug"})).map(drop)
    }

    pub(super) fn tell(&self, order: &Value) -> Result<Value> {
        let mut stream = UnixStream::connect(&self.control)
            .with_context(|| format!("no token at {}", self.control.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(format!("{order}\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)
            .with_context(|| format!("the token answered {line:?} to {order}"))?;
        if let Some(error) = answer.get("error") {
            bail!("the token refused {order}: {error}");
        }
        Ok(answer)
    }
}
