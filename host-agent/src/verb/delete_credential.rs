//! Deletes a discoverable credential. CTAP 2.3 §6.8.5.

use keysteward_core::ctap2::client_pin::Permissions;

use super::{
    Answer, Code, Failure, conduct::TokenSession, look_for_credentials::is_there,
    verification::Verifier,
};
use crate::{
    journal::{MadeHere, Probe},
    settings::Policy,
};

/// Looks whether the credential shows before, so that its absence proves something after.
///
/// A host that lists relying parties lets only theirs be deleted, and takes nobody's word for
/// whose a credential is: this agent made it, or the token shows it under that relying party.
pub(super) fn probe(
    session: &mut TokenSession<'_, '_>,
    policy: &Policy,
    credential_id: &[u8],
    rp_id: &str,
    known: Option<&MadeHere>,
) -> Result<Probe, Failure> {
    let rp_id = match (rp_id, known) {
        ("", Some(made)) => made.rp_id.as_str(),
        (given, _) => given,
    };
    let restricted = policy.rp_ids.is_some();
    if restricted && rp_id.is_empty() {
        return Err(Failure::invalid(
            "rp_id",
            "nothing",
            "the credential's relying party, since this host lists relying parties (policy.rp_ids)",
        ));
    }
    if restricted {
        policy.check_rp_id(rp_id)?;
    }
    let was_visible = !rp_id.is_empty() && is_there(session, rp_id, credential_id)?;
    let is_its = was_visible || known.is_some_and(|made| made.rp_id == rp_id);
    if restricted && !is_its {
        return Err(Failure::new(
            Code::CredentialNotFound,
            format!(
                "the token shows no such credential of {rp_id}, and this host lets no others be deleted (policy.rp_ids)"
            ),
        ));
    }
    Ok(Probe::Deleted {
        rp_id: rp_id.to_owned(),
        credential_id: credential_id.to_vec(),
        was_visible,
    })
}

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    verifier: &Verifier<'_>,
    credential_id: &[u8],
) -> Result<Answer, Failure> {
    let token = verifier.token(session, Permissions::CREDENTIAL_MANAGEMENT, None)?;
    session.delete_credential(&token, credential_id)?;
    Ok(Answer::Done)
}
