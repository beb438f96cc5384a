//! Which credentials are on the token: a silent getAssertion (CTAP 2.3 §6.2), without touch or PIN.
//! Credentials of credProtect level 3 stay hidden from it.

use super::{Answer, Failure, conduct::TokenSession};

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    rp_id: &str,
    ids: &[Vec<u8>],
) -> Result<Answer, Failure> {
    let mut credential_ids = Vec::new();
    for id in ids {
        if is_there(session, rp_id, id)? {
            credential_ids.push(id.clone());
        }
    }
    Ok(Answer::Found { credential_ids })
}

/// Whether a silent look shows the credential.
pub(super) fn is_there(
    session: &mut TokenSession<'_, '_>,
    rp_id: &str,
    id: &[u8],
) -> Result<bool, Failure> {
    let found = session.find_credential(rp_id, [id].into_iter(), None)?;
    Ok(found.is_some())
}
