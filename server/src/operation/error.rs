//! Why an operation was not started, ended or resolved. Nothing has changed then.

use crate::{
    attestation, key_store,
    lifecycle::{Aaguid, Invalid, NotAllowed},
    store::{self, OperationId, operation},
};

/// Why what was asked was not done. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such row.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `token`, `user`, `template`, `operation`.
        what: &'static str,
        /// What was looked for.
        id: String,
    },
    /// A field of the request.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The token's life does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Another operation has the token.
    #[error(
        "operation {operation} ({kind}, {state}) has the key: wait for it, cancel it or resolve it"
    )]
    Busy {
        /// Which.
        operation: OperationId,
        /// What it does.
        kind: operation::Kind,
        /// Where it stands.
        state: operation::State,
    },
    /// Something on the token only goes by a reset.
    #[error("the key needs a reset first: start a reset-token operation")]
    NeedsReset,
    /// The template does not name the token's type.
    #[error(
        "template {template:?} is not for keys of type {token_type:?}: name the type in a template, or use another"
    )]
    WrongType {
        /// The template.
        template: String,
        /// The type of the token.
        token_type: String,
    },
    /// The template's lists of models.
    #[error(
        "template {template:?} does not allow keys of model {aaguid}: use another template, or another key"
    )]
    ModelNotAllowed {
        /// The template.
        template: String,
        /// The model of the token.
        aaguid: Aaguid,
    },
    /// Whatever the token attested, it would not be believed.
    #[error("the attestation of the key could not be checked: {0}")]
    NoTrust(attestation::Refusal),
    /// It has no row as a card, or not what a card of ours has.
    #[error("the token is not registered as a smart card: start a register-card operation")]
    NotACard,
    /// No token type says what the card is.
    #[error("no token type knows the token as a smart card: describe it in one")]
    UnknownCard,
    /// A connection that the template names.
    #[error("{0}")]
    NoAuthority(String),
    /// The server holds no PIN to hand over.
    #[error("this server does not hold the PIN of the key: reset the key and issue it again")]
    NoPin,
    /// The id was used before for something else.
    #[error("operation {0} is another one: choose another id")]
    IdReused(OperationId),
    /// It has ended, or does not wait for a person.
    #[error("operation {operation} is {state}: {allowed}")]
    WrongState {
        /// Which.
        operation: OperationId,
        /// Where it stands.
        state: operation::State,
        /// When this can be asked.
        allowed: &'static str,
    },
    /// A person cannot supply what the step would have brought.
    #[error("step {step} cannot be called done by hand: resolve with \"retry\" or \"failed\"")]
    NotByHand {
        /// The step.
        step: super::StepName,
    },
    /// The PIN is not to be shown: never offered, or shown already.
    #[error("operation {0} has no PIN to reveal: it was revealed, or the operation offers none")]
    NothingToReveal(OperationId),
    /// A sealed secret.
    #[error(transparent)]
    KeyStore(#[from] key_store::Error),
    /// A card master key was made in the PKCS #11 token, and then not written down.
    #[error(
        "a card master key was made in the PKCS #11 token and could not be written down: nothing \
         uses it; delete {label:?} there, and ask again"
    )]
    Unrecorded {
        /// What it is called there.
        label: String,
        /// Why it could not.
        #[source]
        why: store::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}
