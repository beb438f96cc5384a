//! `keysteward operation`: durable units of work.

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, CancelOperationRequest, GetOperationRequest, ListOperationsRequest,
    ResolveOperationRequest,
};
use serde::Serialize;

use super::{Context, page::Page};
use crate::{
    connect::Server,
    failure::{Failure, Result},
    output::{View, some, time},
    watch::{self, Screen, Wait},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Operations, ended or not
    #[command(after_help = "Example:\n  keysteward operation list --state needs-attention")]
    List {
        /// running, waiting, succeeded, failed, cancelled, needs-attention or unknown
        #[arg(long)]
        state: Option<String>,
        /// issue, hand-over-pin, suspend, resume, revoke, set-pin, reset-token or delete-credentials
        #[arg(long)]
        kind: Option<String>,
        #[arg(long)]
        token: Option<String>,
        #[arg(long)]
        user: Option<String>,
        /// Rows of one `issue --from FILE`
        #[arg(long)]
        batch: Option<String>,
        /// Only those that have not ended
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        page: Page,
    },
    /// One operation, with every attempt of its steps
    #[command(
        after_help = "Example:\n  keysteward operation show 0193e2a4-5b1c-7d2e-8f90-a1b2c3d4e5f6"
    )]
    Show { operation: String },
    /// Follow one until it ends
    #[command(
        after_help = "Example:\n  keysteward operation watch 0193e2a4-5b1c-7d2e-8f90-a1b2c3d4e5f6"
    )]
    Watch {
        operation: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop one where it can still be stopped; what was done is undone or shown
    #[command(
        after_help = "Example:\n  keysteward operation cancel 0193e2a4-5b1c-7d2e-8f90-a1b2c3d4e5f6"
    )]
    Cancel { operation: String },
    /// Settle what only a person can know
    #[command(after_help = "\
Example:
  keysteward operation resolve 0193e2a4-5b1c-7d2e-8f90-a1b2c3d4e5f6 retry --note 'IdP is back'")]
    Resolve {
        operation: String,
        /// retry; done: it did happen; failed: it did not
        #[arg(value_parser = ["retry", "done", "failed"])]
        resolution: String,
        /// Kept in the audit record
        #[arg(long, default_value = "")]
        note: String,
    },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    let server = context.server().await?;
    let mut operations = server.operations();
    match command {
        Command::List {
            state,
            kind,
            token,
            user,
            batch,
            open,
            page,
        } => {
            let filter = ListOperationsRequest {
                page_size: 0,
                page_token: String::new(),
                state: state.unwrap_or_default(),
                kind: kind.unwrap_or_default(),
                token: token.unwrap_or_default(),
                user: user.unwrap_or_default(),
                batch: batch.unwrap_or_default(),
                open,
            };
            let (rows, next) = page
                .collect(|page_size, page_token| {
                    let request = ListOperationsRequest {
                        page_size,
                        page_token,
                        ..filter.clone()
                    };
                    let mut operations = server.operations();
                    async move { operations.list(request).await }
                })
                .await?;
            let rows: Vec<Operation> = rows.into_iter().map(Operation::from).collect();
            context.output.list("operations", &rows, next.as_deref())
        }
        Command::Show { operation } => {
            let answer = operations
                .get(GetOperationRequest { operation })
                .await?
                .into_inner();
            let detail = Detail {
                operation: known(answer.operation)?.into(),
                attempts: answer.attempts.into_iter().map(Attempt::from).collect(),
            };
            context.output.show(&detail)?;
            context.output.section("attempts", &detail.attempts)
        }
        Command::Watch { operation, wait } => {
            let answer = operations
                .get(GetOperationRequest { operation })
                .await?
                .into_inner();
            conclude(&mut context, &server, known(answer.operation)?, &wait).await
        }
        Command::Cancel { operation } => {
            let answer = operations
                .cancel(CancelOperationRequest { operation })
                .await?;
            context.output.show(&Operation::from(answer.into_inner()))
        }
        Command::Resolve {
            operation,
            resolution,
            note,
        } => {
            let request = ResolveOperationRequest {
                operation,
                resolution,
                note,
            };
            let answer = operations.resolve(request).await?;
            context.output.show(&Operation::from(answer.into_inner()))
        }
    }
}

/// Starts an operation, follows it, shows it, and lets its end decide the exit code.
pub(super) async fn start(
    context: &mut Context<'_>,
    request: wire::StartOperationRequest,
    wait: &Wait,
) -> Result<()> {
    let server = context.server().await?;
    let operation = watch::start(&server, request).await?;
    conclude(context, &server, operation, wait).await
}

async fn conclude(
    context: &mut Context<'_>,
    server: &Server,
    operation: wire::Operation,
    wait: &Wait,
) -> Result<()> {
    let operation = watch::follow(server, operation, wait, &mut Screen::new()).await?;
    let verdict = watch::verdict(&operation, wait);
    context.output.show(&Operation::from(operation))?;
    verdict
}

fn known(operation: Option<wire::Operation>) -> Result<wire::Operation> {
    operation.ok_or(Failure::Answer("it lacks the operation"))
}

#[derive(Debug, Serialize)]
pub(crate) struct Operation {
    id: String,
    kind: String,
    state: String,
    token: Option<String>,
    user: Option<String>,
    host: Option<String>,
    step: Option<String>,
    steps_done: u32,
    steps_total: u32,
    remark: Option<String>,
    next_action: Option<String>,
    requested_by: String,
    batch: Option<String>,
    created_at: Option<String>,
    ended_at: Option<String>,
    deadline: Option<String>,
    next_try: Option<String>,
}

impl View for Operation {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "kind",
        "state",
        "token",
        "user",
        "step",
        "remark",
        "created_at",
    ];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "kind",
        "state",
        "token",
        "user",
        "host",
        "step",
        "steps_done",
        "steps_total",
        "remark",
        "next_action",
        "requested_by",
        "batch",
        "created_at",
        "ended_at",
        "deadline",
        "next_try",
    ];
}

impl From<wire::Operation> for Operation {
    fn from(operation: wire::Operation) -> Self {
        Self {
            id: operation.id,
            kind: operation.kind,
            state: operation.state,
            token: some(operation.token),
            user: some(operation.user),
            host: some(operation.host),
            step: some(operation.step),
            steps_done: operation.steps_done,
            steps_total: operation.steps_total,
            remark: some(operation.remark),
            next_action: some(operation.next_action),
            requested_by: operation.requested_by,
            batch: some(operation.batch),
            created_at: time(operation.created_at_us),
            ended_at: time(operation.ended_at_us),
            deadline: time(operation.deadline_us),
            next_try: time(operation.next_try_us),
        }
    }
}

#[derive(Debug, Serialize)]
struct Detail {
    #[serde(flatten)]
    operation: Operation,
    attempts: Vec<Attempt>,
}

impl View for Detail {
    const COLUMNS: &'static [&'static str] = Operation::FIELDS;
}

#[derive(Debug, Serialize)]
pub(super) struct Attempt {
    step: String,
    attempt: u32,
    target: String,
    state: String,
    error: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
}

impl View for Attempt {
    const COLUMNS: &'static [&'static str] = &[
        "step",
        "attempt",
        "target",
        "state",
        "error",
        "started_at",
        "ended_at",
    ];
}

impl From<wire::Attempt> for Attempt {
    fn from(attempt: wire::Attempt) -> Self {
        Self {
            step: attempt.step,
            attempt: attempt.attempt,
            target: attempt.target,
            state: attempt.state,
            error: some(attempt.error),
            started_at: time(attempt.started_at_us),
            ended_at: time(attempt.ended_at_us),
        }
    }
}
