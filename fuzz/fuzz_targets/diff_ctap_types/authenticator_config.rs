//! authenticatorConfig. CTAP 2.3 §6.11.

use ctap_types::ctap2::config as theirs;
use keysteward_core::ctap2::authenticator_config as ours;

use crate::entities::{same_auth, same_part};

pub(crate) fn same_request(ours: &ours::Request<'_>, theirs: &theirs::Request<'_>) {
    assert_eq!(u8::from(ours.sub_command), theirs.sub_command as u8);
    same_auth(
        (ours.pin_uv_auth_param, ours.pin_uv_auth_protocol),
        (theirs.pin_auth.map(|bytes| &bytes[..]), theirs.pin_protocol),
    );
    let params = theirs.sub_command_params.as_ref();
    same_part(ours.sub_command_params, params, same_rules);
}

/// They do not know `pinComplexityPolicy`.
fn same_rules(ours: &ours::SetMinPinLength<'_>, theirs: &theirs::SubcommandParameters<'_>) {
    assert_eq!(
        ours.new_min_pin_length,
        theirs.new_min_pin_length.map(u32::from)
    );
    let ours_ids: Option<Vec<&str>> = ours.min_pin_length_rp_ids.map(|ids| ids.iter().collect());
    assert_eq!(ours_ids.as_deref(), theirs.min_pin_length_rp_ids.as_deref());
    assert_eq!(ours.force_change_pin, theirs.force_change_pin);
}

/// Their parameters are those of setMinPINLength, whatever the subcommand.
pub(crate) fn beyond_request(ours: &ours::Request<'_>) -> bool {
    matches!(ours.sub_command, ours::Subcommand::Other(_)) || ours.sub_command_params.is_some()
}
