//! A vendor's own command of authenticatorConfig. CTAP 2.3 §6.11.5.
//!
//! As opaque as raw bytes, and allowed or forbidden with them; but the token lists the command, and
//! it is proven by a pinUvAuthToken that never leaves the agent.

use keysteward_core::{
    cbor::{Parse as _, Raw},
    ctap2::{Command, authenticator_config::VendorPrototype, client_pin::Permissions},
};

use super::{
    Answer, Code, Failure, conduct::TokenSession, progress::Teller, request::VendorConfigure,
};
use crate::journal::Probe;

pub(super) fn probe() -> Probe {
    Probe::Raw {
        command: Command::AuthenticatorConfig.into(),
    }
}

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    vendor: &VendorConfigure,
    teller: &Teller,
) -> Result<Answer, Failure> {
    let members = vendor
        .parameters
        .iter()
        .map(|(key, value)| Ok((i64::from(*key), Raw::parse(value)?)))
        .collect::<Result<Vec<_>, keysteward_core::cbor::Error>>()
        .map_err(|error| Failure::new(Code::InvalidRequest, error.to_string()))?;
    let token = match &vendor.verification {
        Some(verification) => {
            let permissions = Permissions::AUTHENTICATOR_CONFIG;
            let verifier = verification.verifier(teller);
            Some(verifier.token(session, permissions, None)?)
        }
        None => None,
    };
    let command = VendorPrototype::new(vendor.vendor_command_id, &members);
    session.vendor_prototype(&command, token.as_ref())?;
    Ok(Answer::Done)
}
