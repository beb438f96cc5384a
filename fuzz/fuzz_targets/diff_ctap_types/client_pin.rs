//! authenticatorClientPIN. CTAP 2.3 §6.5.5.

use ctap_types::ctap2::client_pin as theirs;
use keysteward_core::ctap2::client_pin as ours;

pub(crate) fn same_request(ours: &ours::Request<'_>, theirs: &theirs::Request<'_>) {
    assert_eq!(ours.pin_uv_auth_protocol, theirs.pin_protocol);
    assert_eq!(u8::from(ours.sub_command), theirs.sub_command.clone() as u8);
    let point = theirs.key_agreement.as_ref();
    assert_eq!(
        ours.key_agreement.map(|key| (&key.x[..], &key.y[..])),
        point.map(|key| (&key.x[..], &key.y[..]))
    );
    assert_eq!(
        ours.pin_uv_auth_param,
        theirs.pin_auth.map(|bytes| &bytes[..])
    );
    assert_eq!(ours.new_pin_enc, theirs.new_pin_enc.map(|bytes| &bytes[..]));
    assert_eq!(
        ours.pin_hash_enc,
        theirs.pin_hash_enc.map(|bytes| &bytes[..])
    );
    assert_eq!(
        ours.permissions.map(|one| one.0),
        theirs.permissions.map(u32::from)
    );
    assert_eq!(ours.rp_id, theirs.rp_id);
}

/// Subcommands and permissions that they do not know.
pub(crate) fn beyond_request(ours: &ours::Request<'_>) -> bool {
    matches!(ours.sub_command, ours::Subcommand::Other(_))
        || ours.permissions.is_some_and(|one| one.0 > 0xff)
}

pub(crate) fn same_response(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    let point = theirs.key_agreement.as_ref();
    assert_eq!(
        ours.key_agreement.map(|key| (&key.x[..], &key.y[..])),
        point.map(|key| (&key.x[..], &key.y[..]))
    );
    assert_eq!(
        ours.pin_uv_auth_token,
        theirs.pin_token.as_ref().map(|bytes| &bytes[..])
    );
    assert_eq!(ours.pin_retries, theirs.retries);
    assert_eq!(ours.power_cycle_state, theirs.power_cycle_state);
    assert_eq!(ours.uv_retries, theirs.uv_retries);
}

pub(crate) fn beyond_response(ours: &ours::Response<'_>) -> bool {
    ours.pin_uv_auth_token.is_some_and(|token| token.len() > 48)
}
