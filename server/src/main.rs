//! `keysteward-server`: the central server.

#![forbid(unsafe_code)]

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use keysteward_server::{
    backup,
    command::{init, run, status},
    settings::{DEFAULT_PATH, Settings},
    store::Clock,
    telemetry,
};
use serde::Serialize;

/// The central server of Keysteward.
#[derive(Parser)]
#[command(name = "keysteward-server", version)]
struct Cli {
    /// Settings file, TOML
    #[arg(long, global = true, env = "KEYSTEWARD_SERVER_SETTINGS", default_value = DEFAULT_PATH, value_name = "FILE")]
    settings: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make database, master key, certification authority and a first API key
    Init,
    /// Serve until SIGTERM
    Run,
    /// Write everything into one sealed file, while the server works
    Backup {
        /// New file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Put the master key inside: then this file alone opens every secret
        #[arg(long)]
        with_master_key: bool,
    },
    /// Put a backup in place of a database that is not there
    Restore {
        /// A file that `backup` wrote
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// What the database says, whether the server runs or not
    Status,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(cli: Cli) -> anyhow::Result<()> {
    let settings = Settings::load(&cli.settings)?;
    telemetry::start_log(&settings.log)?;
    let clock = Clock::system();
    match cli.command {
        Command::Init => print(&init::init(&settings, clock).await?),
        Command::Run => run::run(&settings, clock).await,
        Command::Backup {
            to,
            with_master_key,
        } => print(&backup::create(&settings, &to, with_master_key, clock.now()).await?),
        Command::Restore { from } => print(&backup::restore(&settings, &from, clock.now()).await?),
        Command::Status => print(&status::status(&settings).await?),
    }
}

/// One JSON document on standard output.
fn print(facts: &impl Serialize) -> anyhow::Result<()> {
    writeln!(
        std::io::stdout(),
        "{}",
        serde_json::to_string_pretty(facts)?
    )?;
    Ok(())
}
