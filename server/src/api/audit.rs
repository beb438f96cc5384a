//! `server.v1.Audit`

use std::pin::Pin;

use futures::Stream;
use keysteward_proto::server::v1::{self as wire, AuditRecord, audit_record::Record, audit_server};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    Rooms,
    page::{filter, next_token, page},
};
use crate::store::{self, Page, Store, audit::Filter};

pub(super) struct Audit(pub(super) Rooms);

#[tonic::async_trait]
impl audit_server::Audit for Audit {
    async fn list(
        &self,
        request: Request<wire::ListAuditRequest>,
    ) -> Result<Response<wire::ListAuditResponse>, Status> {
        let request = request.into_inner();
        let wanted = page(request.page_size, &request.page_token)?;
        let which = Filter {
            actor: filter(request.actor),
            verb: filter(request.verb),
            object: filter(request.object),
            operation_id: filter(request.operation_id),
        };
        let mut read = self.0.store.read().await?;
        let listed = store::audit::list(&mut read, &which, wanted).await?;
        Ok(Response::new(wire::ListAuditResponse {
            next_page_token: next_token(&listed),
            entries: listed.rows.into_iter().map(to_wire).collect(),
        }))
    }

    type ExportStream = Pin<Box<dyn Stream<Item = Result<AuditRecord, Status>> + Send>>;

    async fn export(
        &self,
        request: Request<wire::ExportAuditRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let from = request.get_ref().from_seq;
        let store = self.0.store.clone();
        let (records, stream) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            if let Err(status) = send_all(&store, from, &records).await {
                // The caller may have hung up; then nobody wants to know.
                let _ = records.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// Page by page, so that a slow reader holds no snapshot of the database open. Rows never
/// change, so that pages fit together.
async fn send_all(
    store: &Store,
    from: u64,
    records: &mpsc::Sender<Result<AuditRecord, Status>>,
) -> Result<(), Status> {
    let mut after = from.saturating_sub(1);
    loop {
        let mut read = store.read().await?;
        let page = Page {
            after: Some(after),
            size: PAGE,
        };
        let listed = store::audit::list(&mut read, &Filter::default(), page).await?;
        let Some(last) = listed.rows.last().map(|row| row.seq) else {
            return Ok(());
        };
        let checkpoints = store::audit_checkpoint::between(&mut read, after + 1, last).await?;
        drop(read);
        let mut checkpoints = checkpoints.into_iter().peekable();
        for row in listed.rows {
            let seq = row.seq;
            let mut batch = vec![Record::Entry(to_wire(row))];
            while let Some(seen) = checkpoints.next_if(|seen| seen.seq <= seq) {
                batch.push(Record::Checkpoint(wire::AuditCheckpoint {
                    seq: seen.seq,
                    hash: seen.hash.to_vec(),
                    signed_at_us: seen.signed_at.0,
                    signature: seen.signature.to_vec(),
                    public_key: seen.public_key.to_vec(),
                }));
            }
            for record in batch {
                let record = AuditRecord {
                    record: Some(record),
                };
                if records.send(Ok(record)).await.is_err() {
                    return Ok(());
                }
            }
        }
        if listed.next.is_none() {
            return Ok(());
        }
        after = last;
    }
}

fn to_wire(row: store::audit::Row) -> wire::AuditEntry {
    wire::AuditEntry {
        seq: row.seq,
        at_us: row.at.0,
        actor: row.actor,
        verb: row.verb,
        object: row.object,
        operation_id: row.operation_id,
        outcome: row.outcome,
        facts: row.facts,
        prev_hash: row.prev_hash.to_vec(),
        hash: row.hash.to_vec(),
    }
}

const PAGE: u32 = 500;
const AHEAD: usize = 64;
