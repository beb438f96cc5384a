//! `keysteward-agent`: `run`, `enrol`, `status`.

#![forbid(unsafe_code)]

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use keysteward_agent::{
    service::{self, enrol::Enrol, status},
    settings::{DEFAULT_PATH, Settings},
};

/// Serves the security keys plugged into this host to its administrator.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// The settings file
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH, global = true)]
    settings: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent, in the foreground or as a service
    Run,
    /// Make this host known to a server, with a join token
    Enrol(Enrol),
    /// Show how the agent stands; exit code 0 when it is linked, 3 when not
    Status {
        #[arg(long, value_enum, default_value_t)]
        output: status::Output,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("keysteward-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    #[cfg(windows)]
    if matches!(arguments.command, Command::Run)
        && service::windows::dispatch(arguments.settings.clone())?
    {
        return Ok(ExitCode::SUCCESS);
    }
    let settings = Settings::load(&arguments.settings)?;
    let runtime = service::runtime()?;
    match arguments.command {
        Command::Run => {
            service::start_log(settings.log);
            runtime.block_on(service::run_until_signal(&settings))?;
        }
        Command::Enrol(command) => runtime.block_on(service::enrol::run(&settings, command))?,
        Command::Status { output } => {
            if !runtime.block_on(status::run(&settings, output))? {
                return Ok(ExitCode::from(3));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
