//! authenticatorMakeCredential. CTAP 2.3 §6.1.

use ctap_types::ctap2::make_credential as theirs;
use keysteward_core::ctap2::extension::MakeCredentialInputs;
use keysteward_core::ctap2::make_credential as ours;
use keysteward_core::webauthn::attestation;

use crate::entities::{
    beyond_algorithms, same_algorithms, same_auth, same_formats, same_hmac_secret, same_list,
    same_options, same_part, same_rp, same_statement, same_user,
};

pub(crate) fn same_request(ours: &ours::Request<'_>, theirs: &theirs::Request<'_>) {
    assert_eq!(ours.client_data_hash, &theirs.client_data_hash[..]);
    same_rp(&ours.rp, &theirs.rp);
    same_user(&ours.user, &theirs.user);
    same_algorithms(ours.pub_key_cred_params, &theirs.pub_key_cred_params);
    same_list(ours.exclude_list, theirs.exclude_list.as_deref());
    same_part(ours.extensions, theirs.extensions.as_ref(), same_inputs);
    same_options(ours.options, theirs.options.as_ref());
    same_auth(
        (ours.pin_uv_auth_param, ours.pin_uv_auth_protocol),
        (theirs.pin_auth.map(|bytes| &bytes[..]), theirs.pin_protocol),
    );
    assert_eq!(
        ours.enterprise_attestation.map(u32::from),
        theirs.enterprise_attestation
    );
    same_formats(
        ours.attestation_formats_preference,
        theirs.attestation_formats_preference.as_ref(),
    );
}

/// CTAP 2.3 §12. They know neither `largeBlob` nor `pinComplexityPolicy`.
fn same_inputs(ours: &MakeCredentialInputs<'_>, theirs: &theirs::ExtensionsInput<'_>) {
    assert_eq!(ours.cred_blob, theirs.cred_blob.map(|bytes| &bytes[..]));
    assert_eq!(ours.cred_protect.map(u8::from), theirs.cred_protect);
    assert_eq!(ours.hmac_secret, theirs.hmac_secret);
    assert_eq!(ours.large_blob_key, theirs.large_blob_key);
    assert_eq!(ours.min_pin_length, theirs.min_pin_length);
    same_hmac_secret(ours.hmac_secret_mc.as_ref(), theirs.hmac_secret_mc.as_ref());
    assert_eq!(ours.third_party_payment, theirs.third_party_payment);
}

pub(crate) fn beyond_request(ours: &ours::Request<'_>) -> bool {
    // Lengths of names are theirs to choose.
    ours.rp.id.len() > 256
        || ours.user.id.len() > 64
        || ours.exclude_list.is_some_and(|list| list.len() > 16)
        // Extensions are read at once, and must be of the right type.
        || ours.extensions.is_some()
        || beyond_algorithms(ours.pub_key_cred_params)
}

pub(crate) fn same_response(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    assert_eq!(ours.fmt, <&str>::from(theirs.fmt));
    assert_eq!(ours.auth_data, &theirs.auth_data[..]);
    same_statement(ours.fmt, ours.att_stmt, theirs.att_stmt.as_ref());
    assert_eq!(ours.ep_att, theirs.ep_att);
    assert_eq!(
        ours.large_blob_key.map(|key| &key.0[..]),
        theirs.large_blob_key.as_ref().map(|key| &key[..])
    );
    assert_eq!(
        ours.unsigned_extension_outputs.is_some(),
        theirs.unsigned_extension_outputs.is_some()
    );
}

/// They have two formats, read their statements at once, and have no unsigned outputs.
pub(crate) fn beyond_response(ours: &ours::Response<'_>) -> bool {
    ![attestation::NONE, attestation::PACKED].contains(&ours.fmt)
        || ours.auth_data.len() > 676
        || ours.att_stmt.is_some()
        || ours.unsigned_extension_outputs.is_some()
}
