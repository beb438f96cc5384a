//! What an agent costs its machine while nobody wants anything of it.

use std::{thread, time::Duration};

use anyhow::{Context, Result};
use serde::Serialize;

use super::procfs::{self, Memory};
use crate::site::agent::Agent;

/// A linked agent with one key plugged in, over a window without work.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IdleAgent {
    /// At the end of the window.
    #[serde(flatten)]
    pub memory: Memory,
    /// How long it was watched.
    pub window_s: u64,
    /// Voluntary context switches of all its threads in that time: each is a wake-up that ended.
    pub wake_ups: u64,
    /// Threads at the end of the window.
    pub threads: usize,
}

/// Watches `agent` for `window`, once it has settled.
pub fn measure(agent: &Agent, window: Duration) -> Result<IdleAgent> {
    let pid = agent.id().context("the agent does not run")?;
    thread::sleep(SETTLE);
    let before = procfs::voluntary_switches(pid)?;
    thread::sleep(window);
    let after = procfs::voluntary_switches(pid)?;
    let wake_ups = after
        .iter()
        .map(|(thread, count)| count - before.get(thread).unwrap_or(&0))
        .sum();
    Ok(IdleAgent {
        memory: procfs::memory(pid)?,
        window_s: window.as_secs(),
        wake_ups,
        threads: after.len(),
    })
}

const SETTLE: Duration = Duration::from_secs(5);
