//! `Host`: who this is, what it can do, what is unsettled.

use std::sync::Arc;

use keysteward_proto::agent::v1::{
    AuditCheckpoint, GetHealthRequest, GetHealthResponse, HelloRequest, HelloResponse, HostFacts,
    host_server::Host,
};
use tonic::{Request, Response, Status};

use super::{
    caller::Caller,
    journal::{Page, page},
    refusal,
};
use crate::{
    journal::{Checkpoint, Journal},
    settings::Policy,
    token::Inventory,
    uplink_state::UplinkState,
};

/// What this agent can do, by name.
const CAPABILITIES: &[&str] = &[
    "fido.lease",
    "fido.raw",
    "fido.reset",
    "journal.v1",
    "card.lease",
    "card.raw",
    "card.reset",
];

/// Serves `Host`.
#[derive(Clone, Debug)]
pub(crate) struct HostService {
    pub(crate) journal: Arc<Journal>,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) uplink: UplinkState,
    pub(crate) policy: Arc<Policy>,
    pub(crate) boot_id: Arc<str>,
    pub(crate) started_at_us: i64,
}

#[tonic::async_trait]
impl Host for HostService {
    async fn hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let witness = match (request.checkpoint, caller) {
            (Some(_), Caller::Local { .. }) => return Err(refusal::server_only("checkpoint")),
            (Some(seen), Caller::Server) => self.see_checkpoint(checkpoint(seen)).await?,
            (None, _) => self.journal.witness().map_err(refusal::journal)?,
        };
        let records = self.journal.list(false).map_err(refusal::journal)?;
        let Page { outcomes, .. } = page(records);
        Ok(Response::new(HelloResponse {
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            boot_id: self.boot_id.to_string(),
            link_epoch: self.journal.link_epoch().map_err(refusal::journal)?,
            facts: Some(facts()),
            capabilities: CAPABILITIES.iter().map(|name| (*name).to_owned()).collect(),
            unacknowledged: outcomes,
            witness: witness.map(from_checkpoint),
            forbidden_verbs: self
                .policy
                .forbidden_verbs()
                .map(|verb| verb.to_string())
                .collect(),
        }))
    }

    async fn get_health(
        &self,
        _request: Request<GetHealthRequest>,
    ) -> Result<Response<GetHealthResponse>, Status> {
        let (entries, unsettled) = self.journal.counts().map_err(refusal::journal)?;
        let standing = self.uplink.standing();
        Ok(Response::new(GetHealthResponse {
            started_at_us: self.started_at_us,
            tokens: count(self.inventory.list().len()),
            journal_unsettled: count(unsettled),
            journal_entries: u32::try_from(entries).unwrap_or(u32::MAX),
            certificate_expires_at_us: standing.certificate_expires_at_us,
            uplink: standing.phase.as_str().to_owned(),
        }))
    }
}

impl HostService {
    async fn see_checkpoint(&self, seen: Checkpoint) -> Result<Option<Checkpoint>, Status> {
        let journal = Arc::clone(&self.journal);
        tokio::task::spawn_blocking(move || journal.see_checkpoint(&seen))
            .await
            .map_err(|_| refusal::internal("the checkpoint was not kept"))?
            .map_err(refusal::journal)
    }
}

/// What this machine is, read anew each time: names change.
pub(crate) fn facts() -> HostFacts {
    HostFacts {
        hostname: hostname(),
        os: std::env::consts::OS.to_owned(),
        os_version: os_version(),
        machine_id: machine_id(),
        architecture: std::env::consts::ARCH.to_owned(),
    }
}

/// The name that people know this machine by.
#[cfg(unix)]
pub(super) fn hostname() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(not(unix))]
pub(super) fn hostname() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// PRETTY_NAME of os-release(5), which exists on Linux alone.
fn os_version() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map(|value| value.trim_matches('"').to_owned())
        .unwrap_or_default()
}

/// machine-id(5); empty where there is none.
fn machine_id() -> String {
    std::fs::read_to_string("/etc/machine-id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

fn checkpoint(proto: AuditCheckpoint) -> Checkpoint {
    Checkpoint {
        stream: proto.stream,
        sequence: proto.sequence,
        hash: proto.hash,
        signed_at_us: proto.signed_at_us,
        signature: proto.signature,
        public_key: proto.public_key,
    }
}

fn from_checkpoint(kept: Checkpoint) -> AuditCheckpoint {
    AuditCheckpoint {
        stream: kept.stream,
        sequence: kept.sequence,
        hash: kept.hash,
        signed_at_us: kept.signed_at_us,
        signature: kept.signature,
        public_key: kept.public_key,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(folder: &std::path::Path) -> HostService {
        let journal = Journal::open(folder).unwrap();
        HostService {
            journal: Arc::clone(&journal),
            inventory: Inventory::new(&mut rand::rngs::OsRng),
            uplink: UplinkState::new(journal),
            policy: Arc::default(),
            boot_id: "boot".into(),
            started_at_us: 1,
        }
    }

    fn from_server(sequence: u64) -> Request<HelloRequest> {
        Request::new(HelloRequest {
            checkpoint: Some(AuditCheckpoint {
                stream: "audit".to_owned(),
                sequence,
                ..AuditCheckpoint::default()
            }),
            ..HelloRequest::default()
        })
    }

    #[tokio::test]
    async fn a_server_hears_what_it_showed_before() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path());
        let witness = async |sequence| {
            let said = service.hello(from_server(sequence)).await.unwrap();
            said.into_inner().witness.map(|kept| kept.sequence)
        };
        assert_eq!(witness(5).await, None);
        assert_eq!(witness(6).await, Some(5));
        assert_eq!(witness(3).await, Some(6), "going back shows");
        assert_eq!(witness(7).await, Some(6));
    }

    #[tokio::test]
    async fn health_and_hello_tell_how_the_uplink_stands() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path());
        let uplink = service.uplink.clone();
        uplink.dialling();
        assert_eq!(uplink.standing().phase.as_str(), "dialling");
        uplink.certificate_expires(77);
        assert_eq!(uplink.linked().unwrap(), 1);
        let health = service
            .get_health(Request::new(GetHealthRequest {}))
            .await
            .unwrap();
        let health = health.into_inner();
        assert_eq!(
            (health.uplink.as_str(), health.certificate_expires_at_us),
            ("linked", 77)
        );
        let said = service
            .hello(Request::new(HelloRequest::default()))
            .await
            .unwrap();
        assert_eq!(said.into_inner().link_epoch, 1);
    }
}
