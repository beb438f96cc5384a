//! How the person proves to be the token's user: with the PIN, or to the token itself, by a finger
//! or a face. Either becomes a pinUvAuthToken. CTAP 2.3 §6.5.5.7.

use std::ops::ControlFlow;

use keysteward_core::{
    ctap2::client_pin::Permissions,
    pin_protocol::{PersistentToken, Pin, PinUvAuthToken},
};

use super::{
    conduct::TokenSession,
    progress::{Teller, Waiting},
    trouble::SessionError,
};

/// The proof that a caller gives, or lets the token ask for. No `Debug`: a PIN is secret.
pub(crate) enum Verification {
    Pin(Pin),
    /// The token's own user verification.
    BuiltIn,
}

/// A proof, and who hears what the person has to do for it.
pub(super) struct Verifier<'v> {
    verification: &'v Verification,
    teller: &'v Teller,
}

impl Verification {
    pub(super) const fn verifier<'v>(&'v self, teller: &'v Teller) -> Verifier<'v> {
        Verifier {
            verification: self,
            teller,
        }
    }
}

impl Verifier<'_> {
    /// A token for `permissions`; those for makeCredential and getAssertion want an RP ID.
    pub(super) fn token(
        &self,
        session: &mut TokenSession<'_, '_>,
        permissions: Permissions,
        rp_id: Option<&str>,
    ) -> Result<PinUvAuthToken, SessionError> {
        match self.verification {
            Verification::Pin(pin) => session.token(pin, permissions, rp_id),
            Verification::BuiltIn => self.by_the_token_itself(|teller| {
                session.token_by_user_verification(permissions, rp_id, &mut |mismatch| {
                    teller.tell(Waiting::NotRecognised(mismatch));
                    ControlFlow::Continue(())
                })
            }),
        }
    }

    /// A token that reads the list of credentials until the PIN is changed or the token reset.
    pub(super) fn persistent_token(
        &self,
        session: &mut TokenSession<'_, '_>,
    ) -> Result<PersistentToken, SessionError> {
        match self.verification {
            Verification::Pin(pin) => session.persistent_token(pin),
            Verification::BuiltIn => self.by_the_token_itself(|teller| {
                session.persistent_token_by_user_verification(&mut |mismatch| {
                    teller.tell(Waiting::NotRecognised(mismatch));
                    ControlFlow::Continue(())
                })
            }),
        }
    }

    /// While the token asks for its user, presence means more than a touch.
    fn by_the_token_itself<T>(&self, ask: impl FnOnce(&Teller) -> T) -> T {
        let before = self.teller.await_presence_by(Waiting::User);
        let outcome = ask(self.teller);
        self.teller.await_presence_by(before);
        outcome
    }
}
