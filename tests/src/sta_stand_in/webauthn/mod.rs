//! WebAuthn as a relying party sees it, written on its own: ciborium, p256 and
//! x509-parser, nothing of the core. What the core writes wrongly fails here.
//!
//! ES256 only, as STA's own registrations ask for.

mod assertion;
mod attestation;
mod authenticator_data;
mod client_data;
mod registration;

pub(super) use assertion::Assertion;
pub(super) use authenticator_data::CredentialKey;
pub(super) use registration::register;

/// What is wrong with a registration or an assertion.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Wrong(String);

impl Wrong {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
