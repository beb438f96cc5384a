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
    StepName, change_admin_key, delete_credentials, hand_over_pin, issue, refresh_card,
    register_card, reissue_certificates, reset_token, resume, retire, revoke, revoke_certificates,
    rotate_puk, set_pin, suspend, unblock_card, unregister,
};
use crate::{
    lifecycle::{CardType, Event, Template},
    store::{
        ConnectionId, CredentialId, Micros, OperationId, SecretId, TemplateId,
        card::{AdminKey, Card},
        certificate::{self, Certificate, OnCard},
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
    /// Hand over, unblock: the user's own PIN is sealed with the operation.
    pub own_pin: bool,
    /// Renew, reissue: in which containers; empty: each of the template.
    pub containers: Vec<String>,
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

/// Which of a token's certificates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Those that this operation made.
    Own,
    /// All of them.
    All,
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
    /// Credentials of the template go to an identity provider.
    pub publishes: bool,
    /// What the token is as a card.
    pub card: Option<&'a Card>,
    /// What its type says of cards.
    pub card_type: Option<&'a CardType>,
    /// Keys and certificates on it, oldest first.
    pub certificates: &'a [Certificate],
    /// Whether the PIN of the card is sealed here.
    pub card_pin: Held,
    /// Whether its PUK is.
    pub puk: Held,
    /// The card may have the PUK that it was to get.
    pub puk_in_doubt: bool,
    /// The newest generation of the card master key.
    pub newest: Option<u32>,
}

/// Whether a secret is sealed here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Held {
    /// The one that the card has.
    pub current: bool,
    /// The one it is to get.
    pub pending: bool,
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

    /// The admin key that the card should have.
    #[must_use]
    pub fn wanted_admin_key(&self) -> Option<AdminKey> {
        Some(AdminKey {
            generation: self.newest?,
            cipher: self.card_type?.admin_cipher,
        })
    }

    /// It has no FIDO2 applet that anything was made on.
    #[must_use]
    pub fn is_card_alone(&self) -> bool {
        self.card.is_some() && self.token.facts.versions.is_empty()
    }

    /// A GIDS card without files.
    #[must_use]
    pub fn is_blank_card(&self) -> bool {
        let gids = |card: &CardType| card.applet == crate::lifecycle::Applet::Gids;
        let told = self.token.facts.card.as_ref();
        self.card_type.is_some_and(gids) && told.is_some_and(|card| card.id.is_empty())
    }

    /// Certificates that this operation made, or all.
    pub fn certificates_of(&self, scope: Scope) -> impl Iterator<Item = &Certificate> {
        let operation = self.operation;
        self.certificates
            .iter()
            .filter(move |row| scope == Scope::All || row.operation_id == operation)
    }

    /// What this operation made in `container`.
    #[must_use]
    pub fn own_certificate(&self, container: &str) -> Option<&Certificate> {
        self.certificates_of(Scope::Own)
            .filter(|row| row.container == container && row.on_card != OnCard::Deleted)
            .last()
    }

    /// One that is to be revoked and is not yet.
    #[must_use]
    pub fn to_revoke(&self, scope: Scope) -> Option<&Certificate> {
        use certificate::State::{Held, Pending, Requested, Valid};
        self.certificates_of(scope).find(|row| {
            !row.revocation.is_empty() && matches!(row.state, Requested | Pending | Valid | Held)
        })
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
    /// The token is a card, and gets a row that says which.
    TakeForCard,
    /// It is a card of ours no more.
    NoCard,
    /// Writes down which admin key the card is to get.
    BeginAdminKey,
    /// Erases a sealed secret of the card.
    Erase(sealed_secret::Kind, sealed_secret::State),
    /// The PIN of the card may be shown, once.
    OfferCardPin,
    /// Certificates are to be revoked; what was never asked for is done with.
    WantRevoked(Scope),
    /// An operation of its own waits for the authority.
    RevokeLater,
    /// Another certificate for the key in this container.
    Renew(String),
    /// What stood where there is a new certificate now is done with.
    Supersede,
    /// How keys on the card that are there, or to go, now stand.
    MarkOnCard {
        /// Whose.
        scope: Scope,
        /// Now stand like this.
        to: OnCard,
    },
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
        Kind::RegisterCard => register_card::next(progress, facts),
        Kind::RenewCertificates | Kind::ReissueCertificates => {
            reissue_certificates::next(kind, progress, facts)
        }
        Kind::UnblockCard => unblock_card::next(progress, facts),
        Kind::RotatePuk => rotate_puk::next(progress, facts),
        Kind::ChangeAdminKey => change_admin_key::next(progress, facts),
        Kind::RefreshCard => refresh_card::next(progress, facts),
        Kind::Retire => retire::next(progress, facts),
        Kind::Unregister => unregister::next(progress, facts),
        Kind::RevokeCertificates => revoke_certificates::next(progress, facts),
    }
}

/// Whether `kind` can still be ended as if it had not been asked for.
#[must_use]
pub fn can_cancel(kind: Kind, progress: &Progress) -> bool {
    match kind {
        Kind::Issue
        | Kind::Suspend
        | Kind::Resume
        | Kind::DeleteCredentials
        | Kind::RegisterCard
        | Kind::RenewCertificates
        | Kind::RotatePuk
        | Kind::ChangeAdminKey
        | Kind::RefreshCard
        | Kind::Retire => true,
        Kind::Revoke => !progress.at_idp,
        Kind::HandOverPin | Kind::SetPin | Kind::UnblockCard => ![
            StepName::SetPin,
            StepName::ChangePin,
            StepName::SetCardPin,
            StepName::ChangeCardPin,
        ]
        .iter()
        .any(|step| progress.has(*step)),
        Kind::ResetToken => !progress.has(StepName::Reset),
        // The key that stood there is gone.
        Kind::ReissueCertificates => !progress.has(StepName::GenerateKey),
        Kind::Unregister => !progress.has(StepName::ResetCard),
        // Who wants it revoked does not take that back.
        Kind::RevokeCertificates => false,
    }
}

/// The steps that `kind` means to take.
#[must_use]
pub fn steps(kind: Kind, facts: &Facts<'_>) -> Vec<StepName> {
    use StepName::{
        BlockCardPin, ChangeAdminKey, ChangeCardPin, ChangePin, Configure, DeleteAuthenticator,
        DeleteContainer, DeleteCredential, Enrol, FindUser, GenerateKey, HoldCertificate,
        Initialise, Inspect, InspectCard, MakeCredential, Personalise, Publish, ReadBack, ReadCard,
        Reset, ResetCard, RestoreAdminKey, Resume, RevokeCertificate, SetCardPin, SetPin, SetPuk,
        SignRequest, Suspend, TryAdminKeys, UnholdCertificate, WriteCertificate,
    };
    let certified = facts.certificates.iter().any(|row| !row.der.is_empty());
    let published = facts.published().next().is_some();
    let only = |wanted: bool, steps: &[StepName]| match wanted {
        true => steps.to_vec(),
        false => Vec::new(),
    };
    match kind {
        Kind::Issue => {
            let mut steps = Vec::new();
            if facts.publishes {
                steps.extend([Inspect, FindUser]);
                steps.extend(only(!facts.pins.current, &[SetPin]));
                steps.extend(only(issue::wants_configure(facts), &[Configure]));
                steps.extend([MakeCredential, Publish, ReadBack]);
            }
            if facts
                .template
                .is_some_and(|template| template.card.is_some())
            {
                steps.extend([InspectCard, SetCardPin, GenerateKey, SignRequest, Enrol]);
                steps.extend([WriteCertificate, ReadCard, BlockCardPin]);
            }
            steps
        }
        Kind::HandOverPin => {
            let key = facts.pins.current;
            let mut steps = match () {
                () if key && facts.parameters.own_pin => vec![ChangePin],
                () if key && hand_over_pin::forces_change(facts) => vec![Configure],
                () => vec![],
            };
            steps.extend(only(hand_over_pin::has_card(facts), &[SetCardPin]));
            steps
        }
        Kind::Suspend => [
            only(certified, &[HoldCertificate]),
            only(published, &[Suspend, ReadBack]),
        ]
        .concat(),
        Kind::Resume => [
            only(certified, &[UnholdCertificate]),
            only(published, &[Resume, ReadBack]),
        ]
        .concat(),
        Kind::Revoke => [
            only(certified, &[RevokeCertificate]),
            only(published, &[DeleteAuthenticator, DeleteCredential]),
            only(certified, &[DeleteContainer]),
        ]
        .concat(),
        Kind::SetPin if facts.is_card_alone() => vec![ChangeCardPin],
        Kind::SetPin => vec![Inspect, SetPin],
        Kind::ResetToken => vec![Reset],
        Kind::DeleteCredentials => [
            only(facts.to_delete(false).is_some(), &[DeleteCredential]),
            only(certified, &[DeleteContainer]),
        ]
        .concat(),
        Kind::RegisterCard if facts.is_blank_card() => {
            vec![InspectCard, Initialise, BlockCardPin, ReadCard]
        }
        Kind::RegisterCard => {
            let mut steps = vec![InspectCard, TryAdminKeys, ChangeAdminKey];
            let piv = |card: &CardType| card.applet == crate::lifecycle::Applet::Piv;
            let puk = facts.card_type.is_some_and(piv) && !facts.puk.current;
            steps.extend(only(puk, &[SetPuk]));
            steps.extend([Personalise, BlockCardPin, ReadCard]);
            steps
        }
        Kind::RenewCertificates => {
            vec![InspectCard, SignRequest, Enrol, WriteCertificate, ReadCard]
        }
        Kind::ReissueCertificates => vec![
            InspectCard,
            GenerateKey,
            SignRequest,
            Enrol,
            WriteCertificate,
            ReadCard,
            RevokeCertificate,
        ],
        Kind::UnblockCard => vec![SetCardPin],
        Kind::RotatePuk => vec![SetPuk],
        Kind::ChangeAdminKey => vec![TryAdminKeys, ChangeAdminKey],
        Kind::RefreshCard => vec![InspectCard],
        Kind::Retire => vec![],
        Kind::Unregister if facts.card.is_none() => vec![],
        Kind::Unregister if facts.puk.current => vec![ResetCard],
        Kind::Unregister => vec![TryAdminKeys, ResetCard, RestoreAdminKey],
        Kind::RevokeCertificates => vec![RevokeCertificate],
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
