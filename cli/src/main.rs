//! `keysteward`: the operator's command line, and the first client of the server's public API.
//!
//! ```text
//! args ─> command (a file per noun) ─> connect ─> server, or agent on this machine (local)
//!                └─> output (table or JSON on standard output)
//!                └─> watch  (bar and prompts on standard error)
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod audit_verifier;
mod command;
mod connect;
mod decode;
mod duration;
mod failure;
mod local;
mod output;
mod profile;
mod secret_input;
#[cfg(test)]
mod stand_in;
mod usage;
mod watch;

use std::{
    env,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use clap::Parser as _;

use crate::{
    args::Cli,
    command::Context,
    output::{Format, Output},
    profile::Profile,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && usage::wants_json(env::args_os()) => {
            let refusal = usage::refusal(&error);
            eprintln!("{}", refusal.report().render(Format::Json, false));
            return refusal.exit().into();
        }
        Err(error) => error.exit(),
    };
    let format = cli.global.output;
    let mut stdout = io::stdout();
    let result = match Profile::resolve(&cli.global) {
        Ok(profile) => {
            let output = Output::new(format, &mut stdout);
            command::run(cli.command, Context { profile, output }).await
        }
        Err(failure) => Err(failure),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // A reader that went away (`| head`) is no failure to report.
            if !failure.is_broken_pipe() {
                let colour = io::stderr().is_terminal();
                eprintln!("{}", failure.report().render(format, colour));
            }
            failure.exit().into()
        }
    }
}
