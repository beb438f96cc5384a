//! What can be typed: global options, and the nouns with their verbs.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{command, output::Format};

/// Remote management of FIDO2 security keys and smart cards.
///
/// Speaks to the central server named by --server, the environment or the profile
/// (~/.config/keysteward/config.toml). With --agent ADDRESS the token verbs run straight
/// against the agent on this machine, without a server.
#[derive(Debug, Parser)]
#[command(
    name = "keysteward",
    version,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  keysteward host list --state pending
  keysteward issue --token 5a1c --user alice@example.com --template staff
  keysteward --agent /run/keysteward-agent/agent.sock token list

Exit codes:
  0  done
  1  the operation failed or was cancelled
  2  a wrong argument, field or file
  3  not found
  4  refused, or not allowed
  5  needs attention, or its outcome is unknown
  6  the server or agent cannot be reached"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection and output")]
pub(crate) struct Global {
    /// Central server, as https://HOST:PORT
    #[arg(long, global = true, env = "KEYSTEWARD_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// File that holds the API key
    #[arg(
        long,
        global = true,
        env = "KEYSTEWARD_API_KEY_FILE",
        value_name = "FILE"
    )]
    pub(crate) api_key_file: Option<PathBuf>,
    /// PEM file with the root that the server's certificate must lead to
    #[arg(
        long,
        global = true,
        env = "KEYSTEWARD_TRUSTED_ROOT",
        value_name = "FILE"
    )]
    pub(crate) trusted_root: Option<PathBuf>,
    /// Profile file [default: ~/.config/keysteward/config.toml]
    #[arg(long, global = true, env = "KEYSTEWARD_PROFILE", value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Local socket of an agent: run the token verbs there, without a server
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) agent: Option<PathBuf>,
    /// What standard output carries
    #[arg(
        long,
        global = true,
        env = "KEYSTEWARD_OUTPUT",
        value_enum,
        default_value_t
    )]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Machines that run an agent
    #[command(subcommand)]
    Host(command::host::Command),
    /// Secrets with which new hosts enrol
    #[command(subcommand)]
    JoinToken(command::join_token::Command),
    /// Security keys
    #[command(subcommand)]
    Token(command::token::Command),
    /// Smart cards
    #[command(subcommand)]
    Card(command::card::Command),
    /// How a model of key is recognised, and what it must prove
    #[command(subcommand)]
    TokenType(command::token_type::Command),
    /// People whom keys are issued to
    #[command(subcommand)]
    User(command::user::Command),
    /// Outside systems: identity providers, certification authorities
    #[command(subcommand)]
    Connection(command::connection::Command),
    /// What issuing means
    #[command(subcommand)]
    Template(command::template::Command),
    /// Issue a key to a user, or the keys of a whole file
    Issue(command::issue::Args),
    /// Durable units of work
    #[command(subcommand)]
    Operation(command::operation::Command),
    /// Put a key on hold at the identity provider
    Suspend(command::life::Suspend),
    /// Take a key off hold
    Resume(command::life::Resume),
    /// Take a key out of use for good, at hand or lost
    Revoke(command::life::Revoke),
    /// PINs of issued keys
    #[command(subcommand)]
    Pin(command::pin::Command),
    /// The record of what was done
    #[command(subcommand)]
    Audit(command::audit::Command),
    /// Secrets with which programs call the server
    #[command(subcommand)]
    ApiKey(command::api_key::Command),
    /// The server's state; with --agent, the agent's
    Status(command::status::Args),
    /// What runs after a restore from backup
    #[command(subcommand)]
    Reconciliation(command::status::Reconciliation),
    /// What an agent remembers of changes to keys (needs --agent)
    #[command(subcommand)]
    Journal(command::journal::Command),
    /// Explain the bytes of a message, byte by byte
    Decode(command::decode::Args),
    /// A completion script for your shell
    Completions(command::completions::Args),
}

#[cfg(test)]
mod tests;
