//! `keysteward token`: security keys, as the server knows them or as an agent sees them.

mod view;

use clap::Subcommand;
use keysteward_proto::server::v1::{
    self as wire, GetTokenRequest, ListTokensRequest, RegisterTokenRequest,
    start_operation_request::Kind,
};

use self::view::Detail;
pub(super) use self::view::Token;
#[cfg(test)]
pub(super) use self::view::{Change, Credential};
use super::{Context, life::Work, page::Page};
use crate::{
    failure::{Failure, Result},
    local,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Keys that the server knows; with --agent, keys plugged in at this machine
    #[command(after_help = "\
Examples:
  keysteward token list --state issued --present true
  keysteward --agent /run/keysteward-agent/agent.sock token list")]
    List(Box<List>),
    /// One key: its life, credentials and facts
    #[command(after_help = "Example:\n  keysteward token show 5a1c")]
    Show {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
    },
    /// Make a key known whose type is registered by hand
    #[command(after_help = "Example:\n  keysteward token register 5a1c")]
    Register {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
    },
    /// Take everything off a key: credentials, PIN, settings
    #[command(after_help = "\
Somebody at the key unplugs it, plugs it in and touches it when told to.

Example:
  keysteward token reset 5a1c")]
    Reset {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
        /// Do not ask whether it is meant
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        work: Work,
    },
    /// Keys coming and going at this machine (needs --agent)
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token watch"
    )]
    Watch,
    /// What an administrator does to a FIDO2 key at this machine (needs --agent)
    #[command(subcommand)]
    Fido(local::fido::Command),
    /// What an administrator does to a smart card at this machine (needs --agent)
    #[command(subcommand)]
    Card(local::card::Command),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// unregistered, registered, issued, active, suspended, revoked or retired
    #[arg(long)]
    state: Option<String>,
    #[arg(long)]
    user: Option<String>,
    #[arg(long)]
    host: Option<String>,
    #[arg(long)]
    token_type: Option<String>,
    /// Only keys that are plugged in somewhere (true) or nowhere (false)
    #[arg(long, value_name = "BOOL")]
    present: Option<bool>,
    #[command(flatten)]
    page: Page,
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    match command {
        Command::List(args) => match context.agent().await? {
            Some(agent) => local::token::list(&agent, &mut context.output).await,
            None => list(*args, context).await,
        },
        Command::Show { token } => match context.agent().await? {
            Some(agent) => local::token::show(&agent, &token, &mut context.output).await,
            None => show(token, context).await,
        },
        Command::Register { token } => {
            let mut tokens = context.server().await?.tokens();
            let token = tokens
                .register(RegisterTokenRequest { token })
                .await?
                .into_inner();
            context.output.show(&Token::from(token))
        }
        Command::Reset { token, yes, work } => {
            confirm_reset(&token, yes)?;
            match context.agent().await? {
                Some(agent) => local::token::reset(&agent, &token, &mut context.output).await,
                None => {
                    work.run(Kind::ResetToken(wire::ResetToken { token }), context)
                        .await
                }
            }
        }
        Command::Watch => {
            let agent = context.need_agent().await?;
            local::token::watch(&agent, &mut context.output).await
        }
        Command::Fido(command) => {
            let agent = context.need_agent().await?;
            local::fido::run(command, &agent, &mut context.output).await
        }
        Command::Card(command) => {
            let agent = context.need_agent().await?;
            local::card::run(command, &agent, &mut context.output).await
        }
    }
}

/// A person at a terminal is asked; a script said what it meant.
fn confirm_reset(token: &str, yes: bool) -> Result<()> {
    use std::io::{self, BufRead as _, IsTerminal as _};
    if yes || !io::stdin().is_terminal() {
        return Ok(());
    }
    eprint!("this takes every credential off {token}; type \"reset\" to go on: ");
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(Failure::file("standard input"))?;
    if answer.trim() == "reset" {
        Ok(())
    } else {
        Err(Failure::wrong(
            "the answer",
            "something else",
            "reset, or the option --yes",
        ))
    }
}

async fn list(args: List, mut context: Context<'_>) -> Result<()> {
    let server = context.server().await?;
    let filter = ListTokensRequest {
        page_size: 0,
        page_token: String::new(),
        state: args.state.unwrap_or_default(),
        user: args.user.unwrap_or_default(),
        host: args.host.unwrap_or_default(),
        token_type: args.token_type.unwrap_or_default(),
        present: args.present,
    };
    let (rows, next) = args
        .page
        .collect(|page_size, page_token| {
            let request = ListTokensRequest {
                page_size,
                page_token,
                ..filter.clone()
            };
            let mut tokens = server.tokens();
            async move { tokens.list(request).await }
        })
        .await?;
    let rows: Vec<Token> = rows.into_iter().map(Token::from).collect();
    context.output.list("tokens", &rows, next.as_deref())
}

async fn show(token: String, mut context: Context<'_>) -> Result<()> {
    let mut tokens = context.server().await?.tokens();
    let detail = tokens.get(GetTokenRequest { token }).await?.into_inner();
    let detail = Detail::try_from(detail)?;
    context.output.show(&detail)?;
    context
        .output
        .section("credentials", detail.credentials())?;
    context.output.section("history", detail.history())?;
    context.output.section("facts", &detail.told())
}
