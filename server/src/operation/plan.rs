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
mod facts;
mod outline;
mod progress;

pub use facts::{Facts, Held, Pins, Scope};
pub use outline::steps;
pub use progress::{AdminKeyIs, Failure, Making, Parameters, Parked, Progress};

use super::{
    StepName, change_admin_key, delete_credentials, hand_over_pin, issue, refresh_card,
    register_card, reissue_certificates, reset_token, resume, retire, revoke, revoke_certificates,
    rotate_puk, set_pin, suspend, unblock_card, unregister,
};
use crate::{
    lifecycle::Event,
    store::{Micros, certificate::OnCard, credential::OnToken, operation::Kind, sealed_secret},
};

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
        Kind::Unregister => ![
            StepName::ResetCard,
            StepName::DeleteContainer,
            StepName::RestorePin,
            StepName::RestorePuk,
            StepName::RestoreAdminKey,
        ]
        .iter()
        .any(|step| progress.has(*step)),
        // Who wants it revoked does not take that back.
        Kind::RevokeCertificates => false,
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
