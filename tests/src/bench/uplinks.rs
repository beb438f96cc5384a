//! What an idle link costs the server: hello done, token watch open, nothing to say.
//!
//! Read at N/5 and at N links, so that what a server costs by itself drops out.

use std::{
    fmt::Write as _,
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::operator::Operator;
use crate::site::{
    Site,
    process::{eventually, program},
};

/// Both readings, and their difference for each link.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Uplinks {
    /// The smaller load.
    pub few: Reading,
    /// The larger load.
    pub many: Reading,
    /// (RSS at the larger less RSS at the smaller) / (links between them).
    pub kib_per_link: f64,
}

/// The server at one load; a line of `agent_load`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Reading {
    /// Idle agents that are linked.
    pub links: u32,
    /// Resident memory of the server.
    pub server_rss_kib: u64,
}

/// Puts `links` idle agents on a server of its own in `folder`.
pub fn measure(folder: &Path, links: u32, runtime: &Runtime) -> Result<Uplinks> {
    raise_file_limit(links)?;
    let site = Site::start_in(folder)?;
    let secrets = runtime.block_on(async {
        let operator = Operator::connect(&site.server.profile()).await?;
        operator.join_tokens(links).await
    })?;
    let file = folder.join("join-tokens");
    let mut lines = String::new();
    for secret in &secrets {
        writeln!(lines, "{secret}")?;
    }
    fs::write(&file, lines)?;
    let mut load = Command::new(program("agent_load")?)
        .args(["--server", &site.server.agents().to_string()])
        .args([
            "--server-pid",
            &site.server.id().context("no server")?.to_string(),
        ])
        .args(["--links", &format!("{},{links}", links / 5)])
        .arg("--join-tokens")
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()?;
    let ended = eventually("the load is put on and read", PATIENCE, || {
        Ok(load.try_wait()?)
    });
    if ended.is_err() {
        load.kill()?;
        load.wait()?;
    }
    let ended = ended?;
    ensure!(ended.success(), "agent_load ended with {ended}");
    // Two lines: they fit into the pipe.
    let mut said = String::new();
    let mut stdout = load.stdout.take().context("no standard output")?;
    stdout.read_to_string(&mut said)?;
    of(&said)
}

fn of(said: &str) -> Result<Uplinks> {
    let readings: Vec<Reading> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let [few, many] = readings[..] else {
        anyhow::bail!("agent_load was to read twice, and said {said:?}");
    };
    ensure!(
        few.links < many.links,
        "agent_load put no load on: {said:?}"
    );
    // The difference may be negative on a machine that is short of memory.
    let more = many.server_rss_kib as f64 - few.server_rss_kib as f64;
    Ok(Uplinks {
        few,
        many,
        kib_per_link: more / f64::from(many.links - few.links),
    })
}

/// A link is a file at each end; server and load inherit our limit.
fn raise_file_limit(links: u32) -> Result<()> {
    let wanted = u64::from(links) + SPARE_FILES;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(
        hard >= wanted,
        "{links} links want {wanted} open files and the limit is {hard}: \
         raise it (`ulimit -Hn {wanted}` as root) or give a smaller --links"
    );
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    }
    Ok(())
}

const SPARE_FILES: u64 = 500;
const PATIENCE: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_costs_by_itself_drops_out() {
        let said = "{\"links\":1000,\"server_rss_kib\":60000}\n\
                    {\"links\":5000,\"server_rss_kib\":180000,\"marginal_kib_per_link\":30.0}\n";
        let uplinks = of(said).unwrap();
        assert!((uplinks.kib_per_link - 30.0).abs() < 1e-9);
    }

    #[test]
    fn one_reading_is_no_measurement() {
        assert!(of("{\"links\":1000,\"server_rss_kib\":60000}\n").is_err());
    }
}
