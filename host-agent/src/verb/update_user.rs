//! Renames the user of a credential. CTAP 2.3 §6.8.6.
//!
//! The token wants the whole user, with the id that it has: so the credential is looked up first.

use std::ops::ControlFlow;

use keysteward_core::ctap2::{PublicKeyCredentialUserEntity, client_pin::Permissions};
use zeroize::Zeroizing;

use super::{
    Answer, Code, Failure, conduct::TokenSession, list_credentials, request::User,
    verification::Verifier,
};
use crate::settings::Policy;

/// The credential whose user is called otherwise.
pub(super) struct Target<'t> {
    pub(super) credential_id: &'t [u8],
    /// Empty where nobody knows it.
    pub(super) rp_id: &'t str,
}

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    verifier: &Verifier<'_>,
    target: &Target<'_>,
    user: &User,
) -> Result<Answer, Failure> {
    let token = verifier.token(session, Permissions::CREDENTIAL_MANAGEMENT, None)?;
    let mut user_id = None;
    for party in list_credentials::parties(session, policy, &token, target.rp_id)? {
        session.credentials(&token, &party.rp_id_hash, &mut |found| {
            if found.id.id != target.credential_id {
                return ControlFlow::Continue(());
            }
            user_id = Some(Zeroizing::new(found.user.id.to_vec()));
            ControlFlow::Break(())
        })?;
    }
    let Some(user_id) = user_id else {
        return Err(absent());
    };
    let entity = PublicKeyCredentialUserEntity {
        id: &user_id,
        name: Some(user.name.as_str()).filter(|name| !name.is_empty()),
        display_name: Some(user.display_name.as_str()).filter(|name| !name.is_empty()),
    };
    session.update_user(&token, target.credential_id, entity)?;
    Ok(Answer::Done)
}

/// No credential of this id, or none that this host lets be seen.
pub(super) fn absent() -> Failure {
    Failure::new(
        Code::CredentialNotFound,
        "the token has no such discoverable credential, or this host does not list its relying \
         party (policy.rp_ids); list the credentials to see which there are",
    )
}
