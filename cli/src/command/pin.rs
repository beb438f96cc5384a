//! `keysteward pin`: PINs of issued keys.

use std::path::PathBuf;

use clap::Subcommand;
use keysteward_proto::server::v1::{self as wire, RevealPinRequest, start_operation_request::Kind};
use serde_json::json;
use zeroize::Zeroizing;

use super::{Context, life::Work, operation};
use crate::{
    connect::Server,
    failure::Result,
    output::Format,
    secret_input,
    watch::{self, Screen},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set a new PIN on a key that is at hand
    #[command(after_help = "\
PINs are asked for, or read from standard input (the current one first) or a file.

Examples:
  keysteward pin set 5a1c --ask-current-pin
  keysteward pin set 5a1c --applet piv --ask-current-pin")]
    Set {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
        /// Whose PIN, where the token has several [default: the card's, if nothing but
        /// certificates was issued to it; else that of fido2]
        #[arg(long, value_parser = ["fido2", "piv", "gids"])]
        applet: Option<String>,
        /// Ask for the current PIN; needed where the server does not hold it
        #[arg(long, conflicts_with = "current_pin_file")]
        ask_current_pin: bool,
        /// File whose first line is the current PIN; - is standard input
        #[arg(long, value_name = "FILE")]
        current_pin_file: Option<PathBuf>,
        /// File whose first line is the new PIN; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
        #[command(flatten)]
        work: Work,
    },
    /// Give the key to its user: they choose a PIN, or the one made at issue is revealed
    #[command(after_help = "\
Examples:
  keysteward pin hand-over 5a1c --reveal
  keysteward pin hand-over 5a1c --ask-new-pin")]
    HandOver {
        /// Id, an unambiguous beginning of one, or serial
        token: String,
        /// Ask for the PIN that the user chooses
        #[arg(long, conflicts_with = "new_pin_file")]
        ask_new_pin: bool,
        /// File whose first line is the PIN that the user chose; - is standard input
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
        /// Show the PIN made at issue at once; else: keysteward pin reveal OPERATION
        #[arg(long, conflicts_with_all = ["ask_new_pin", "new_pin_file", "no_wait"])]
        reveal: bool,
        #[command(flatten)]
        work: Work,
    },
    /// Show the PIN that a hand-over set free; once
    #[command(
        after_help = "Example:\n  keysteward pin reveal 0193e2a4-5b1c-7d2e-8f90-a1b2c3d4e5f6"
    )]
    Reveal {
        /// Id of the hand-over operation
        operation: String,
    },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    match command {
        Command::Set {
            token,
            applet,
            ask_current_pin,
            current_pin_file,
            new_pin_file,
            work,
        } => {
            let current_pin = if ask_current_pin || current_pin_file.is_some() {
                secret_input::required(current_pin_file.as_deref(), "current PIN")?.to_string()
            } else {
                String::new()
            };
            let new_pin = secret_input::new_secret(new_pin_file.as_deref(), "new PIN")?.to_string();
            let kind = Kind::SetPin(wire::SetPin {
                token,
                current_pin,
                new_pin,
                applet: applet.unwrap_or_default(),
            });
            work.run(kind, context).await
        }
        Command::HandOver {
            token,
            ask_new_pin,
            new_pin_file,
            reveal,
            work,
        } => {
            let new_pin = if ask_new_pin || new_pin_file.is_some() {
                secret_input::new_secret(new_pin_file.as_deref(), "new PIN")?.to_string()
            } else {
                String::new()
            };
            let kind = Kind::HandOverPin(wire::HandOverPin { token, new_pin });
            if reveal {
                run_and_reveal(work, kind, &mut context).await
            } else {
                work.run(kind, context).await
            }
        }
        Command::Reveal { operation } => {
            let pins = read_pins(&context.server().await?, &operation).await?;
            match context.output.format() {
                Format::Json => context.output.json(&json!({
                    "operation_id": operation,
                    "pin": pins.key(),
                    "card_pin": pins.card(),
                })),
                Format::Table => context.output.say(&pins.lines()),
            }
        }
    }
}

/// Does it, and shows what it set free.
pub(super) async fn run_and_reveal(
    work: Work,
    kind: Kind,
    context: &mut Context<'_>,
) -> Result<()> {
    let server = context.server().await?;
    let started = watch::start(&server, work.request(kind)).await?;
    let handed_over = watch::follow(&server, started, &work.wait, &mut Screen::new()).await?;
    let verdict = watch::verdict(&handed_over, &work.wait);
    let id = handed_over.id.clone();
    let operation = operation::Operation::from(handed_over);
    if let Err(failure) = verdict {
        context.output.show(&operation)?;
        return Err(failure);
    }
    let pins = read_pins(&server, &id).await?;
    match context.output.format() {
        Format::Json => context.output.json(&json!({
            "operation": operation,
            "pin": pins.key(),
            "card_pin": pins.card(),
        })),
        Format::Table => {
            context.output.show(&operation)?;
            context
                .output
                .say(&format!("\nPIN, shown once: {}", pins.lines().as_str()))
        }
    }
}

/// What a hand-over set free.
struct Pins {
    key: Zeroizing<String>,
    card: Zeroizing<String>,
}

impl Pins {
    fn key(&self) -> Option<&str> {
        (!self.key.is_empty()).then_some(self.key.as_str())
    }

    fn card(&self) -> Option<&str> {
        (!self.card.is_empty()).then_some(self.card.as_str())
    }

    /// The PIN; where there are two, each with what it is for.
    fn lines(&self) -> Zeroizing<String> {
        Zeroizing::new(match (self.key(), self.card()) {
            (Some(key), Some(card)) => format!("{key} (FIDO2), {card} (smart card)"),
            (one, other) => one.or(other).unwrap_or_default().to_owned(),
        })
    }
}

async fn read_pins(server: &Server, operation: &str) -> Result<Pins> {
    let request = RevealPinRequest {
        operation: operation.to_owned(),
    };
    let revealed = server.pins().reveal(request).await?.into_inner();
    Ok(Pins {
        key: Zeroizing::new(revealed.pin),
        card: Zeroizing::new(revealed.card_pin),
    })
}
