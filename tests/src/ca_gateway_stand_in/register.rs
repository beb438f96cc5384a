//! What was issued, what is pending, what happened.

use super::authority::{Order, Signed};
use jiff::Timestamp;
use serde::Serialize;

/// Everything that changes.
#[derive(Debug, Default)]
pub(super) struct Register {
    pub(super) certificates: Vec<Certificate>,
    pub(super) pending: Vec<Pending>,
    pub(super) events: Vec<Event>,
    /// Somebody has to agree to enrolments.
    pub(super) agreement_needed: bool,
    pub(super) counter: u64,
}

/// One certificate.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) signed: Signed,
    pub(super) subject: String,
    pub(super) state: State,
}

/// Entrust's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Normal,
    Held,
    Revoked,
}

/// An enrolment that somebody has to agree to.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) id: String,
    pub(super) order: Order,
}

/// One line of the inventory.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) action: &'static str,
    pub(super) at: Timestamp,
    pub(super) serial: String,
    pub(super) certificate: Vec<u8>,
    pub(super) reason: Option<String>,
}

impl Register {
    pub(super) fn next_id(&mut self) -> String {
        self.counter += 1;
        format!("enrolment-{}", self.counter)
    }

    pub(super) fn add(&mut self, signed: &Signed, subject: String, now: Timestamp) {
        self.certificates.push(Certificate {
            signed: signed.clone(),
            subject,
            state: State::Normal,
        });
        self.events.push(Event {
            action: "issued",
            at: now,
            serial: signed.serial.clone(),
            certificate: signed.der.clone(),
            reason: None,
        });
    }

    pub(super) fn certificate(&self, serial: &str) -> Option<&Certificate> {
        self.certificates
            .iter()
            .find(|certificate| certificate.signed.serial.eq_ignore_ascii_case(serial))
    }

    /// Whether a certificate was issued to this distinguished name.
    pub(super) fn knows_subject(&self, subject: &str) -> bool {
        self.certificates
            .iter()
            .any(|certificate| certificate.subject == subject)
    }

    pub(super) fn set_state(&mut self, serial: &str, state: State, reason: &str, now: Timestamp) {
        let found = self
            .certificates
            .iter_mut()
            .find(|certificate| certificate.signed.serial.eq_ignore_ascii_case(serial));
        if let Some(certificate) = found {
            certificate.state = state;
            self.events.push(Event {
                action: match state {
                    State::Normal => "unhold",
                    State::Held => "hold",
                    State::Revoked => "revoked",
                },
                at: now,
                serial: certificate.signed.serial.clone(),
                certificate: certificate.signed.der.clone(),
                reason: Some(reason.to_owned()),
            });
        }
    }
}

/// `CN=...,O=...`, the last first, as RFC 4514 writes it.
pub(super) fn distinguished_name(variables: &[(String, String)]) -> String {
    let parts: Vec<_> = variables
        .iter()
        .rev()
        .map(|(kind, value)| format!("{}={}", kind.to_ascii_uppercase(), escaped(value)))
        .collect();
    parts.join(",")
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    for (index, character) in value.char_indices() {
        let last = index + character.len_utf8() == value.len();
        let special = match character {
            '"' | '+' | ',' | ';' | '<' | '>' | BACKSLASH => true,
            '#' => index == 0,
            ' ' => index == 0 || last,
            _ => false,
        };
        if special {
            text.push(BACKSLASH);
        }
        text.push(character);
    }
    text
}

const BACKSLASH: char = '\\';
