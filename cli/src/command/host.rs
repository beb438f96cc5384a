//! `keysteward host`: machines that run an agent.

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, ApproveHostRequest, GetHostRequest, ListHostsRequest, RevokeHostRequest,
};
use serde::Serialize;

use super::{Context, page::Page};
use crate::{
    failure::Result,
    output::{View, some, time},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hosts, enrolled or waiting for approval
    #[command(after_help = "Example:\n  keysteward host list --state pending")]
    List {
        /// pending, enrolled or revoked
        #[arg(long)]
        state: Option<String>,
        #[arg(long)]
        group: Option<String>,
        /// Only hosts whose link is up (true) or down (false)
        #[arg(long, value_name = "BOOL")]
        linked: Option<bool>,
        #[command(flatten)]
        page: Page,
    },
    /// One host, and the keys plugged in there
    #[command(after_help = "Example:\n  keysteward host show laptop-7")]
    Show {
        /// Id, or hostname
        host: String,
    },
    /// Let a host in that waits for approval
    #[command(after_help = "Example:\n  keysteward host approve laptop-7")]
    Approve {
        /// Id, or hostname
        host: String,
    },
    /// Shut a host out for good; its link closes at once
    #[command(after_help = "Example:\n  keysteward host revoke laptop-7 --reason stolen")]
    Revoke {
        /// Id, or hostname
        host: String,
        #[arg(long, default_value = "")]
        reason: String,
    },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    let server = context.server().await?;
    let mut hosts = server.hosts();
    let host = match command {
        Command::List {
            state,
            group,
            linked,
            page,
        } => {
            let (rows, next) = page
                .collect(|page_size, page_token| {
                    let request = ListHostsRequest {
                        page_size,
                        page_token,
                        state: state.clone().unwrap_or_default(),
                        group: group.clone().unwrap_or_default(),
                        linked,
                    };
                    let mut hosts = server.hosts();
                    async move { hosts.list(request).await }
                })
                .await?;
            let rows: Vec<Host> = rows.into_iter().map(Host::from).collect();
            return context.output.list("hosts", &rows, next.as_deref());
        }
        Command::Show { host } => hosts.get(GetHostRequest { host }).await?,
        Command::Approve { host } => hosts.approve(ApproveHostRequest { host }).await?,
        Command::Revoke { host, reason } => {
            hosts.revoke(RevokeHostRequest { host, reason }).await?
        }
    };
    let host = Host::from(host.into_inner());
    context.output.show(&host)?;
    context.output.section("keys plugged in", &host.tokens)
}

#[derive(Debug, Serialize)]
pub(super) struct Host {
    id: String,
    hostname: String,
    group: String,
    state: String,
    linked: bool,
    agent_version: String,
    os: String,
    architecture: String,
    tokens: Vec<Plugged>,
    enrolled_at: Option<String>,
    last_seen_at: Option<String>,
    /// Another agent with this host's identity, which was refused.
    duplicate: Option<String>,
}

impl View for Host {
    const COLUMNS: &'static [&'static str] =
        &["id", "hostname", "group", "state", "linked", "last_seen_at"];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "hostname",
        "group",
        "state",
        "linked",
        "agent_version",
        "os",
        "architecture",
        "enrolled_at",
        "last_seen_at",
        "duplicate",
    ];
}

impl From<wire::Host> for Host {
    fn from(host: wire::Host) -> Self {
        let facts = host.facts.unwrap_or_default();
        Self {
            id: host.id,
            hostname: host.hostname,
            group: host.group,
            state: host.state,
            linked: host.linked,
            agent_version: host.agent_version,
            os: format!("{} {}", facts.os, facts.os_version)
                .trim()
                .to_owned(),
            architecture: facts.architecture,
            tokens: host.tokens.into_iter().map(Plugged::from).collect(),
            enrolled_at: time(host.enrolled_at_us),
            last_seen_at: time(host.last_seen_at_us),
            duplicate: host
                .duplicate
                .map(|other| format!("{} at {}", other.hostname, other.address)),
        }
    }
}

/// A key as its host sees it.
#[derive(Debug, Serialize)]
pub(super) struct Plugged {
    presence_id: String,
    product: String,
    serial: Option<String>,
    r#virtual: bool,
    fault: Option<String>,
}

impl View for Plugged {
    const COLUMNS: &'static [&'static str] =
        &["presence_id", "product", "serial", "virtual", "fault"];
}

impl From<keysteward_proto::agent::v1::Token> for Plugged {
    fn from(token: keysteward_proto::agent::v1::Token) -> Self {
        Self {
            presence_id: token.presence_id,
            product: token.product,
            serial: some(token.serial),
            r#virtual: token.r#virtual,
            fault: some(token.fault),
        }
    }
}
