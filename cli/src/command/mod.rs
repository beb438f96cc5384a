//! A file per noun: what can be typed, what is called, what is shown.

pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod card;
pub(crate) mod completions;
pub(crate) mod connection;
pub(crate) mod decode;
pub(crate) mod host;
pub(crate) mod issue;
pub(crate) mod join_token;
pub(crate) mod journal;
pub(crate) mod life;
pub(crate) mod operation;
pub(crate) mod pin;
pub(crate) mod status;
pub(crate) mod template;
pub(crate) mod token;
pub(crate) mod token_type;
pub(crate) mod user;

mod page;
pub(crate) mod secret_file;

use crate::{
    args::Command,
    connect::{Agent, Server},
    failure::{Failure, Result},
    output::{Format, Output},
    profile::Profile,
};

/// What every command has at hand.
pub(crate) struct Context<'a> {
    pub(crate) profile: Profile,
    pub(crate) output: Output<'a>,
}

impl Context<'_> {
    /// The central server, for what only it can do.
    pub(crate) async fn server(&self) -> Result<Server> {
        if let Some(agent) = &self.profile.agent {
            return Err(Failure::wrong(
                "--agent",
                agent.display().to_string(),
                "token, journal, status and audit witness; leave it out to work through the server",
            ));
        }
        Server::connect(&self.profile).await
    }

    /// The agent at this machine, when `--agent` asks for it.
    pub(crate) async fn agent(&self) -> Result<Option<Agent>> {
        match &self.profile.agent {
            Some(path) => Agent::connect(path).await.map(Some),
            None => Ok(None),
        }
    }

    /// The agent, for what no server can do.
    pub(crate) async fn need_agent(&self) -> Result<Agent> {
        self.agent().await?.ok_or_else(|| {
            Failure::wrong("--agent", "nothing", "the path of an agent's local socket")
        })
    }
}

impl Context<'_> {
    /// `{"deleted": {KIND: NAME}}`, or a sentence.
    fn deleted(&mut self, kind: &str, name: &str) -> Result<()> {
        if self.output.format() == Format::Json {
            return self
                .output
                .json(&serde_json::json!({ "deleted": { kind: name } }));
        }
        self.output
            .say(&format!("deleted {} {name}", kind.replace('_', " ")))
    }
}

pub(crate) async fn run(command: Command, context: Context<'_>) -> Result<()> {
    match command {
        Command::Host(c) => host::run(c, context).await,
        Command::JoinToken(c) => join_token::run(c, context).await,
        Command::Card(c) => card::run(c, context).await,
        Command::Token(c) => token::run(c, context).await,
        Command::TokenType(c) => token_type::run(c, context).await,
        Command::User(c) => user::run(c, context).await,
        Command::Connection(c) => connection::run(c, context).await,
        Command::Template(c) => template::run(c, context).await,
        Command::Issue(a) => issue::run(a, context).await,
        Command::Operation(c) => operation::run(c, context).await,
        Command::Suspend(a) => life::suspend(a, context).await,
        Command::Resume(a) => life::resume(a, context).await,
        Command::Revoke(a) => life::revoke(a, context).await,
        Command::Pin(c) => pin::run(c, context).await,
        Command::Audit(c) => audit::run(c, context).await,
        Command::ApiKey(c) => api_key::run(c, context).await,
        Command::Status(a) => status::run(a, context).await,
        Command::Reconciliation(c) => status::reconciliation(c, context).await,
        Command::Journal(c) => journal::run(c, context).await,
        Command::Decode(a) => decode::run(&a, context),
        Command::Completions(a) => completions::run(&a, context),
    }
}

#[cfg(test)]
mod tests;
