//! An agent of a host with readers, and a caller at its local socket.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hyper_util::rt::TokioIo;
use keysteward_core::admin_key::{AdminKey as _, Cipher, LocalAdminKey};
use keysteward_proto::agent::v1 as proto;
use proto::{
    CardLeaseRequest, CardLeaseResponse, card_lease_request::Request as Asked,
    card_lease_response::Response as Said, cards_client::CardsClient,
    step_result::Result as Outcome, tokens_client::TokensClient,
};
use tokio::{net::UnixStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint, Uri},
};

use crate::site::process::{Process, program};

/// An agent without a server.
#[derive(Debug)]
pub(super) struct AtAgent {
    _process: Process,
    channel: Channel,
    /// Of raw commands so far, so that each has a key of its own.
    raw: u32,
}

impl AtAgent {
    /// Starts it in `folder`, where its journal is.
    pub(super) async fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (settings, socket) = (folder.join("agent.toml"), folder.join("agent.sock"));
        let text = format!(
            "state_dir = {:?}\n[local_socket]\npath = {socket:?}\n[policy]\nallow_raw = true\n",
            folder.join("state")
        );
        fs::write(&settings, text)?;
        let mut command = Command::new(program("keysteward-agent")?);
        command.arg("--settings").arg(&settings).arg("run");
        let process = Process::start("agent", &mut command, &folder.join("logs"))?;
        Ok(Self {
            _process: process,
            channel: connect(socket).await?,
            raw: 0,
        })
    }

    /// The only token, once its card was read. Not the one that was there `before`.
    pub(super) async fn card(&self, before: &str) -> Result<String> {
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            let listed = TokensClient::new(self.channel.clone())
                .list(proto::ListRequest {})
                .await?;
            match &listed.into_inner().tokens[..] {
                [token] if token.card.is_some() && token.presence_id != before => {
                    return Ok(token.presence_id.clone());
                }
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        bail!("the agent did not see the card within {SOON:?}")
    }

    /// The card to ourselves, until the lease is closed.
    pub(super) async fn lease(&self, presence_id: &str) -> Result<Lease> {
        let (requests, stream) = mpsc::channel(8);
        let answers = CardsClient::new(self.channel.clone())
            .lease(ReceiverStream::new(stream))
            .await?
            .into_inner();
        let mut lease = Lease { requests, answers };
        let open = proto::Open {
            presence_id: presence_id.to_owned(),
            wait_ms: u32::try_from(SOON.as_millis())?,
            purpose: "measuring".to_owned(),
        };
        match lease.ask(Asked::Open(open), None).await? {
            Said::Opened(_) => Ok(lease),
            other => bail!("no lease: {other:?}"),
        }
    }

    /// One command as it is, under a key of its own.
    pub(super) fn raw(&mut self, command: &[u8]) -> Asked {
        self.raw += 1;
        Asked::Raw(proto::CardRaw {
            key: Some(proto::StepKey {
                operation_id: "bench".to_owned(),
                step: format!("raw-{}", self.raw),
                attempt: 1,
            }),
            command: command.to_vec(),
            timeout_ms: 0,
        })
    }
}

/// One lease of one card.
pub(super) struct Lease {
    requests: mpsc::Sender<CardLeaseRequest>,
    answers: Streaming<CardLeaseResponse>,
}

impl Lease {
    /// What is answered in the end. Admin challenges are answered with `key`.
    pub(super) async fn ask(
        &mut self,
        request: Asked,
        mut key: Option<&mut LocalAdminKey>,
    ) -> Result<Said> {
        self.send(request).await?;
        loop {
            let said = self.answers.message().await?;
            match said.and_then(|said| said.response) {
                Some(Said::Progress(_)) => {}
                Some(Said::AdminChallenge(asked)) => {
                    let key = key.as_mut().context("asked for a key, and has none")?;
                    let cipher = Cipher::from_name(&asked.algorithm)
                        .with_context(|| format!("no cipher {}", asked.algorithm))?;
                    let answer = key.answer(cipher, &asked.witness, &asked.challenge)?;
                    self.send(Asked::AdminAnswer(proto::AdminAnswer {
                        witness: answer.witness.to_vec(),
                        challenge: answer.challenge.to_vec(),
                    }))
                    .await?;
                }
                Some(said) => return Ok(said),
                None => bail!("the agent ended the lease without a word"),
            }
        }
    }

    /// The same, which must end well.
    pub(super) async fn succeed(&mut self, request: Asked) -> Result<()> {
        match self.ask(request, None).await? {
            Said::Result(_) => Ok(()),
            Said::Raw(raw) => {
                ensure!(
                    raw.response.ends_with(&[0x90, 0x00]),
                    "the card refused: {}",
                    hex::encode(raw.response)
                );
                Ok(())
            }
            other => bail!("a step did not end well: {other:?}"),
        }
    }

    /// Gives the card back; the agent has let it go when this ends.
    pub(super) async fn close(mut self) -> Result<()> {
        drop(self.requests);
        while self.answers.message().await?.is_some() {}
        Ok(())
    }

    /// Whether the only candidate of a `TryAdminKeys` opens the card. Challenges are answered with
    /// `key`.
    pub(super) async fn opens(&mut self, asked: Asked, key: &mut LocalAdminKey) -> Result<bool> {
        match self.ask(asked, Some(key)).await? {
            Said::Result(proto::StepResult {
                result: Some(Outcome::AdminKeyFound(found)),
            }) => Ok(found.candidate == Some(0)),
            other => bail!("a step did not end well: {other:?}"),
        }
    }

    async fn send(&self, request: Asked) -> Result<()> {
        let request = CardLeaseRequest {
            request: Some(request),
        };
        let sent = self.requests.send(request).await;
        sent.context("the agent ended the lease")
    }
}

/// A step that needs no key of the journal, at `applet`.
pub(super) fn step(applet: &str, verb: proto::card_step::Verb) -> Asked {
    Asked::Step(proto::CardStep {
        key: None,
        timeout_ms: 0,
        applet: applet.to_owned(),
        verb: Some(verb),
    })
}

async fn connect(socket: PathBuf) -> Result<Channel> {
    let begun = Instant::now();
    while UnixStream::connect(&socket).await.is_err() {
        ensure!(begun.elapsed() < SOON, "the agent does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://agent.invalid");
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// How long anything may take. pcscd looks at vpcd's readers every 400 ms.
const SOON: Duration = Duration::from_secs(60);
