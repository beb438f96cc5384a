//! authenticatorGetAssertion. CTAP 2.3 §6.2. Members 0x08 and 0x09 of their request, 0x09 and 0x0A of
//! their response, which ask for an attestation, are of none of the editions that we read.

use ctap_types::ctap2::get_assertion as theirs;
use keysteward_core::ctap2::extension::GetAssertionInputs;
use keysteward_core::ctap2::get_assertion as ours;

use crate::entities::{
    beyond_descriptor, same_auth, same_descriptor, same_hmac_secret, same_list, same_options,
    same_part, same_user,
};

pub(crate) fn same_request(ours: &ours::Request<'_>, theirs: &theirs::Request<'_>) {
    assert_eq!(ours.rp_id, theirs.rp_id);
    assert_eq!(ours.client_data_hash, &theirs.client_data_hash[..]);
    same_list(ours.allow_list, theirs.allow_list.as_deref());
    same_part(ours.extensions, theirs.extensions.as_ref(), same_inputs);
    same_options(ours.options, theirs.options.as_ref());
    same_auth(
        (ours.pin_uv_auth_param, ours.pin_uv_auth_protocol),
        (theirs.pin_auth.map(|bytes| &bytes[..]), theirs.pin_protocol),
    );
}

/// CTAP 2.3 §12. They do not know `largeBlob`.
fn same_inputs(ours: &GetAssertionInputs<'_>, theirs: &theirs::ExtensionsInput) {
    assert_eq!(ours.cred_blob, theirs.cred_blob);
    same_hmac_secret(ours.hmac_secret.as_ref(), theirs.hmac_secret.as_ref());
    assert_eq!(ours.large_blob_key, theirs.large_blob_key);
    assert_eq!(ours.third_party_payment, theirs.third_party_payment);
}

/// Their lists hold ten, and extensions are read at once.
pub(crate) fn beyond_request(ours: &ours::Request<'_>) -> bool {
    ours.allow_list.is_some_and(|list| list.len() > 10) || ours.extensions.is_some()
}

pub(crate) fn same_response(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    same_descriptor(ours.credential, Some(&theirs.credential));
    assert_eq!(ours.auth_data, &theirs.auth_data[..]);
    assert_eq!(ours.signature, &theirs.signature[..]);
    assert_eq!(ours.user.is_some(), theirs.user.is_some());
    if let (Some(ours), Some(theirs)) = (&ours.user, &theirs.user) {
        same_user(ours, theirs);
    }
    assert_eq!(ours.number_of_credentials, theirs.number_of_credentials);
    assert_eq!(ours.user_selected, theirs.user_selected);
    assert_eq!(
        ours.large_blob_key.map(|key| &key.0[..]),
        theirs.large_blob_key.as_ref().map(|key| &key[..])
    );
    assert_eq!(
        ours.unsigned_extension_outputs.is_some(),
        theirs.unsigned_extension_outputs.is_some()
    );
}

/// They want the credential even where one alone was named (CTAP 2.0 lets it be left away), have no
/// unsigned outputs, and sign in at most 77 bytes.
pub(crate) fn beyond_response(ours: &ours::Response<'_>) -> bool {
    ours.credential.is_none_or(beyond_descriptor)
        || ours.auth_data.len() > 676
        || ours.signature.len() > 77
        || ours.user.is_some_and(|user| user.id.len() > 64)
        || ours.unsigned_extension_outputs.is_some()
}
