//! Thousands of idle agents in one process: what does a linked host cost the server?
//!
//! Each agent is enrolled with a join token of its own and has its own key,
//! certificate, TLS connection and link; it answers Hello and holds the token
//! watch open. At each step of `--links` the resident memory of the server is
//! read; between two steps, the difference by the number of links between them
//! is the price of one. One JSON object a line on standard output.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use keysteward_agent::{
    settings::ServerAddress,
    uplink::{
        dial_uplink,
        enrol::{Enrolled, ask},
        identity::{Identity, Key},
        link::{self, Timing},
    },
};
use keysteward_proto::{
    agent::v1::{
        GetHealthRequest, GetHealthResponse, HelloRequest, HelloResponse, HostFacts, ListRequest,
        ListResponse, TokenEvent, WatchRequest,
        host_server::{Host, HostServer},
        token_event,
        tokens_server::{Tokens, TokensServer},
    },
    join_token::JoinToken,
};
use serde::Serialize;
use tokio::time::sleep;
use tonic::{Request, Response, Status, service::Routes};

/// Puts idle agents on a server and reads its resident memory
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's agent port
    #[arg(long, value_name = "HOST:PORT")]
    server: ServerAddress,
    /// Of the server's process, on this machine
    #[arg(long, value_name = "PID")]
    server_pid: u32,
    /// A join token a line, one for each agent
    #[arg(long, value_name = "FILE")]
    join_tokens: PathBuf,
    /// When to read the server's memory
    #[arg(long, value_delimiter = ',', default_value = "1000,5000")]
    links: Vec<u32>,
    /// Enrolments and handshakes at a time
    #[arg(long, default_value_t = 16)]
    at_once: usize,
    /// How long the server is left alone before its memory is read
    #[arg(long, default_value_t = 5)]
    settle_s: u64,
}

#[derive(Debug, Serialize)]
struct Reading {
    links: u32,
    server_rss_kib: u64,
    /// Since the reading before.
    #[serde(skip_serializing_if = "Option::is_none")]
    marginal_kib_per_link: Option<f64>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    ensure!(
        arguments.links.is_sorted(),
        "--links: allowed are numbers that grow"
    );
    let tokens = join_tokens(&arguments.join_tokens)?;
    let most = arguments.links.last().copied().unwrap_or(0);
    ensure!(
        tokens.len() >= most as usize,
        "{}: {} join tokens, and {most} agents",
        arguments.join_tokens.display(),
        tokens.len()
    );
    // All of them first: what enrolling costs is not what a link costs.
    let identities: Vec<Identity> = stream::iter(tokens.into_iter().take(most as usize))
        .map(|token| enrolled(&arguments.server, token))
        .buffer_unordered(arguments.at_once)
        .try_collect()
        .await?;
    let mut identities = identities.into_iter();
    let fleet = Arc::new(Fleet::default());
    let mut before: Option<Reading> = None;
    for &links in &arguments.links {
        let more = links - before.as_ref().map_or(0, |reading| reading.links);
        stream::iter(identities.by_ref().take(more as usize).map(Ok))
            .try_for_each_concurrent(arguments.at_once, |identity| {
                link(&arguments.server, identity, &fleet)
            })
            .await?;
        fleet.watched(links).await?;
        sleep(Duration::from_secs(arguments.settle_s)).await;
        ensure!(
            fleet.lost.load(Ordering::SeqCst) == 0,
            "links were lost: see the server's log"
        );
        let rss = resident_kib(arguments.server_pid)?;
        let reading = Reading {
            links,
            server_rss_kib: rss,
            marginal_kib_per_link: before
                .map(|before| (rss as f64 - before.server_rss_kib as f64) / f64::from(more.max(1))),
        };
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&reading)?)?;
        before = Some(reading);
    }
    Ok(())
}

/// How the agents are doing.
#[derive(Debug, Default)]
struct Fleet {
    watched: AtomicU32,
    lost: AtomicU32,
}

impl Fleet {
    /// Waits until the server has opened the token watch of `links` agents.
    async fn watched(&self, links: u32) -> anyhow::Result<()> {
        for _ in 0..600 {
            if self.watched.load(Ordering::SeqCst) >= links {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        let watched = self.watched.load(Ordering::SeqCst);
        bail!("the server watches {watched} of {links} agents, and no more came in a minute")
    }
}

/// One link more.
async fn link(
    server: &ServerAddress,
    identity: Identity,
    fleet: &Arc<Fleet>,
) -> anyhow::Result<()> {
    let stream = dial_uplink(server, &identity)
        .await
        .with_context(|| format!("host {}", identity.host_id))?;
    let agent = IdleAgent {
        boot_id: identity.host_id.into(),
        fleet: fleet.clone(),
    };
    let routes = Routes::new(HostServer::new(agent.clone())).add_service(TokensServer::new(agent));
    let fleet = fleet.clone();
    tokio::spawn(async move {
        let end = link::serve(stream, routes.prepare(), Timing::default()).await;
        eprintln!("a link was lost: {end}");
        fleet.lost.fetch_add(1, Ordering::SeqCst);
    });
    Ok(())
}

async fn enrolled(server: &ServerAddress, token: JoinToken) -> anyhow::Result<Identity> {
    let facts = HostFacts {
        hostname: "load".to_owned(),
        ..HostFacts::default()
    };
    match ask(server, &token, Key::generate()?, facts).await? {
        Enrolled::Now(identity) => Ok(*identity),
        Enrolled::ApprovalPending { host_id } => {
            bail!("host {host_id} waits for approval: give join tokens that need none")
        }
    }
}

/// Has no token, and nothing to do.
#[derive(Clone, Debug)]
struct IdleAgent {
    boot_id: Arc<str>,
    fleet: Arc<Fleet>,
}

#[tonic::async_trait]
impl Host for IdleAgent {
    async fn hello(
        &self,
        _request: Request<HelloRequest>,
    ) -> Result<Response<HelloResponse>, Status> {
        Ok(Response::new(HelloResponse {
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            boot_id: self.boot_id.to_string(),
            link_epoch: 1,
            facts: Some(HostFacts {
                hostname: "load".to_owned(),
                ..HostFacts::default()
            }),
            capabilities: ["fido.lease", "fido.raw", "fido.reset", "journal.v1"]
                .map(str::to_owned)
                .to_vec(),
            ..HelloResponse::default()
        }))
    }

    async fn get_health(
        &self,
        _request: Request<GetHealthRequest>,
    ) -> Result<Response<GetHealthResponse>, Status> {
        Ok(Response::new(GetHealthResponse::default()))
    }
}

#[tonic::async_trait]
impl Tokens for IdleAgent {
    async fn list(&self, _request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        Ok(Response::new(ListResponse::default()))
    }

    type WatchStream = BoxStream<'static, Result<TokenEvent, Status>>;

    async fn watch(
        &self,
        _request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.fleet.watched.fetch_add(1, Ordering::SeqCst);
        let snapshot = TokenEvent {
            event: Some(token_event::Event::Snapshot(ListResponse::default())),
        };
        let events = stream::iter([Ok(snapshot)]).chain(stream::pending());
        Ok(Response::new(events.boxed()))
    }
}

fn join_tokens(path: &Path) -> anyhow::Result<Vec<JoinToken>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            JoinToken::parse(line)
                .with_context(|| format!("{}, line {}", path.display(), index + 1))
        })
        .collect()
}

fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("--server-pid: no process {pid}"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("/proc/{pid}/status has no VmRSS"))
}
