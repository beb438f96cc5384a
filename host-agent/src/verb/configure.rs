//! Settings of the token itself. CTAP 2.3 §6.11.

use keysteward_core::{
    cbor::List,
    ctap2::{authenticator_config::SetMinPinLength, client_pin::Permissions},
};

use super::{Answer, Failure, conduct::TokenSession, progress::Teller, request::Configure};
use crate::journal::{Probe, Settings};

pub(super) fn probe(configure: &Configure) -> Probe {
    Probe::Settings(Settings {
        min_pin_length: configure.min_pin_length,
        force_pin_change: configure.force_pin_change,
        always_uv: configure.always_uv,
        enterprise_attestation: configure.enable_enterprise_attestation,
        rp_ids: !configure.min_pin_length_rp_ids.is_empty(),
        long_touch_for_reset: configure.enable_long_touch_for_reset,
        pin_complexity_policy: configure.pin_complexity_policy,
    })
}

pub(super) fn run(
    session: &mut TokenSession<'_, '_>,
    configure: &Configure,
    teller: &Teller,
) -> Result<Answer, Failure> {
    let token = match &configure.verification {
        Some(verification) => {
            let permissions = Permissions::AUTHENTICATOR_CONFIG;
            let verifier = verification.verifier(teller);
            Some(verifier.token(session, permissions, None)?)
        }
        None => None,
    };
    if configure.enable_enterprise_attestation {
        session.enable_enterprise_attestation(token.as_ref())?;
    }
    if configure.enable_long_touch_for_reset {
        session.enable_long_touch_for_reset(token.as_ref())?;
    }
    if let Some(on) = configure.always_uv {
        session.set_always_uv(on, token.as_ref())?;
    }
    // Last, since a forced change ends every pinUvAuthToken.
    let rp_ids: Vec<&str> = configure
        .min_pin_length_rp_ids
        .iter()
        .map(String::as_str)
        .collect();
    let rules = SetMinPinLength {
        new_min_pin_length: configure.min_pin_length,
        min_pin_length_rp_ids: (!rp_ids.is_empty()).then(|| List::new(&rp_ids)),
        force_change_pin: configure.force_pin_change.then_some(true),
        pin_complexity_policy: configure.pin_complexity_policy,
    };
    if rules != SetMinPinLength::default() {
        session.set_min_pin_length(&rules, token.as_ref())?;
    }
    Ok(Answer::Done)
}
