//! `server.v1.Operations`
mod ask;
mod tell;

use std::pin::Pin;

use futures::Stream;
use keysteward_proto::server::v1::{self as wire, OperationEvent, operations_server};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    Rooms,
    access::Scope,
    auth::{Caller, denied},
    labels::Labels,
    names,
    page::{filter, next_token, page, word},
    refusal::Refusal,
};
use crate::{
    operation::{self, Kind, Operation, Resolution, position},
    store::{self, Reads, operation::Filter, step::Attempt},
};

pub(super) struct Operations(pub(super) Rooms);

#[tonic::async_trait]
impl operations_server::Operations for Operations {
    async fn start(
        &self,
        request: Request<wire::StartOperationRequest>,
    ) -> Result<Response<wire::Operation>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        let id = match request.operation_id.as_str() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| Refusal::field("operation_id", text, "a UUID, or empty"))?,
            ),
        };
        if request.batch.chars().count() > LONGEST_BATCH || request.batch.contains(char::is_control)
        {
            let shown: String = request.batch.chars().take(LONGEST_BATCH).collect();
            return Err(Refusal::field(
                "batch",
                format!("{shown:?}"),
                "at most 128 characters, none of them a control character",
            )
            .into());
        }
        let mut read = self.0.store.read().await?;
        let ask = ask::ask(&mut read, request.kind).await?;
        drop(read);
        check_scope(&caller, ask.kind())?;
        let wanted = operation::Request {
            id,
            ask,
            batch: filter(request.batch),
            valid_for: ask::valid_for(request.valid_for_s)?,
        };
        let operation = self.0.engine.start(wanted, &caller.actor).await?;
        self.answer(operation).await
    }

    async fn get(
        &self,
        request: Request<wire::GetOperationRequest>,
    ) -> Result<Response<wire::OperationDetail>, Status> {
        let mut read = self.0.store.read().await?;
        let operation = names::operation(&mut read, &request.get_ref().operation).await?;
        let attempts = store::step::of_operation(&mut read, operation.id).await?;
        Ok(Response::new(wire::OperationDetail {
            operation: Some(to_wire(&mut read, &mut Labels::default(), operation).await?),
            attempts: attempts.into_iter().map(attempt_to_wire).collect(),
        }))
    }

    async fn list(
        &self,
        request: Request<wire::ListOperationsRequest>,
    ) -> Result<Response<wire::ListOperationsResponse>, Status> {
        let request = request.into_inner();
        let wanted = page(request.page_size, &request.page_token)?;
        let mut read = self.0.store.read().await?;
        let mut which = Filter {
            state: word("state", &request.state)?,
            kind: word("kind", &request.kind)?,
            batch: filter(request.batch),
            open: request.open,
            ..Filter::default()
        };
        if !request.token.is_empty() {
            which.token_id = Some(names::token(&mut read, &request.token).await?.id);
        }
        if !request.user.is_empty() {
            which.user_id = Some(names::user(&mut read, &request.user).await?.id);
        }
        let listed = store::operation::list(&mut read, &which, wanted).await?;
        let next_page_token = next_token(&listed);
        let mut labels = Labels::default();
        let mut operations = Vec::new();
        for operation in listed.rows {
            operations.push(to_wire(&mut read, &mut labels, operation).await?);
        }
        Ok(Response::new(wire::ListOperationsResponse {
            operations,
            next_page_token,
        }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<OperationEvent, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<wire::WatchOperationRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let mut read = self.0.store.read().await?;
        let id = names::operation(&mut read, &request.get_ref().operation)
            .await?
            .id;
        drop(read);
        let (now, watch) = self.0.engine.watch(id).await?;
        let (events, stream) = mpsc::channel(AHEAD);
        let rooms = self.0.clone();
        tokio::spawn(async move {
            let stopping = rooms.stopping.clone();
            tokio::select! {
                () = tell::tell(&rooms, now, watch, &events) => {}
                // Else a server that stops would wait for its watchers.
                () = stopping.cancelled() => {
                    let status = Status::unavailable("the server stops; watch again in a moment");
                    let _ = events.send(Err(status)).await;
                }
                () = events.closed() => {}
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn cancel(
        &self,
        request: Request<wire::CancelOperationRequest>,
    ) -> Result<Response<wire::Operation>, Status> {
        let caller = Caller::of(&request)?.clone();
        let mut read = self.0.store.read().await?;
        let operation = names::operation(&mut read, &request.get_ref().operation).await?;
        drop(read);
        check_scope(&caller, operation.kind)?;
        let operation = self.0.engine.cancel(operation.id, &caller.actor).await?;
        self.answer(operation).await
    }

    async fn resolve(
        &self,
        request: Request<wire::ResolveOperationRequest>,
    ) -> Result<Response<wire::Operation>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        let resolution = match request.resolution.as_str() {
            "retry" => Resolution::Retry,
            "done" => Resolution::Done,
            "failed" => Resolution::Failed,
            other => {
                let allowed = "retry, done (it did happen), failed (it did not)";
                return Err(Refusal::field("resolution", format!("{other:?}"), allowed).into());
            }
        };
        let mut read = self.0.store.read().await?;
        let operation = names::operation(&mut read, &request.operation).await?;
        drop(read);
        check_scope(&caller, operation.kind)?;
        let engine = &self.0.engine;
        let operation = engine
            .resolve(operation.id, resolution, &request.note, &caller.actor)
            .await?;
        self.answer(operation).await
    }
}

impl Operations {
    async fn answer(&self, operation: Operation) -> Result<Response<wire::Operation>, Status> {
        let mut read = self.0.store.read().await?;
        let operation = to_wire(&mut read, &mut Labels::default(), operation).await?;
        Ok(Response::new(operation))
    }
}

/// Who may touch PINs is asked for apart.
fn check_scope(caller: &Caller, kind: Kind) -> Result<(), Refusal> {
    let needed = match kind {
        Kind::HandOverPin | Kind::SetPin | Kind::UnblockCard => Scope::Pins,
        Kind::Issue
        | Kind::Suspend
        | Kind::Resume
        | Kind::Revoke
        | Kind::ResetToken
        | Kind::DeleteCredentials
        | Kind::RegisterCard
        | Kind::RenewCertificates
        | Kind::ReissueCertificates
        | Kind::RotatePuk
        | Kind::ChangeAdminKey
        | Kind::RefreshCard
        | Kind::Retire
        | Kind::Unregister
        | Kind::RevokeCertificates => Scope::Issue,
    };
    if caller.may(needed) {
        return Ok(());
    }
    Err(denied(caller, &[needed]))
}

async fn to_wire(
    from: &mut impl Reads,
    labels: &mut Labels,
    operation: Operation,
) -> store::Result<wire::Operation> {
    let at = position(&operation);
    let next_try_us = operation.next_try().map_or(0, |at| at.0);
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(wire::Operation {
        id: operation.id.to_string(),
        kind: operation.kind.as_str().to_owned(),
        state: operation.state.as_str().to_owned(),
        token: operation
            .token_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        user: labels.user(from, operation.user_id).await?,
        host: labels.host(from, operation.host_id).await?,
        step: at
            .step
            .map(|step| step.as_str().to_owned())
            .unwrap_or_default(),
        steps_done: narrow(at.done),
        steps_total: narrow(at.total),
        remark: operation.remark,
        next_action: operation.next_action,
        requested_by: operation.requested_by,
        batch: operation.batch.unwrap_or_default(),
        created_at_us: operation.created_at.0,
        ended_at_us: operation.ended_at.map_or(0, |at| at.0),
        deadline_us: operation.deadline.map_or(0, |at| at.0),
        next_try_us,
    })
}

fn attempt_to_wire(attempt: Attempt) -> wire::Attempt {
    wire::Attempt {
        step: attempt.step,
        attempt: attempt.attempt,
        target: attempt.target,
        state: attempt.state.as_str().to_owned(),
        error: attempt.error,
        started_at_us: attempt.started_at.0,
        ended_at_us: attempt.ended_at.map_or(0, |at| at.0),
    }
}

const LONGEST_BATCH: usize = 128;
const AHEAD: usize = 16;
