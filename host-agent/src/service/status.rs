//! `keysteward-agent status`: how this host's agent stands, asked of the agent
//! itself where it runs, else read from its files.

use std::io::{self, Write};

use jiff::Timestamp;
use keysteward_proto::agent::v1::GetHealthResponse;
use serde::Serialize;

use crate::{
    settings::Settings,
    uplink::identity::{Directory, Identity},
};

/// For whom to print.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Output {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// How the agent stands.
#[derive(Debug, Serialize)]
struct Status {
    running: bool,
    /// "linked", "dialling", "not enrolled"; absent while the agent does not run.
    uplink: Option<String>,
    server: Option<String>,
    host_id: Option<String>,
    certificate_expires: Option<Timestamp>,
    tokens: Option<u32>,
    journal_entries: Option<u32>,
    journal_unsettled: Option<u32>,
    running_since: Option<Timestamp>,
}

/// Prints the status. `true` when the agent runs and is linked.
///
/// # Errors
/// When the identity on disk cannot be read, or standard output is gone.
pub async fn run(settings: &Settings, output: Output) -> anyhow::Result<bool> {
    let identity = Directory::new(&settings.state_dir).identity()?;
    let status = Status::new(settings, identity, health(settings).await);
    let linked = status.uplink.as_deref() == Some("linked");
    let mut out = io::stdout().lock();
    match output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(&status)?)?,
        Output::Text => status.print(&mut out)?,
    }
    Ok(linked)
}

impl Status {
    fn new(
        settings: &Settings,
        identity: Option<Identity>,
        health: Option<GetHealthResponse>,
    ) -> Self {
        let enrolled_with = identity.as_ref().map(|identity| &identity.server);
        Self {
            running: health.is_some(),
            uplink: health.as_ref().map(|health| health.uplink.clone()),
            server: settings
                .server
                .as_ref()
                .or(enrolled_with)
                .map(ToString::to_string),
            certificate_expires: identity.as_ref().map(|identity| identity.not_after),
            host_id: identity.map(|identity| identity.host_id),
            tokens: health.as_ref().map(|health| health.tokens),
            journal_entries: health.as_ref().map(|health| health.journal_entries),
            journal_unsettled: health.as_ref().map(|health| health.journal_unsettled),
            running_since: health
                .and_then(|health| Timestamp::from_microsecond(health.started_at_us).ok()),
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = |name: &str, value: Option<String>| match value {
            Some(value) => writeln!(out, "{name:<22}{value}"),
            None => Ok(()),
        };
        line(
            "agent",
            Some(
                if self.running {
                    "running"
                } else {
                    "not running"
                }
                .to_owned(),
            ),
        )?;
        line("running since", self.running_since.map(|at| at.to_string()))?;
        line("uplink", self.uplink.clone())?;
        line("server", self.server.clone())?;
        line(
            "host",
            Some(
                self.host_id
                    .clone()
                    .unwrap_or_else(|| "not enrolled".to_owned()),
            ),
        )?;
        line(
            "certificate until",
            self.certificate_expires.map(|at| at.to_string()),
        )?;
        line("tokens", self.tokens.map(|tokens| tokens.to_string()))?;
        line(
            "journal entries",
            self.journal_entries.map(|entries| entries.to_string()),
        )?;
        line(
            "unsettled",
            self.journal_unsettled.map(|entries| entries.to_string()),
        )
    }
}

/// What the running agent says; `None` where none runs or none lets us ask.
#[cfg(unix)]
async fn health(settings: &Settings) -> Option<GetHealthResponse> {
    use hyper_util::rt::TokioIo;
    use keysteward_proto::agent::v1::{GetHealthRequest, host_client::HostClient};
    use tokio::net::UnixStream;
    use tonic::transport::Endpoint;

    let path = settings.local_socket.path.clone();
    let channel = Endpoint::from_static("http://agent.invalid")
        .connect_with_connector(tower::service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        }))
        .await
        .ok()?;
    let health = HostClient::new(channel)
        .get_health(GetHealthRequest {})
        .await
        .ok()?;
    Some(health.into_inner())
}

/// There is no local socket to ask.
#[cfg(not(unix))]
async fn health(_settings: &Settings) -> Option<GetHealthResponse> {
    None
}
