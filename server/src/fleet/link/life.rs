//! The life of one uplink, in one task.
//!
//! ```text
//! TLS done ──> admitted? ──no──> refusal ──> closed
//!                 │ yes
//!              Welcome ──> HTTP/2 ──> Hello ──> claim ──rival lives──> closed
//!                                     10 s        │
//!                                               linked, Watch ──lost, closed──> gone
//! ```

use std::{net::SocketAddr, sync::Arc};

use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use keysteward_proto::{
    agent::v1::{HelloResponse, Token, TokenEvent, token_event},
    uplink::{Greeting, Refusal},
};
use serde_json::{Map, Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_rustls::server::TlsStream;
use tonic::{Streaming, body::Body};

use super::{
    CallError, Link,
    channel::Channel,
    hello,
    inline::{Driven, Inline},
    say_hello,
    watch::watch_tokens,
};
use crate::{
    audit::{self, Entry, Outcome},
    fleet::{
        Duplicate, FleetEvent, Inner,
        admission::admit,
        authority::AgentIdentity,
        presence::{SaidHello, Seen, facts, shortened},
        registry::Claim,
        witness,
    },
    store::{self, HostId},
};

/// Why a link is over, for the log.
#[derive(Debug, thiserror::Error)]
enum LinkEnd {
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("the connection was lost: {0}")]
    Io(#[from] std::io::Error),
    #[error("the connection was lost: {0}")]
    Http(#[from] hyper::Error),
    #[error("the agent closed it")]
    Closed,
    #[error("this server closed it")]
    ByServer,
    #[error("the first hello failed: {0}")]
    Hello(#[source] CallError),
    #[error("the token watch ended: {0}")]
    Watch(#[source] CallError),
    #[error("another agent with this identity is linked and alive")]
    Duplicate,
    #[error("a newer link of the same agent is up")]
    Late,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Serves one uplink from the handshake to its end.
///
/// What happens once is boxed and gone when it is done: what stays for the life
/// of an idle link should be the connection, the watch, and little else.
pub(in crate::fleet) async fn live(
    fleet: Arc<Inner>,
    stream: Box<TlsStream<TcpStream>>,
    agent: AgentIdentity,
    peer: SocketAddr,
) {
    let host = agent.host;
    let end = match Box::pin(open(&fleet, stream, agent)).await {
        Ok((channel, connection)) => {
            tokio::select! {
                end = connection => match end {
                    Some(Err(error)) => LinkEnd::Http(error),
                    Some(Ok(())) | None => LinkEnd::Closed,
                },
                end = stay(&fleet, channel, host, peer) => end,
            }
        }
        Err(end) => end,
    };
    tracing::info!(%host, %peer, reason = %end, "link over");
}

type Connection = http2::Connection<TokioIo<Box<TlsStream<TcpStream>>>, Body, Inline>;

/// Lets the agent in, and begins HTTP/2.
async fn open(
    fleet: &Arc<Inner>,
    mut stream: Box<TlsStream<TcpStream>>,
    agent: AgentIdentity,
) -> Result<(Channel, Driven<Connection>), LinkEnd> {
    if let Err(refusal) = admit(fleet, &agent).await {
        let greeting = Greeting::Refused {
            refusal,
            retry_after: fleet.settings.retry_after(refusal),
        };
        stream.write_all(&greeting.encode()).await?;
        stream.shutdown().await?;
        return Err(LinkEnd::Refused(refusal));
    }
    stream.write_all(&Greeting::Welcome.encode()).await?;
    stream.flush().await?;
    let settings = &fleet.settings;
    let inline = Inline::default();
    let (requests, connection) = http2::Builder::new(inline.clone())
        .timer(TokioTimer::new())
        .keep_alive_interval(settings.keep_alive_interval)
        .keep_alive_timeout(settings.keep_alive_timeout)
        .keep_alive_while_idle(true)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_concurrent_reset_streams(MAX_RESET)
        .max_send_buf_size(SEND_BUFFER)
        .handshake(TokioIo::new(stream))
        .await?;
    Ok((Channel(requests), Driven::new(connection, inline)))
}

/// From Hello to the end of the token watch.
async fn stay(fleet: &Arc<Inner>, channel: Channel, host: HostId, peer: SocketAddr) -> LinkEnd {
    let registered = match Box::pin(introduce(fleet, channel.clone(), host, peer)).await {
        Ok(registered) => registered,
        Err(end) => return end,
    };
    let link = &registered.link;
    let watched = async {
        let events = Box::pin(watch_tokens(channel)).await;
        match events {
            Ok(events) => follow(fleet, link, events).await,
            Err(error) => LinkEnd::Watch(error),
        }
    };
    tokio::select! {
        end = watched => end,
        () = link.0.close.notified() => LinkEnd::ByServer,
    }
}

/// Hello; and the link is the host's.
async fn introduce(
    fleet: &Arc<Inner>,
    channel: Channel,
    host: HostId,
    peer: SocketAddr,
) -> Result<Registered, LinkEnd> {
    let newest = audit::checkpoint::newest(&mut fleet.store.read().await?).await?;
    let hello = hello(fleet.authority.server(), newest);
    let mut said = say_hello(channel.clone(), fleet.settings.hello_timeout, hello)
        .await
        .map_err(LinkEnd::Hello)?;
    let link = Link::new(host, channel, &said);
    claim(fleet, &link, &said, peer).await?;
    let registered = Registered {
        fleet: fleet.clone(),
        link,
    };
    // It may have been revoked between the handshake and the claim.
    let row = store::host::get(&mut fleet.store.read().await?, host).await?;
    if row.is_none_or(|row| row.state != store::host::State::Enrolled) {
        return Err(LinkEnd::Refused(Refusal::Revoked));
    }
    if let Some(seen) = said.witness.take() {
        witness::compare(fleet, host, seen).await?;
    }
    let unacknowledged = std::mem::take(&mut said.unacknowledged);
    fleet.seen(host, Some(said_hello(said))).await;
    fleet.tell(FleetEvent::HostUp { host });
    fleet.tell(FleetEvent::Unacknowledged {
        host,
        outcomes: unacknowledged.into(),
    });
    tracing::info!(%host, %peer, epoch = registered.link.epoch(), "linked");
    Ok(registered)
}

/// Makes `link` the host's link, or finds that it must not be.
async fn claim(
    fleet: &Arc<Inner>,
    link: &Link,
    said: &HelloResponse,
    peer: SocketAddr,
) -> Result<(), LinkEnd> {
    let mut dead = None;
    loop {
        match fleet.registry.claim(link, dead.as_ref()) {
            Claim::Taken => return Ok(()),
            Claim::Replaced(old, tokens) => {
                old.close();
                fleet.down(link.host(), tokens);
                return Ok(());
            }
            Claim::Late => return Err(LinkEnd::Late),
            // After a crash of the host its old link looks alive until a ping is
            // missed: it is asked before anybody is called a copy.
            Claim::Rival(rival) => {
                if rival.answers_within(fleet.settings.rival_timeout).await {
                    quarantine(fleet, link, said, peer).await?;
                    return Err(LinkEnd::Duplicate);
                }
                dead = Some(rival);
            }
        }
    }
}

async fn quarantine(
    fleet: &Arc<Inner>,
    link: &Link,
    said: &HelloResponse,
    peer: SocketAddr,
) -> store::Result<()> {
    let host = link.host();
    let hostname = facts(said.facts.clone()).hostname;
    let now = fleet.clock.now();
    let duplicate = Duplicate {
        host,
        boot_id: shortened(said.boot_id.clone()),
        hostname: hostname.clone(),
        address: peer,
        seen_at: now,
    };
    if !fleet.registry.duplicate(duplicate) {
        return Ok(());
    }
    tracing::error!(%host, %peer, hostname, "two live agents have one identity; the newer is refused");
    let mut facts = Map::new();
    facts.insert("hostname".into(), Value::from(hostname));
    facts.insert("address".into(), json!(peer));
    facts.insert("link_epoch".into(), json!(link.epoch()));
    let mut tx = fleet.store.write().await?;
    let entry = Entry {
        at: now,
        actor: format!("host:{host}"),
        verb: "host.duplicate",
        object: format!("host:{host}"),
        operation: None,
        outcome: Outcome::Denied,
        facts,
    };
    audit::append(&mut tx, entry).await?;
    tx.commit().await
}

fn said_hello(said: HelloResponse) -> SaidHello {
    SaidHello {
        link_epoch: said.link_epoch,
        agent_version: shortened(said.agent_version),
        facts: facts(said.facts),
    }
}

/// Takes the link out of the registry, however its task ends.
struct Registered {
    fleet: Arc<Inner>,
    link: Link,
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(tokens) = self.fleet.registry.remove(&self.link) {
            self.fleet.down(self.link.host(), tokens);
        }
    }
}

/// Feeds the registry from the token watch until it ends.
async fn follow(fleet: &Arc<Inner>, link: &Link, mut events: Streaming<TokenEvent>) -> LinkEnd {
    loop {
        let event = match events.message().await {
            Ok(Some(TokenEvent { event: Some(event) })) => event,
            // An event of a newer agent.
            Ok(Some(TokenEvent { event: None })) => continue,
            Ok(None) => return LinkEnd::Watch(CallError::Malformed("a watch has no end")),
            Err(status) => return LinkEnd::Watch(CallError::of(status)),
        };
        let told = fleet
            .registry
            .with_tokens(link, |tokens| apply(tokens, event))
            .unwrap_or_default();
        let host = link.host();
        for change in told {
            fleet.tell(match change {
                Change::Seen(token) => FleetEvent::TokenSeen {
                    host,
                    token: Arc::new(token),
                },
                Change::Gone(token) => FleetEvent::TokenGone {
                    host,
                    presence_id: token.presence_id,
                },
            });
        }
    }
}

#[derive(Debug, PartialEq)]
enum Change {
    Seen(Token),
    Gone(Token),
}

/// What an event changes in what is plugged in.
fn apply(tokens: &mut Vec<Token>, event: token_event::Event) -> Vec<Change> {
    match event {
        token_event::Event::Snapshot(snapshot) => {
            let before = std::mem::take(tokens);
            // A host has a handful of keys; one that claims thousands is not believed.
            tokens.extend(snapshot.tokens.into_iter().take(MAX_TOKENS));
            let gone = before
                .into_iter()
                .filter(|old| tokens.iter().all(|new| new.presence_id != old.presence_id))
                .map(Change::Gone);
            gone.chain(tokens.iter().cloned().map(Change::Seen))
                .collect()
        }
        token_event::Event::Added(token) | token_event::Event::Changed(token) => {
            let full = tokens.len() >= MAX_TOKENS;
            match tokens
                .iter_mut()
                .find(|there| there.presence_id == token.presence_id)
            {
                Some(there) => *there = token.clone(),
                None if full => return Vec::new(),
                None => tokens.push(token.clone()),
            }
            vec![Change::Seen(token)]
        }
        token_event::Event::Removed(presence_id) => tokens
            .extract_if(.., |there| there.presence_id == presence_id)
            .map(Change::Gone)
            .collect(),
    }
}

impl Inner {
    async fn seen(&self, host: HostId, hello: Option<SaidHello>) {
        let seen = Seen {
            host,
            at: self.clock.now(),
            hello,
        };
        // The writer ends after the last link.
        let _ = self.seen.send(seen).await;
    }

    /// Its link is gone, and so is what was plugged in there.
    fn down(&self, host: HostId, tokens: Vec<Token>) {
        for token in tokens {
            self.tell(FleetEvent::TokenGone {
                host,
                presence_id: token.presence_id,
            });
        }
        self.tell(FleetEvent::HostDown { host });
        let seen = Seen {
            host,
            at: self.clock.now(),
            hello: None,
        };
        // Where the queue is full, the link's beginning is what remains known.
        let _ = self.seen.try_send(seen);
    }
}

/// Of what an agent may send before we read it: small, because there are many.
const WINDOW: u32 = 256 * 1024;
const SEND_BUFFER: usize = 64 * 1024;
const MAX_RESET: usize = 8;
const MAX_TOKENS: usize = 256;

#[cfg(test)]
mod tests;
