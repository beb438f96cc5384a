//! A FIDO2 security key in software, as a process of its own: see `--help`.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cli;
mod start;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command, Reader};
use keysteward_virtual_token::front_end::socket;
#[cfg(target_os = "linux")]
use keysteward_virtual_token::front_end::uhid;
use tracing_subscriber::EnvFilter;

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .init();
    match cli {
        Cli {
            command: Some(Command::AttestationRoot(args)),
            ..
        } => {
            print!("{}", start::attestation_root(&args)?);
            Ok(())
        }
        #[cfg(target_os = "linux")]
        Cli {
            command: Some(Command::Uhid(args)),
            ..
        } => {
            let (device, identity) = start::start(&args.key)?;
            uhid::run(&device, &identity, &args.node)
        }
        Cli {
            reader: reader @ Reader { vpcd: Some(_), .. },
            key: Some(key),
            command: None,
            ..
        } => {
            start::start_card(&key, &reader)?;
            loop {
                std::thread::park();
            }
        }
        Cli {
            connect: Some(path),
            key: Some(key),
            command: None,
            ..
        } => {
            let (device, identity) = start::start(&key)?;
            socket::run(&device, &identity, &path)
        }
        // The parser asks for both where there is no command.
        Cli { command: None, .. } => Ok(Cli::command().print_help()?),
    }
}
