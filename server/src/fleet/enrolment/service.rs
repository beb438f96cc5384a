//! `keysteward.enrolment.v1`, served to agents on the agent port.
//!
//! Both calls may be repeated when an answer was lost. A key names an
//! enrolment: asked again with the same key and the same join token, the answer
//! is the same host, with a fresh certificate beside the one before.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use keysteward_proto::{
    enrolment::v1::{
        EnrolRequest, EnrolResponse, RenewRequest, RenewResponse,
        enrolment_server::{Enrolment, EnrolmentServer},
    },
    error::v1::ErrorDetail,
    join_token::parse_secret,
};
use prost::Message as _;
use rand::rngs::OsRng;
use serde_json::{Map, Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::server::TlsStream;
use tonic::{Code, Request, Response, Status};
use tower::ServiceExt as _;

use super::join_token::hash;
use crate::{
    audit::{self, Entry, Outcome},
    fleet::{
        Inner,
        admission::admit,
        authority::{AgentCertificate, AgentIdentity, CertificateRequest},
        presence::{facts, shortened},
    },
    store::{
        self, HostId, Write,
        host::{Host, State},
        join_token::JoinToken,
    },
};

/// Serves one connection until the peer is done, or has been here too long.
pub(in crate::fleet) async fn serve(
    fleet: Arc<Inner>,
    stream: Box<TlsStream<TcpStream>>,
    agent: Option<AgentIdentity>,
    peer: SocketAddr,
) {
    let server = EnrolmentServer::new(Service {
        fleet: fleet.clone(),
        agent,
        peer,
    })
    .max_decoding_message_size(LARGEST);
    let service = service_fn(move |request| server.clone().oneshot(request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(fleet.settings.call_connection_life, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection for calls broke off"),
        Err(_) => tracing::debug!(%peer, "a connection for calls was closed after its time"),
    }
}

#[derive(Clone)]
struct Service {
    fleet: Arc<Inner>,
    agent: Option<AgentIdentity>,
    peer: SocketAddr,
}

#[tonic::async_trait]
impl Enrolment for Service {
    async fn enrol(
        &self,
        request: Request<EnrolRequest>,
    ) -> Result<Response<EnrolResponse>, Status> {
        let mut asked = request.into_inner();
        let secret = zeroize::Zeroizing::new(std::mem::take(&mut asked.join_token));
        let secret = parse_secret(&secret).ok_or_else(|| {
            refuse(
                Code::InvalidArgument,
                "FIELD_INVALID",
                "join_token: not the secret half of a join token",
            )
        })?;
        let key = certificate_request(&asked.certificate_request)?;
        self.look_up(&hash(&secret)).await?;
        let mut tx = self.fleet.store.write().await.map_err(unavailable)?;
        let host = match store::host::by_public_key(&mut tx, key.spki())
            .await
            .map_err(unavailable)?
        {
            Some(known) => self.known(&mut tx, known, &hash(&secret)).await?,
            None => match self.take_use(&mut tx, &hash(&secret)).await? {
                Ok(token) => self.insert(&mut tx, token, &key, asked).await?,
                Err(refusal) => {
                    // What was tried is on record, though nothing came of it.
                    tx.commit().await.map_err(unavailable)?;
                    return Err(refusal);
                }
            },
        };
        let certificate = match host.state {
            State::Pending => None,
            State::Enrolled => Some(self.sign(&mut tx, &host, &key).await?),
            State::Revoked => {
                return Err(refuse(
                    Code::PermissionDenied,
                    "HOST_REVOKED",
                    "this host was revoked: enrol it with a new join token",
                ));
            }
        };
        tx.commit().await.map_err(unavailable)?;
        Ok(Response::new(EnrolResponse {
            host_id: host.id.to_string(),
            approval_pending: certificate.is_none(),
            certificate: certificate.map(|signed| signed.der).unwrap_or_default(),
            roots: self.roots(),
            server_id: self.fleet.authority.server().to_string(),
        }))
    }

    async fn renew(
        &self,
        request: Request<RenewRequest>,
    ) -> Result<Response<RenewResponse>, Status> {
        let Some(agent) = &self.agent else {
            return Err(refuse(
                Code::Unauthenticated,
                "CERTIFICATE_REQUIRED",
                "only a host with a certificate of this server can renew it",
            ));
        };
        // Asked at each call: it may have been revoked since the handshake.
        admit(&self.fleet, agent).await.map_err(|refusal| {
            refuse(Code::PermissionDenied, "NOT_ADMITTED", &refusal.to_string())
        })?;
        let key = certificate_request(&request.into_inner().certificate_request)?;
        let mut tx = self.fleet.store.write().await.map_err(unavailable)?;
        let host = store::host::get(&mut tx, agent.host)
            .await
            .map_err(unavailable)?
            .filter(|host| host.state == State::Enrolled)
            .ok_or_else(|| {
                refuse(
                    Code::PermissionDenied,
                    "HOST_REVOKED",
                    "this host was revoked",
                )
            })?;
        let signed = self.sign(&mut tx, &host, &key).await?;
        self.record(
            &mut tx,
            host.id,
            "host.renew",
            Outcome::Ok,
            [("serial", json!(signed.serial))],
        )
        .await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(Response::new(RenewResponse {
            certificate: signed.der,
            roots: self.roots(),
        }))
    }
}

impl Service {
    /// Strangers are turned away before they hold up the only writer.
    async fn look_up(&self, hash: &[u8; 32]) -> Result<(), Status> {
        let mut read = self.fleet.store.read().await.map_err(unavailable)?;
        let found = store::join_token::by_secret_hash(&mut read, hash)
            .await
            .map_err(unavailable)?;
        if found.is_none() {
            // Anybody can send nonsense: that fills no record.
            tracing::warn!(peer = %self.peer, "an unknown join token was shown");
            return Err(unknown_join_token());
        }
        Ok(())
    }

    /// A host that asks again must have come by the same join token: having seen
    /// a certificate request is no right to its enrolment.
    async fn known(&self, tx: &mut Write<'_>, host: Host, hash: &[u8; 32]) -> Result<Host, Status> {
        let token = store::join_token::by_secret_hash(tx, hash)
            .await
            .map_err(unavailable)?;
        match token {
            Some(token) if token.id == host.join_token_id => Ok(host),
            _ => Err(unknown_join_token()),
        }
    }

    /// Takes one use; or says why there is none, which is then on record.
    async fn take_use(
        &self,
        tx: &mut Write<'_>,
        hash: &[u8; 32],
    ) -> Result<Result<JoinToken, Status>, Status> {
        let now = self.fleet.clock.now();
        if let Some(token) = store::join_token::take_use(tx, hash, now)
            .await
            .map_err(unavailable)?
        {
            return Ok(Ok(token));
        }
        let found = store::join_token::by_secret_hash(tx, hash)
            .await
            .map_err(unavailable)?;
        let Some(token) = found else {
            return Ok(Err(unknown_join_token()));
        };
        let (reason, message) = if token.revoked_at.is_some() {
            (
                "JOIN_TOKEN_REVOKED",
                "this join token was revoked: ask for a new one",
            )
        } else if token.uses_left == 0 {
            (
                "JOIN_TOKEN_USED",
                "this join token was used before: ask for a new one",
            )
        } else {
            (
                "JOIN_TOKEN_EXPIRED",
                "this join token has expired: ask for a new one",
            )
        };
        let entry = Entry {
            at: now,
            actor: format!("join-token:{}", token.id),
            verb: "host.enrol",
            object: format!("join-token:{}", token.id),
            operation: None,
            outcome: Outcome::Denied,
            facts: named([("reason", json!(reason)), ("address", json!(self.peer))]),
        };
        audit::append(tx, entry).await.map_err(unavailable)?;
        Ok(Err(refuse(Code::PermissionDenied, reason, message)))
    }

    async fn insert(
        &self,
        tx: &mut Write<'_>,
        token: JoinToken,
        key: &CertificateRequest,
        asked: EnrolRequest,
    ) -> Result<Host, Status> {
        let facts = facts(asked.facts);
        let host = Host {
            id: HostId::new(),
            hostname: facts.hostname.clone(),
            host_group: token.host_group,
            state: if token.needs_approval {
                State::Pending
            } else {
                State::Enrolled
            },
            facts,
            agent_version: shortened(asked.agent_version),
            join_token_id: token.id,
            public_key: key.spki().to_vec(),
            serial: None,
            next_serial: None,
            link_epoch: 0,
            reconciled_at: None,
            enrolled_at: self.fleet.clock.now(),
            last_seen_at: None,
            revoked_at: None,
        };
        store::host::insert(tx, &host).await.map_err(unavailable)?;
        let said = [
            ("hostname", json!(host.hostname)),
            ("join_token", json!(host.join_token_id)),
            ("state", json!(host.state.as_str())),
            ("address", json!(self.peer)),
        ];
        self.record(tx, host.id, "host.enrol", Outcome::Ok, said)
            .await?;
        Ok(host)
    }

    /// A certificate for `key`. The host's first becomes its serial; each further
    /// one stands beside it until it is seen in use.
    async fn sign(
        &self,
        tx: &mut Write<'_>,
        host: &Host,
        key: &CertificateRequest,
    ) -> Result<AgentCertificate, Status> {
        let fleet = &self.fleet;
        let life = fleet.settings.agent_certificate_life;
        let signed = fleet
            .authority
            .sign_agent(host.id, key, life, fleet.clock.now(), &mut OsRng)
            .map_err(|error| {
                tracing::error!(%error, host = %host.id, "no certificate");
                Status::internal("the certificate could not be made")
            })?;
        let kept = if host.serial.is_none() {
            store::host::set_enrolled(tx, host.id, &signed.serial).await
        } else {
            store::host::set_next_serial(tx, host.id, &signed.serial, key.spki()).await
        };
        kept.map_err(unavailable)?;
        Ok(signed)
    }

    fn roots(&self) -> Vec<Vec<u8>> {
        self.fleet
            .authority
            .roots()
            .map(|root| root.to_vec())
            .to_vec()
    }

    async fn record<const N: usize>(
        &self,
        tx: &mut Write<'_>,
        host: HostId,
        verb: &'static str,
        outcome: Outcome,
        facts: [(&str, Value); N],
    ) -> Result<(), Status> {
        let entry = Entry {
            at: self.fleet.clock.now(),
            actor: format!("host:{host}"),
            verb,
            object: format!("host:{host}"),
            operation: None,
            outcome,
            facts: named(facts),
        };
        audit::append(tx, entry)
            .await
            .map(drop)
            .map_err(unavailable)
    }
}

fn named<const N: usize>(facts: [(&str, Value); N]) -> Map<String, Value> {
    facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn certificate_request(der: &[u8]) -> Result<CertificateRequest, Status> {
    CertificateRequest::verify(der).map_err(|error| {
        refuse(
            Code::InvalidArgument,
            "FIELD_INVALID",
            &format!("certificate_request: found {error}"),
        )
    })
}

fn unknown_join_token() -> Status {
    refuse(
        Code::Unauthenticated,
        "JOIN_TOKEN_UNKNOWN",
        "this server knows no such join token: copy it again, or ask for a new one",
    )
}

fn refuse(code: Code, reason: &str, message: &str) -> Status {
    let field = message.split_once(": ").map_or("", |(field, _)| field);
    let detail = ErrorDetail {
        reason: reason.to_owned(),
        field: if code == Code::InvalidArgument {
            field.to_owned()
        } else {
            String::new()
        },
        ..ErrorDetail::default()
    };
    Status::with_details(code, message, detail.encode_to_vec().into())
}

/// The agent asks again.
fn unavailable(error: store::Error) -> Status {
    tracing::error!(%error, "the store does not answer");
    Status::unavailable("the server's database does not answer")
}

const LARGEST: usize = 64 * 1024;
const MAX_STREAMS: u32 = 4;
/// A call and its answer, over a slow line.
pub(in crate::fleet) const CALL_CONNECTION: Duration = Duration::from_secs(60);
