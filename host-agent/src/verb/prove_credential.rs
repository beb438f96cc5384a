//! Proves a credential that this agent made: one getAssertion. CTAP 2.3 §6.2.
//!
//! The only assertion that is a remote verb. A server that could ask for others could sign in as
//! the token's owner wherever it liked.

use keysteward_core::{
    cbor::List,
    ctap2::{
        PublicKeyCredentialDescriptor,
        client_pin::Permissions,
        get_assertion::{Request, Response},
    },
    webauthn::authenticator_data::{AuthenticatorData, Flags},
};

use super::{
    Answer, Code, Failure, conduct::TokenSession, list_credentials, verification::Verifier,
};
use crate::journal::MadeHere;

/// Whether this agent made the credential, for this relying party.
pub(super) fn check(known: Option<&MadeHere>, rp_id: &str) -> Result<(), Failure> {
    match known {
        Some(made) if made.rp_id == rp_id => Ok(()),
        _ => Err(Failure::new(
            Code::ForbiddenByHost,
            format!(
                "this agent proves only credentials that it made itself, and it made no such one for {rp_id}"
            ),
        )),
    }
}

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    verifier: Option<&Verifier<'_>>,
    rp_id: &str,
    credential_id: &[u8],
    client_data_hash: &[u8; 32],
) -> Result<Answer, Failure> {
    let token = match verifier {
        Some(verifier) => Some(verifier.token(session, Permissions::GET_ASSERTION, Some(rp_id))?),
        None => None,
    };
    let allowed = [PublicKeyCredentialDescriptor::new(credential_id)];
    let response = session.get_assertion(
        &Request {
            rp_id,
            client_data_hash,
            allow_list: Some(List::new(&allowed)),
            extensions: None,
            options: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        },
        token,
    )?;
    is_asked_for(&response, rp_id)?;
    Ok(Answer::Asserted {
        authenticator_data: response.auth_data.to_vec(),
        signature: response.signature.to_vec(),
        user_id: response
            .user
            .map(|user| user.id.to_vec())
            .unwrap_or_default(),
    })
}

/// What the token signed is for this relying party, and somebody was there. Whose credential it is of
/// the session has seen; the signature is for who has the public key.
fn is_asked_for(response: &Response<'_>, rp_id: &str) -> Result<(), Failure> {
    let data = AuthenticatorData::parse(response.auth_data)
        .map_err(|error| malformed(&error.to_string()))?;
    if data.rp_id_hash != &list_credentials::hash(rp_id) {
        return Err(malformed("it is for another relying party"));
    }
    if !data.flags.contains(Flags::USER_PRESENT) {
        return Err(malformed("it says that nobody was there"));
    }
    Ok(())
}

fn malformed(why: &str) -> Failure {
    Failure::new(
        Code::TokenMalformed,
        format!("the token's proof is none: {why}; do not trust this token"),
    )
}
