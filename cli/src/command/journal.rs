//! `keysteward --agent ADDRESS journal`: what an agent remembers of changes to keys.

use clap::Subcommand;
use keysteward_proto::agent::v1::{self as wire, ListOutcomesRequest, outcome::State};
use serde::Serialize;

use super::Context;
use crate::{
    failure::Result,
    output::{View, some, time},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Attempts and how they ended
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock journal list"
    )]
    List {
        /// Those that the server has acknowledged, too
        #[arg(long)]
        all: bool,
    },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    let Command::List { all } = command;
    let mut journal = context.need_agent().await?.journal();
    let answer = journal
        .list_outcomes(ListOutcomesRequest { all })
        .await?
        .into_inner();
    let rows: Vec<Outcome> = answer.outcomes.into_iter().map(Outcome::from).collect();
    context.output.list("outcomes", &rows, None)
}

#[derive(Debug, Serialize)]
struct Outcome {
    operation_id: String,
    step: String,
    attempt: u32,
    verb: String,
    state: &'static str,
    presence_id: String,
    serial: Option<String>,
    caller: Option<String>,
    error: Option<String>,
    explanation: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
}

impl View for Outcome {
    const COLUMNS: &'static [&'static str] = &[
        "operation_id",
        "step",
        "attempt",
        "verb",
        "caller",
        "state",
        "error",
        "explanation",
        "started_at",
    ];
}

impl From<wire::Outcome> for Outcome {
    fn from(outcome: wire::Outcome) -> Self {
        let state = match outcome.state() {
            State::Unspecified => "unspecified",
            State::NotFound => "not-found",
            State::Started => "started",
            State::Done => "done",
            State::Failed => "failed",
            State::Unknown => "unknown",
        };
        let key = outcome.key.unwrap_or_default();
        Self {
            operation_id: key.operation_id,
            step: key.step,
            attempt: key.attempt,
            verb: outcome.verb,
            state,
            presence_id: outcome.presence_id,
            serial: some(outcome.serial),
            caller: some(outcome.caller),
            error: outcome.error.map(|error| error.message),
            explanation: some(outcome.explanation),
            started_at: time(outcome.started_at_us),
            ended_at: time(outcome.ended_at_us),
        }
    }
}
