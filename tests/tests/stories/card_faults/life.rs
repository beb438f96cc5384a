//! The life of a card as operations, and what has to hold after each of them: at the server, on
//! the card, at the authority.

use anyhow::{Context, Result, ensure};
use keysteward_tests::site::{list, process::eventually};
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::desk::{Desk, Held, Make, SOON, USER_NAME};
use crate::desk::text;

/// What the operator asks for, in the order of a card's life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    Register,
    Issue,
    HandOver,
    Renew,
    Reissue,
    Unblock,
    ChangeAdminKey,
    Revoke,
    Unregister,
}

impl Operation {
    pub(super) const ALL: [Self; 9] = [
        Self::Register,
        Self::Issue,
        Self::HandOver,
        Self::Renew,
        Self::Reissue,
        Self::Unblock,
        Self::ChangeAdminKey,
        Self::Revoke,
        Self::Unregister,
    ];

    /// Starts it without waiting; its id.
    pub(super) fn start(self, desk: &Desk, held: &Held) -> Result<String> {
        let token = held.token.as_str();
        let (arguments, pin): (Vec<&str>, &str) = match self {
            Self::Register => (vec!["card", "register", token], ""),
            Self::Issue => (
                vec![
                    "issue",
                    "--token",
                    token,
                    "--user",
                    USER_NAME,
                    "--template",
                    "cards",
                ],
                "",
            ),
            Self::HandOver => (
                vec!["pin", "hand-over", token, "--new-pin-file", "-"],
                FIRST_PIN,
            ),
            Self::Renew => (vec!["card", "renew", token, "--pin-file", "-"], FIRST_PIN),
            Self::Reissue => (vec!["card", "reissue", token, "--pin-file", "-"], FIRST_PIN),
            Self::Unblock => (
                vec!["card", "unblock", token, "--new-pin-file", "-"],
                SECOND_PIN,
            ),
            Self::ChangeAdminKey => return begin_new_generation(desk, token),
            Self::Revoke => (vec!["revoke", token, "--reason", "lost"], ""),
            Self::Unregister => (vec!["card", "unregister", token], ""),
        };
        desk.start(&arguments, &format!("{pin}\n"))
    }

    /// Starts it once more, after it ended without success or asked for a person.
    fn start_again(self, desk: &Desk, held: &Held, ended: &Value) -> Result<String> {
        let id = text(ended, "id")?;
        match (ended["state"].as_str(), self) {
            (Some("failed" | "cancelled"), Self::ChangeAdminKey) => {
                desk.start(&["card", "admin-key", "rotate", &held.token], "")
            }
            (Some("failed" | "cancelled"), _) => self.start(desk, held),
            _ => {
                let note = ["--note", "the operator has looked"];
                let retry = ["operation", "resolve", &id, "retry"];
                desk.site.cli.json(&[&retry[..], &note].concat())?;
                Ok(id)
            }
        }
    }

    /// Brings an operation that has settled to its end, as an operator would: what did not succeed
    /// says why and what to do, and it succeeds when it is asked for again.
    pub(super) fn finish(self, desk: &Desk, held: &Held, mut ended: Value) -> Result<String> {
        let first = text(&ended, "state")?;
        for _ in 0..TRIES {
            if ended["state"] == "succeeded" {
                self.agree(desk, held)
                    .with_context(|| format!("after {ended}"))?;
                return Ok(first);
            }
            let said = ended["remark"].as_str().unwrap_or_default();
            ensure!(!said.is_empty(), "no reason is given: {ended}");
            known_everywhere(desk, held, Replaced::Stays)
                .with_context(|| format!("after {ended}"))?;
            let again = self
                .start_again(desk, held, &ended)
                .with_context(|| format!("it cannot be asked for again after {ended}"))?;
            ended = desk.settle(&again)?;
        }
        anyhow::bail!("it does not succeed although it was asked for again: {ended}")
    }

    /// Whether server, card and authority tell the same.
    fn agree(self, desk: &Desk, held: &Held) -> Result<()> {
        let (state, keys, pin) = match self {
            Self::Register => ("registered", false, Pin::Blocked),
            Self::Issue => ("issued", true, Pin::Blocked),
            Self::HandOver | Self::Renew | Self::Reissue => ("active", true, Pin::Is(FIRST_PIN)),
            Self::Unblock | Self::ChangeAdminKey => ("active", true, Pin::Is(SECOND_PIN)),
            Self::Revoke => ("revoked", false, Pin::Blocked),
            Self::Unregister => ("unregistered", false, Pin::Factory),
        };
        let token = desk.token(&held.token)?;
        ensure!(token["state"] == state, "the server says {token}");
        let names: &[&str] = if keys { &held.make.containers() } else { &[] };
        // What could not be deleted at once is as soon as the card is seen.
        let (applet, containers) = eventually("the card holds what it should", SOON, || {
            let (applet, containers) = desk.inspect()?;
            let found: Vec<_> = containers.iter().map(|one| &one["container"]).collect();
            ensure!(found == names, "it holds {found:?}, not {names:?}");
            // The PIN is blocked after that.
            if matches!(pin, Pin::Blocked) {
                pin.is_on(desk, held, &applet)?;
            }
            Ok(Some((applet, containers)))
        })?;
        pin.is_on(desk, held, &applet)?;
        if self == Self::ChangeAdminKey {
            newest_admin_key(desk, held)?;
        }
        same_certificates(desk, held, &containers)?;
        let replaced = match self {
            Self::Renew => Replaced::Stays,
            _ => Replaced::Goes,
        };
        known_everywhere(desk, held, replaced)
    }
}

/// What becomes of a certificate that has no place on the card any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Replaced {
    /// It runs out: another one stands for the same key, or soon will.
    Stays,
    /// It is revoked.
    Goes,
}

/// What is known of a card's PIN.
enum Pin {
    /// Nobody's opens it.
    Blocked,
    /// This one, and no try was lost.
    Is(&'static str),
    /// As everybody knows it.
    Factory,
}

impl Pin {
    fn is_on(&self, desk: &Desk, held: &Held, applet: &Value) -> Result<()> {
        let tries = &applet["pin_tries_left"];
        match self {
            Self::Blocked => ensure!(*tries == 0, "the PIN is not blocked: {applet}"),
            Self::Is(pin) => {
                // As long as the PIN is verified, this one does not tell.
                let untold = held.make == Make::PivAuthenticator && tries.is_null();
                ensure!(
                    untold || *tries == FULL,
                    "tries of the PIN were lost: {applet}"
                );
                desk.has_pin(pin)?;
            }
            Self::Factory if held.make == Make::Piv => {
                for secret in ["pin", "puk", "admin_key"] {
                    let is_default = &applet[format!("{secret}_is_default").as_str()];
                    ensure!(*is_default == true, "not the factory's {secret}: {applet}");
                }
            }
            Self::Factory => {}
        }
        let puk = &applet["puk_tries_left"];
        ensure!(
            puk.is_null() || *puk == FULL,
            "tries of the PUK were lost: {applet}"
        );
        Ok(())
    }
}

/// The card master key of a new generation; the operation that moves the card to it.
fn begin_new_generation(desk: &Desk, token: &str) -> Result<String> {
    let of = ["operation", "list", "--kind", "change-admin-key"];
    let of = [&of[..], &["--token", token]].concat();
    let all = || list(desk.site.cli.json(&of)?, "operations");
    let before = all()?;
    desk.site.cli.json(&["card", "admin-key", "new-master"])?;
    eventually("the card is to be moved", SOON, || {
        let begun = all()?
            .into_iter()
            .find(|one| !before.iter().any(|old| old["id"] == one["id"]));
        begun.map(|one| text(&one, "id")).transpose()
    })
}

fn newest_admin_key(desk: &Desk, held: &Held) -> Result<()> {
    let generations = list(
        desk.site.cli.json(&["card", "admin-key", "list"])?,
        "card_master_keys",
    )?;
    let newest = generations.iter().map(|one| &one["generation"]).next_back();
    let card = desk.site.cli.json(&["card", "show", &held.token])?;
    ensure!(
        Some(&card["admin_generation"]) == newest && card["pending_generation"].is_null(),
        "the admin key is not of generation {newest:?}: {card}"
    );
    Ok(())
}

/// Whether the card holds the certificates that the server says it does.
fn same_certificates(desk: &Desk, held: &Held, containers: &[Value]) -> Result<()> {
    let rows = desk.certificates(held)?;
    for container in containers {
        let der = hex::decode(text(container, "certificate")?)?;
        let (_, on_card) = X509Certificate::from_der(&der)?;
        let serial = hex::encode(on_card.raw_serial());
        let row = rows.iter().find(|row| {
            let named = row["serial"].as_str().map(digits);
            named == Some(digits(&serial)) && row["container"] == container["container"]
        });
        let row = row.with_context(|| format!("the server does not know {container}"))?;
        ensure!(
            row["state"] == "valid" && row["on_card"] == "present",
            "the card holds a certificate that the server knows as {row}"
        );
    }
    Ok(())
}

/// Whether each certificate that the authority gave out is known at the server, and either on the
/// card, or on its way to it, or revoked, or waits for that.
fn known_everywhere(desk: &Desk, held: &Held, replaced: Replaced) -> Result<()> {
    eventually("every certificate is accounted for", SOON, || {
        let rows = desk.certificates(held)?;
        for issued in desk.issued(held)? {
            let serial = text(&issued, "serialNumber")?;
            let row = rows
                .iter()
                .find(|row| row["serial"].as_str().map(digits) == Some(digits(&serial)));
            let row = row.with_context(|| {
                format!(
                    "the authority issued {issued}, of which the server knows nothing: {rows:?}"
                )
            })?;
            let on_card = row["on_card"] == "present" && row["state"] == "valid";
            let waits = !row["revocation"].is_null();
            let stays = replaced == Replaced::Stays && row["on_card"] == "replaced";
            let accounted = match issued["status"].as_str() {
                Some("normal") => on_card || waits || stays,
                Some("revoked") => row["state"] == "revoked",
                _ => false,
            };
            ensure!(accounted, "{issued} at the authority, {row} at the server");
        }
        Ok(Some(()))
    })
}

/// Of a serial number, without what different people write before it.
fn digits(serial: &str) -> String {
    let plain: String = serial
        .chars()
        .filter(char::is_ascii_hexdigit)
        .collect::<String>()
        .to_ascii_lowercase();
    plain.trim_start_matches('0').to_owned()
}

const FIRST_PIN: &str = "271828";
const SECOND_PIN: &str = "314159";
/// Tries of a PIN or PUK that nobody got wrong.
const FULL: u64 = 3;
/// How often an operator asks again.
const TRIES: usize = 3;
