//! How things are, as plans see them.

use super::{ABSENT, Next, Parameters};
use crate::{
    lifecycle::{Applet, CardType, Template},
    operation::{PinOf, StepName, hand_over_pin, key_history},
    store::{
        CredentialId, OperationId,
        card::{AdminKey, Card},
        certificate::{self, Certificate, OnCard},
        credential::{Credential, OnToken},
        token::Token,
    },
};

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

    /// Set PIN: whether the card's is meant: asked for, or nothing but certificates
    /// was issued.
    #[must_use]
    pub fn sets_card_pin(&self) -> bool {
        match self.parameters.pin_of {
            Some(applet) => applet != PinOf::Fido2,
            None => {
                let deleted = |c: &Credential| c.on_token == OnToken::Deleted;
                let as_key = self.pins.current || !self.credentials.iter().all(deleted);
                self.is_card_alone() || (hand_over_pin::has_card(self) && !as_key)
            }
        }
    }

    /// The applets whose PIN can be set.
    pub fn applets_with_pin(&self) -> impl Iterator<Item = PinOf> {
        let key = !self.token.facts.versions.is_empty();
        let card = self.card.map(|card| PinOf::card(card.applet));
        key.then_some(PinOf::Fido2).into_iter().chain(card)
    }

    /// A GIDS card without files.
    #[must_use]
    pub fn is_blank_card(&self) -> bool {
        let gids = |card: &CardType| card.applet == Applet::Gids;
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

    /// What stands in the place that `row` is to take: of the same authority, and not
    /// revoked.
    #[must_use]
    pub fn predecessor(&self, row: &Certificate) -> Option<&Certificate> {
        use certificate::State::{Held, Valid};
        self.certificates.iter().rev().find(|old| {
            old.operation_id != self.operation
                && key_history::place(self, old) == row.container
                && old.connection_id == row.connection_id
                && matches!(old.state, Valid | Held)
                && old.revocation.is_empty()
        })
    }

    /// One that is to be revoked and is not yet.
    #[must_use]
    pub fn to_revoke(&self, scope: Scope) -> Option<&Certificate> {
        use certificate::State::{Held, Pending, Requested, Valid};
        self.certificates_of(scope).find(|row| {
            !row.revocation.is_empty() && matches!(row.state, Requested | Pending | Valid | Held)
        })
    }

    /// One for which an answer of the authority was lost, where no request for the same key is
    /// under way: what the authority has and nobody knows here is not wanted.
    #[must_use]
    pub fn to_look_again(&self) -> Option<&Certificate> {
        use certificate::State::{Pending, Requested};
        self.certificates.iter().find(|row| {
            let under_way = |other: &Certificate| {
                other.public_key == row.public_key && matches!(other.state, Requested | Pending)
            };
            row.lost_at.is_some() && !self.certificates.iter().any(under_way)
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

/// Which of a token's certificates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Those that this operation made.
    Own,
    /// All of them.
    All,
}
