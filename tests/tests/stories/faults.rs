//! Nothing half done, nothing lost: everything that can fail does, before and after every step.
//!
//! A point is an operation, a step of it, a moment and a fault. At each the fault strikes, things
//! recover, the operation settles, and then the key, the store, the identity provider and the
//! audit must agree, or the operation must say why not and what to do.

mod idp;
mod token;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use keysteward_tests::site::{
    key::{Command, Make, Moment},
    list,
    process::eventually,
};
use serde_json::Value;

use crate::desk::{Desk, Held, Issuing, text};

/// What the operator asked for when the fault struck.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operation {
    Issue,
    /// With the template's forced change: `configure`.
    HandOver,
    /// With the user's own PIN: `change-pin`.
    HandOverOwnPin,
    Revoke,
}

/// Escrow, a minimum length to configure, and no forced change: the escrowed PIN stays good.
const TEMPLATE: Issuing<'static> = Issuing {
    custody: "escrow",
    more: &["--pin-minimum-length", "6"],
};

const OWN_PIN: &str = "27182818";

impl Operation {
    /// Brings the key to where the operation can begin.
    fn prepare(self, desk: &Desk, held: &Held) -> Result<()> {
        if self == Self::Issue {
            return Ok(());
        }
        desk.issue(held)?;
        if self == Self::Revoke {
            desk.reveal(held)?;
        }
        Ok(())
    }

    /// Starts it without waiting; its id.
    fn start(self, desk: &Desk, held: &Held) -> Result<String> {
        let token = held.token.as_str();
        let (arguments, input): (Vec<&str>, String) = match self {
            Self::Issue => (
                vec![
                    "issue",
                    "--token",
                    token,
                    "--user",
                    &held.user,
                    "--template",
                    &held.template,
                ],
                String::new(),
            ),
            Self::HandOver => (vec!["pin", "hand-over", token], String::new()),
            Self::HandOverOwnPin => (
                vec!["pin", "hand-over", token, "--new-pin-file", "-"],
                format!("{OWN_PIN}\n"),
            ),
            Self::Revoke => (vec!["revoke", token, "--reason", "lost"], String::new()),
        };
        let mut arguments = arguments;
        arguments.push("--no-wait");
        let said = desk.site.cli.run(&arguments, &input)?;
        ensure!(said.code == 0, "it did not start: {}", said.error);
        text(&said.output, "id")
    }
}

/// Waits until nothing more will happen by itself; the operation then.
fn settle(desk: &Desk, operation: &str) -> Result<Value> {
    eventually("the operation settles", Duration::from_secs(90), || {
        let operation = desk.site.cli.json(&["operation", "show", operation])?;
        let over = matches!(
            operation["state"].as_str(),
            Some("succeeded" | "failed" | "cancelled" | "needs-attention" | "unknown")
        );
        Ok(over.then_some(operation))
    })
}

/// Whether everybody tells the same, or the operation says why not.
fn agree(desk: &Desk, held: &Held, operation: Operation, ended: &Value) -> Result<()> {
    let state = text(ended, "state")?;
    let token = desk.token(&held.token)?;
    let at_provider = desk.site.stand_in.authenticators(&held.user)?;
    let on_key = held.key.state()?["credentials"]
        .as_array()
        .map_or(0, Vec::len);
    ensure!(
        at_provider.len() < 2,
        "{} authenticators",
        at_provider.len()
    );
    ensure!(on_key < 2, "{on_key} credentials on the key");
    match (operation, state.as_str()) {
        (Operation::Issue, "succeeded") => {
            ensure!(token["state"] == "issued", "the store says {token}");
            ensure!(on_key == 1, "{on_key} credentials on the key");
            let idp = desk.site.stand_in.state_of_only(&held.user)?;
            ensure!(idp == "pending", "the provider says {idp}");
            same_credential(&token, &at_provider[0])?;
            // The sealed PIN is the key's: it opens it.
            let pin = desk.reveal(held)?;
            let credentials = desk.credentials_on_key(held, &pin)?;
            ensure!(
                credentials.len() == 1,
                "the key tells of {}",
                credentials.len()
            );
        }
        (Operation::Issue, "failed") => {
            ensure!(token["state"] == "registered", "the store says {token}");
            ensure!(
                at_provider.is_empty(),
                "published after all: {at_provider:?}"
            );
            ensure!(
                on_key == 0 || token["needs_reset"] == true,
                "left on the key: {token}"
            );
        }
        (Operation::HandOver, "succeeded") => {
            ensure!(token["state"] == "active", "the store says {token}");
            let revealed = desk
                .site
                .cli
                .json(&["pin", "reveal", &text(ended, "id")?])?;
            let pin = text(&revealed, "pin")?;
            let refused = desk.credentials_on_key(held, &pin);
            ensure!(refused.is_err(), "the key does not demand a new PIN");
            desk.choose_pin(held, &pin, OWN_PIN)?;
            let credentials = desk.credentials_on_key(held, OWN_PIN)?;
            ensure!(
                credentials.len() == 1,
                "the key tells of {}",
                credentials.len()
            );
        }
        (Operation::HandOverOwnPin, "succeeded") => {
            ensure!(token["state"] == "active", "the store says {token}");
            let credentials = desk.credentials_on_key(held, OWN_PIN)?;
            ensure!(
                credentials.len() == 1,
                "the key tells of {}",
                credentials.len()
            );
        }
        (Operation::Revoke, "succeeded") => {
            ensure!(token["state"] == "revoked", "the store says {token}");
            ensure!(at_provider.is_empty(), "still there: {at_provider:?}");
            // A key that was out of sight is cleaned as soon as it is seen.
            eventually("the key is cleaned", Duration::from_secs(20), || {
                let on_key = held.key.state()?["credentials"]
                    .as_array()
                    .map_or(0, Vec::len);
                Ok((on_key == 0).then_some(()))
            })?;
        }
        (_, "failed") => {
            ensure!(token["state"] != "revoked", "failed, and yet {token}");
        }
        (_, "unknown" | "needs-attention") => {}
        (_, other) => bail!("it ended as {other}: {ended}"),
    }
    if state != "succeeded" {
        for reason in ["remark", "next_action"] {
            let said = ended[reason].as_str().unwrap_or_default();
            ensure!(!said.is_empty(), "{state} without {reason}: {ended}");
        }
    }
    Ok(())
}

fn same_credential(token: &Value, authenticator: &Value) -> Result<()> {
    // What was made before and deleted again stays on record.
    let credentials: Vec<Value> = list(token.clone(), "credentials")?
        .into_iter()
        .filter(|credential| credential["on_token"] != "deleted")
        .collect();
    ensure!(
        credentials.len() == 1,
        "the store has {} credentials",
        credentials.len()
    );
    let ours = text(&credentials[0], "idp_authenticator_id")?;
    let theirs = text(authenticator, "id")?;
    ensure!(
        ours == theirs,
        "the store knows {ours}, the provider {theirs}"
    );
    Ok(())
}

/// Tells one point's story; what it ended as.
fn point(
    desk: &mut Desk,
    make: Make,
    operation: Operation,
    template: Issuing<'_>,
    strike: impl FnOnce(&mut Desk, &Held, &dyn Fn(&Desk) -> Result<String>) -> Result<String>,
) -> Result<String> {
    let held = desk.hold(make, template)?;
    operation.prepare(desk, &held)?;
    let start = |desk: &Desk| operation.start(desk, &held);
    let id = strike(desk, &held, &start)?;
    let ended = settle(desk, &id)?;
    agree(desk, &held, operation, &ended).with_context(|| format!("after {ended}"))?;
    // The next point has the host to itself.
    held.key.unplug()?;
    text(&ended, "state")
}

/// Every point of one kind, and what each ended as; fails with all that went wrong.
#[derive(Default)]
struct Tally {
    told: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn tell(&mut self, name: &str, ended: Result<String>) {
        match ended {
            Ok(state) => self.told.push(format!("{name:<60} {state}")),
            Err(error) => self.wrong.push(format!("{name}: {error:#}")),
        }
    }

    fn finish(self, mut desk: Desk) {
        for line in &self.told {
            println!("{line}");
        }
        if !self.wrong.is_empty() {
            desk.site.keep();
            println!(
                "databases and logs stay in {}",
                desk.site.folder().display()
            );
        }
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n\n"));
        desk.verify_audit().unwrap();
        // To fail with a reason is allowed, and seldom necessary.
        let succeeded = self
            .told
            .iter()
            .filter(|line| line.ends_with("succeeded"))
            .count();
        assert!(
            succeeded * 4 >= self.told.len() * 3,
            "fewer than three quarters succeeded:\n{}",
            self.told.join("\n")
        );
    }
}

/// Where a step reaches the key.
const fn command(name: &'static str, subcommand: Option<u8>) -> Command {
    Command { name, subcommand }
}

const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];
