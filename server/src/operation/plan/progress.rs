//! What was asked, and how far an operation has come: what is stored with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    operation::{StepName, request::PinOf},
    store::{ConnectionId, CredentialId, Micros, SecretId, TemplateId, card::AdminKey},
};

/// What was asked, besides token and user. Stored in clear: never a secret.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Parameters {
    /// Issue: by which template.
    pub template: Option<TemplateId>,
    /// Revoke: why.
    pub reason: String,
    /// Hand over, unblock: the user's own PIN is sealed with the operation.
    pub own_pin: bool,
    /// Renew, reissue: in which containers; empty: each of the template.
    pub containers: Vec<String>,
    /// Reissue: the key that decrypts may be lost, where the card cannot keep it.
    pub may_lose_decryption_key: bool,
    /// Set PIN: whose; none: the only one that can be meant.
    pub pin_of: Option<PinOf>,
}

/// How far an operation has come. Stored in clear: never a secret.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Progress {
    /// Steps it means to take, for people who watch.
    pub todo: Vec<StepName>,
    /// Steps behind it.
    pub done: Vec<StepName>,
    /// The step it is at.
    pub step: Option<StepName>,
    /// Failures that may pass, in a row, by step.
    pub tries: BTreeMap<StepName, u32>,
    /// Whether the token had a PIN when it was inspected.
    pub pin_set: Option<bool>,
    /// The user's id at the IdP.
    pub idp_user: Option<String>,
    /// The credential being made.
    pub making: Option<Making>,
    /// The credential made.
    pub credential: Option<CredentialId>,
    /// A request that changes something has left for the IdP.
    pub at_idp: bool,
    /// The outcome of this step's last attempt is to be found by looking at the token.
    pub look: Option<StepName>,
    /// The last attempt to make a credential after which somebody looked.
    pub looked: u32,
    /// Why it does not go on: what was begun is being undone.
    pub failure: Option<Failure>,
    /// Why the token keeps a credential that should go.
    pub undeletable: Option<String>,
    /// Until when a token that was there is expected back.
    pub patient_until: Option<Micros>,
    /// What is left to delete has an operation of its own.
    pub deferred: bool,
    /// The step that a person is asked about.
    pub parked: Option<Parked>,
    /// The sealed PIN that may be shown, once.
    pub offered: Option<SecretId>,
    /// It was.
    pub revealed: bool,
    /// The admin key that the card was found to have.
    pub admin: Option<AdminKeyIs>,
    /// Whether the card has taken the PUK that it was to get is not known.
    pub puk_unsure: bool,
    /// The sealed PIN of the card that may be shown, once.
    pub offered_card: Option<SecretId>,
    /// Why certificates could not be revoked yet.
    pub unrevoked: Option<String>,
    /// They have an operation of their own.
    pub revoked_later: bool,
    /// Somebody has looked at the authority: there is no certificate of a lost answer.
    pub enrol_anyway: bool,
    /// Authorities that know what this operation is: a renewal, or a reissue.
    pub successors: Vec<ConnectionId>,
    /// The card has no way back to the factory of its own.
    pub no_reset: bool,
    /// The card cannot keep the key that decrypts, and it may be lost.
    pub key_lost: bool,
    /// The PUK that the card is to get is that of the factory.
    pub factory_puk: bool,
    /// What is left of us on a card that was given back.
    pub remains: Vec<String>,
}

/// The admin key that a card has.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminKeyIs {
    /// As it left the factory.
    Factory,
    /// Ours.
    Derived(AdminKey),
}
/// What a credential is made for, written down before the request leaves.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[allow(missing_docs, reason = "WebAuthn's words")]
pub struct Making {
    pub connection: ConnectionId,
    pub rp_id: String,
    pub origin: String,
    /// JSON; the token signs its hash.
    pub client_data: String,
}

/// Why an operation does not go on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// By a person.
    pub cancelled: bool,
    /// A sentence.
    pub reason: String,
    /// What to do; may be empty.
    pub next_action: String,
}

/// A step that a person is asked about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Parked {
    /// Which.
    pub step: StepName,
    /// Which attempt of it.
    pub attempt: u32,
}

impl Progress {
    /// Whether `step` is behind it.
    #[must_use]
    pub fn has(&self, step: StepName) -> bool {
        self.done.contains(&step)
    }

    /// Puts `step` behind it.
    pub fn finish(&mut self, step: StepName) {
        if !self.has(step) {
            self.done.push(step);
        }
        self.tries.remove(&step);
    }

    /// Turns round. The first reason stays.
    pub fn fail(&mut self, reason: impl Into<String>, next_action: impl Into<String>) {
        self.failure.get_or_insert(Failure {
            cancelled: false,
            reason: reason.into(),
            next_action: next_action.into(),
        });
    }
}
