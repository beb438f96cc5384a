//! A person at a browser: signs in at the STA stand-in with a key, or activates
//! a pending authenticator.
//!
//! The PIN is the first line of standard input; a password, where asked for,
//! the second. The outcome is one line of JSON. Exits 0 when it went well, 1
//! when the site or the key refused, 2 when something does not work.

#![forbid(unsafe_code)]

use anyhow::{Context, anyhow};
use clap::{Args, Parser, Subcommand};
use keysteward_core::pin_protocol::Pin;
use keysteward_tests::browser::{Browser, Ended, Identification, Person};
use serde_json::json;
use std::{fs, io, path::PathBuf, process::ExitCode};

#[derive(Debug, Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Sign in.
    SignIn(Who),
    /// Activate the pending authenticator.
    Activate {
        #[command(flatten)]
        who: Who,
        /// Show who you are by the password, not by the mailed code.
        #[arg(long)]
        with_password: bool,
        /// What to call the authenticator from now on.
        #[arg(long)]
        nickname: Option<String>,
    },
}

#[derive(Args, Debug)]
struct Who {
    /// The stand-in's `url`.
    #[arg(long)]
    url: String,
    /// The stand-in's `root`.
    #[arg(long)]
    root: PathBuf,
    #[arg(long)]
    user: String,
    /// The socket on which the key listens.
    #[arg(long)]
    key: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(Ended::Well { authenticator_id }) => {
            println!(
                "{}",
                json!({ "ok": true, "authenticator_id": authenticator_id })
            );
            ExitCode::SUCCESS
        }
        Ok(Ended::RefusedBySite { reason }) => {
            println!(
                "{}",
                json!({ "ok": false, "refused_by": "site", "reason": reason })
            );
            ExitCode::from(1)
        }
        Ok(Ended::DeclinedByKey(declined)) => {
            let reason = declined.to_string();
            println!(
                "{}",
                json!({ "ok": false, "refused_by": "key", "reason": reason })
            );
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    match arguments.action {
        Action::SignIn(who) => {
            let (browser, person) = who.sit_down()?;
            browser.sign_in(&person).await
        }
        Action::Activate {
            who,
            with_password,
            nickname,
        } => {
            let (browser, person) = who.sit_down()?;
            let identification = match with_password {
                true => Identification::Password(line("the password")?),
                false => Identification::MailedCode,
            };
            browser
                .activate(&person, &identification, nickname.as_deref())
                .await
        }
    }
}

impl Who {
    fn sit_down(self) -> anyhow::Result<(Browser, Person)> {
        let root = fs::read_to_string(&self.root)
            .with_context(|| format!("cannot read {}", self.root.display()))?;
        let person = Person {
            user_name: self.user,
            key: self.key,
            pin: Pin::new(&line("the PIN")?).map_err(|error| anyhow!("{error}"))?,
        };
        Ok((Browser::new(&self.url, &root)?, person))
    }
}

fn line(what: &str) -> anyhow::Result<String> {
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Err(anyhow!("standard input ends before {what}"));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
