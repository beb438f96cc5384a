//! Plans: what an operation does next, as a pure function of what it has done
//! (its progress) and of how things are (the facts). A file per kind.
//!
//! ```text
//!              ┌───────────────── effects ─┐
//!              v                           │
//!  progress, facts ──next──> Step ─────────┤   a request leaves; its outcome is progress
//!                            Effect ───────┘   rows of ours change, in the same transaction
//!                            WaitForToken      until it is seen, or the deadline
//!                            WaitBriefly       until it is seen, or no longer expected
//!                            End
//! ```
//!
//! A plan never sees a secret: only whether one is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    StepName, delete_credentials, hand_over_pin, issue, reset_token, resume, revoke, set_pin,
    suspend,
};
use crate::{
    lifecycle::{Event, Template},
    store::{
        ConnectionId, CredentialId, Micros, OperationId, SecretId, TemplateId,
        credential::{Credential, OnToken},
        operation::Kind,
        sealed_secret,
        token::Token,
    },
};

/// What was asked, besides token and user. Stored in clear: never a secret.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Parameters {
    /// Issue: by which template.
    pub template: Option<TemplateId>,
    /// Revoke: why.
    pub reason: String,
    /// Hand over: the user's own PIN is sealed with the operation.
    pub own_pin: bool,
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

/// How things are, as the database and the fleet know it now.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// This operation.
    pub operation: OperationId,
    /// What was asked.
    pub parameters: &'a Parameters,
    /// The token.
    pub token: &'a Token,
    /// Whether it is plugged in somewhere.
    pub present: bool,
    /// What was made on it, oldest first.
    pub credentials: &'a [Credential],
    /// Which PINs are sealed.
    pub pins: Pins,
    /// Of this operation, or by which the token was issued.
    pub template: Option<&'a Template>,
    /// The deadline has passed.
    pub expired: bool,
    /// The token was there, and may be back in a moment: a replug, a restart.
    pub expected: bool,
}

/// Which PINs of the token are sealed here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pins {
    /// The one it has.
    pub current: bool,
    /// The one it is to get.
    pub pending: bool,
    /// The one it has, as its user typed it for this operation.
    pub given: bool,
}

impl Pins {
    /// Whether a step that needs the token's PIN can be taken.
    #[must_use]
    pub fn usable(self) -> bool {
        self.current || self.given
    }
}

impl Facts<'_> {
    /// The credential with this row id.
    #[must_use]
    pub fn credential(&self, id: Option<CredentialId>) -> Option<&Credential> {
        self.credentials.iter().find(|c| Some(c.id) == id)
    }

    /// One that is to be deleted: any, or only one that this operation made.
    #[must_use]
    pub fn to_delete(&self, own: bool) -> Option<&Credential> {
        self.credentials
            .iter()
            .find(|c| c.on_token == OnToken::ToDelete && (!own || c.operation_id == self.operation))
    }

    /// Those that stand at the IdP, as far as is known.
    pub fn published(&self) -> impl Iterator<Item = &Credential> {
        self.credentials
            .iter()
            .filter(|c| c.idp_authenticator_id.is_some() && c.idp_state.as_deref() != Some(ABSENT))
    }

    /// An option that getInfo showed.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<bool> {
        self.token.facts.options.get(name).copied()
    }

    /// A step at the token: now, or when it is seen.
    #[must_use]
    pub fn at_token(&self, step: StepName) -> Next {
        if self.present {
            Next::Step(step)
        } else {
            Next::WaitForToken(step)
        }
    }
}

/// What an operation does next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// Send this request.
    Step(StepName),
    /// The token is not there for this one.
    WaitForToken(StepName),
    /// As long as it is expected.
    WaitBriefly(StepName),
    /// Change rows of ours, then ask again.
    Effect(Effect),
    /// That was all.
    End(End),
}

/// A change of rows of ours, in the transaction that decides it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Moves the token in its life.
    Move(Event),
    /// The token is this operation's user's, by its template.
    Assign,
    /// The token is nobody's.
    Unassign,
    /// Erases sealed PINs.
    ErasePins(sealed_secret::State),
    /// The PIN may be shown, once.
    OfferPin,
    /// Only a reset makes the token usable again.
    NeedsReset(bool),
    /// How credentials stand on the token; `own`: only those of this operation.
    Mark {
        /// Only those of this operation.
        own: bool,
        /// Those that stand like this.
        from: OnToken,
        /// Now stand like this.
        to: OnToken,
    },
    /// An operation of its own waits for the token.
    DeleteLater,
}

/// How an operation ended.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct End {
    /// What a person should know; may be empty.
    pub remark: String,
    /// What a person should do; may be empty.
    pub next_action: String,
}

/// What `kind` does next.
#[must_use]
pub fn next(kind: Kind, progress: &Progress, facts: &Facts<'_>) -> Next {
    match kind {
        Kind::Issue => issue::next(progress, facts),
        Kind::HandOverPin => hand_over_pin::next(progress, facts),
        Kind::Suspend => suspend::next(progress, facts),
        Kind::Resume => resume::next(progress, facts),
        Kind::Revoke => revoke::next(progress, facts),
        Kind::SetPin => set_pin::next(progress, facts),
        Kind::ResetToken => reset_token::next(progress, facts),
        Kind::DeleteCredentials => delete_credentials::next(progress, facts),
    }
}

/// Whether `kind` can still be ended as if it had not been asked for.
#[must_use]
pub fn can_cancel(kind: Kind, progress: &Progress) -> bool {
    match kind {
        Kind::Issue | Kind::Suspend | Kind::Resume | Kind::DeleteCredentials => true,
        Kind::Revoke => !progress.at_idp,
        Kind::HandOverPin | Kind::SetPin => {
            !progress.has(StepName::SetPin) && !progress.has(StepName::ChangePin)
        }
        Kind::ResetToken => !progress.has(StepName::Reset),
    }
}

/// The steps that `kind` means to take.
#[must_use]
pub fn steps(kind: Kind, facts: &Facts<'_>) -> Vec<StepName> {
    use StepName::{
        ChangePin, Configure, DeleteAuthenticator, DeleteCredential, FindUser, Inspect,
        MakeCredential, Publish, ReadBack, Reset, Resume, SetPin, Suspend,
    };
    match kind {
        Kind::Issue => {
            let mut steps = vec![Inspect, FindUser];
            if !facts.pins.current {
                steps.push(SetPin);
            }
            if issue::wants_configure(facts) {
                steps.push(Configure);
            }
            steps.extend([MakeCredential, Publish, ReadBack]);
            steps
        }
        Kind::HandOverPin if facts.parameters.own_pin => vec![ChangePin],
        Kind::HandOverPin if hand_over_pin::forces_change(facts) => vec![Configure],
        Kind::HandOverPin => vec![],
        Kind::Suspend => vec![Suspend, ReadBack],
        Kind::Resume => vec![Resume, ReadBack],
        Kind::Revoke => vec![DeleteAuthenticator, DeleteCredential],
        Kind::SetPin => vec![Inspect, SetPin],
        Kind::ResetToken => vec![Reset],
        Kind::DeleteCredentials => vec![DeleteCredential],
    }
}

/// Whether `now` is past a deadline.
#[must_use]
pub fn expired(deadline: Option<Micros>, now: Micros) -> bool {
    deadline.is_some_and(|deadline| now >= deadline)
}

/// The IdP's state of what is not there.
pub(super) const ABSENT: &str = "absent";

#[cfg(test)]
mod tests;
