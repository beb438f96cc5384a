//! `server.v1.System`

use keysteward_proto::server::v1::{self as wire, system_server};
use serde_json::json;
use tonic::{Code, Request, Response, Status};

use super::{Rooms, auth::Caller, record::record, refusal::Refusal};
use crate::store::{self, Reads};

pub(super) struct System(pub(super) Rooms);

#[tonic::async_trait]
impl system_server::System for System {
    async fn get_status(
        &self,
        _: Request<wire::GetStatusRequest>,
    ) -> Result<Response<wire::Status>, Status> {
        let mut read = self.0.store.read().await?;
        Ok(Response::new(self.status(&mut read).await?))
    }

    async fn end_reconciliation(
        &self,
        request: Request<wire::EndReconciliationRequest>,
    ) -> Result<Response<wire::Status>, Status> {
        let caller = Caller::of(&request)?.clone();
        let reason = request.into_inner().reason;
        if reason.trim().is_empty() {
            return Err(Refusal::field("reason", "empty", "why these hosts are given up").into());
        }
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let before = self.status(&mut tx).await?;
        if !before.reconciling {
            return Err(Refusal::new(
                Code::FailedPrecondition,
                "NOT_RECONCILING",
                "no reconciliation is under way",
            )
            .into());
        }
        store::server::set_reconcile_since(&mut tx, None).await?;
        let facts = [
            ("reason", json!(reason)),
            ("hosts_given_up", json!(before.hosts_to_reconcile)),
        ];
        record(
            &mut tx,
            &caller,
            now,
            "reconciliation.end",
            "server".into(),
            facts,
        )
        .await?;
        let after = self.status(&mut tx).await?;
        tx.commit().await?;
        Ok(Response::new(after))
    }
}

impl System {
    async fn status(&self, from: &mut impl Reads) -> store::Result<wire::Status> {
        let server = store::server::get(from).await?;
        let since = server.and_then(|server| server.reconcile_since);
        let waited_for = match since {
            Some(since) => store::host::not_reconciled(from, since).await?,
            None => Vec::new(),
        };
        let (operations_open, operations_unknown) = store::operation::count_open(from).await?;
        let checkpoint = store::audit_checkpoint::newest(from).await?;
        Ok(wire::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            server_id: server
                .map(|server| server.id.to_string())
                .unwrap_or_default(),
            hosts_linked: narrow(self.0.fleet.linked_hosts().len() as u64),
            hosts_enrolled: narrow(store::host::count(from, store::host::State::Enrolled).await?),
            operations_open: narrow(operations_open),
            operations_unknown: narrow(operations_unknown),
            audit_entries: store::audit::head(from).await?.map_or(0, |(seq, _)| seq),
            audit_checkpoint: checkpoint.map_or(0, |checkpoint| checkpoint.seq),
            reconciling: since.is_some(),
            hosts_to_reconcile: waited_for.into_iter().map(|host| host.hostname).collect(),
        })
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
