//! `keysteward --agent ADDRESS token card pin`: PIN and PUK.

use std::path::PathBuf;

use clap::Subcommand;
use keysteward_proto::agent::v1::{self as wire, PinReference, card_step::Verb};

use super::{
    Which,
    admin_key::AdminKeys,
    args::{Admin, Pin},
    change,
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::Output,
    secret_input,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Change the PIN; from standard input, the current one comes first
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token card pin change"
    )]
    Change {
        #[command(flatten)]
        which: Which,
        /// The PUK instead of the PIN
        #[arg(long)]
        puk: bool,
        /// File whose first line is the current one; - is standard input
        #[arg(long, value_name = "FILE")]
        current_pin_file: Option<PathBuf>,
        /// File whose first line is the new one; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// Set a PIN that was forgotten or blocked, with the PUK or the admin key
    #[command(after_help = "\
Examples:
  keysteward --agent /run/keysteward-agent/agent.sock token card pin unblock
  keysteward --agent /run/keysteward-agent/agent.sock token card pin unblock \\
      --admin-key-file admin.key")]
    Unblock {
        #[command(flatten)]
        which: Which,
        /// File whose first line is the PUK; - is standard input [default: ask, or standard input]
        #[arg(long, value_name = "FILE", conflicts_with = "admin_key_file")]
        puk_file: Option<PathBuf>,
        #[command(flatten)]
        admin: Admin,
        /// File whose first line is the new PIN; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
    /// Set how many tries PIN and PUK have; both are those of the factory afterwards
    #[command(after_help = "\
Example:
  keysteward --agent /run/keysteward-agent/agent.sock token card pin set-tries \\
      --tries 5 --unblock-tries 5 --admin-key-file admin.key --yes")]
    SetTries {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        admin: Admin,
        #[command(flatten)]
        pin: Pin,
        /// Wrong tries until the PIN is blocked, at most 255
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
        tries: u32,
        /// Wrong tries until the PUK is blocked, at most 255
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
        unblock_tries: u32,
        /// Do not ask whether it is meant
        #[arg(long)]
        yes: bool,
    },
    /// Use up the tries, so that the card does nothing for who finds it
    #[command(
        after_help = "Example:\n  keysteward --agent /run/keysteward-agent/agent.sock token card pin block"
    )]
    Block {
        #[command(flatten)]
        which: Which,
        /// The PUK instead of the PIN
        #[arg(long)]
        puk: bool,
    },
}

pub(super) async fn run(command: Command, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::Change {
            which,
            puk,
            current_pin_file,
            new_pin_file,
        } => {
            let name = if puk { "PUK" } else { "PIN" };
            let current =
                secret_input::required(current_pin_file.as_deref(), &format!("current {name}"))?;
            let new = secret_input::new_secret(new_pin_file.as_deref(), &format!("new {name}"))?;
            let verb = Verb::ChangeCardPin(wire::ChangeCardPin {
                reference: reference(puk),
                current_pin: current.to_string(),
                new_pin: new.to_string(),
            });
            change(
                agent,
                &which,
                AdminKeys::default(),
                "change-pin",
                verb,
                output,
            )
            .await
        }
        Command::Unblock {
            which,
            puk_file,
            admin,
            new_pin_file,
        } => {
            let keys = admin.read()?;
            let admin = keys.proof();
            let puk = match admin {
                Some(_) => String::new(),
                None => secret_input::required(puk_file.as_deref(), "PUK")?.to_string(),
            };
            let new = secret_input::new_secret(new_pin_file.as_deref(), "new PIN")?;
            let verb = Verb::SetCardPin(wire::SetCardPin {
                new_pin: new.to_string(),
                puk,
                admin,
            });
            change(agent, &which, keys, "set-pin", verb, output).await
        }
        Command::SetTries {
            which,
            admin,
            pin,
            tries,
            unblock_tries,
            yes,
        } => {
            confirm(
                "set-tries",
                "this gives the card the PIN and the PUK of its factory",
                yes,
            )?;
            let pin = pin.read()?;
            let keys = admin.read()?;
            let verb = Verb::SetPinTries(wire::SetPinTries {
                admin: keys.proof(),
                pin,
                pin_tries: tries,
                puk_tries: unblock_tries,
            });
            change(agent, &which, keys, "set-pin-tries", verb, output).await
        }
        Command::Block { which, puk } => {
            let verb = Verb::BlockCardPin(wire::BlockCardPin {
                reference: reference(puk),
            });
            change(
                agent,
                &which,
                AdminKeys::default(),
                "block-pin",
                verb,
                output,
            )
            .await
        }
    }
}

fn reference(puk: bool) -> i32 {
    match puk {
        true => PinReference::Puk.into(),
        false => PinReference::Pin.into(),
    }
}

/// A person at a terminal is asked to type `word`; a script said what it meant.
pub(super) fn confirm(word: &str, what: &str, yes: bool) -> Result<()> {
    use std::io::{self, BufRead as _, IsTerminal as _};
    if yes || !io::stdin().is_terminal() {
        return Ok(());
    }
    eprint!("{what}; type \"{word}\" to go on: ");
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(Failure::file("standard input"))?;
    if answer.trim() == word {
        return Ok(());
    }
    Err(Failure::wrong(
        "the answer",
        "something else",
        format!("{word}, or the option --yes"),
    ))
}
