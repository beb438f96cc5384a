//! authenticatorCredentialManagement. CTAP 2.3 §6.8.

use ctap_types::ctap2::credential_management as theirs;
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::credential_management as ours;
use keysteward_core::webauthn::cose::PublicKey;

use crate::entities::{
    beyond_descriptor, same_auth, same_descriptor, same_part, same_rp, same_user,
};

pub(crate) fn same_request(ours: &ours::Request<'_>, theirs: &theirs::Request<'_>) {
    assert_eq!(u8::from(ours.sub_command), theirs.sub_command as u8);
    same_auth(
        (ours.pin_uv_auth_param, ours.pin_uv_auth_protocol),
        (theirs.pin_auth.map(|bytes| &bytes[..]), theirs.pin_protocol),
    );
    let params = theirs.sub_command_params.as_ref();
    same_part(ours.sub_command_params, params, same_params);
}

fn same_params(ours: &ours::SubcommandParams<'_>, theirs: &theirs::SubcommandParameters<'_>) {
    assert_eq!(
        ours.rp_id_hash.map(|hash| &hash[..]),
        theirs.rp_id_hash.map(|hash| &hash[..])
    );
    assert_eq!(
        ours.credential_id.map(|one| (one.id, one.type_)),
        theirs
            .credential_id
            .as_ref()
            .map(|one| (&one.id[..], one.key_type))
    );
    assert_eq!(ours.user.is_some(), theirs.user.is_some());
    if let (Some(ours), Some(theirs)) = (&ours.user, &theirs.user) {
        same_user(ours, theirs);
    }
}

/// Their parameters are read at once, whatever the subcommand.
pub(crate) fn beyond_request(ours: &ours::Request<'_>) -> bool {
    matches!(ours.sub_command, ours::Subcommand::Other(_)) || ours.sub_command_params.is_some()
}

pub(crate) fn same_response(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    assert_eq!(
        ours.existing_resident_credentials_count,
        theirs.existing_resident_credentials_count
    );
    assert_eq!(
        ours.max_possible_remaining_resident_credentials_count,
        theirs.max_possible_remaining_residential_credentials_count
    );
    assert_eq!(ours.rp.is_some(), theirs.rp.is_some());
    if let (Some(ours), Some(theirs)) = (&ours.rp, &theirs.rp) {
        same_rp(ours, theirs);
    }
    assert_eq!(
        ours.rp_id_hash.map(|hash| &hash[..]),
        theirs.rp_id_hash.as_ref().map(|hash| &hash[..])
    );
    assert_eq!(ours.total_rps, theirs.total_rps);
    assert_eq!(ours.user.is_some(), theirs.user.is_some());
    if let (Some(ours), Some(theirs)) = (&ours.user, &theirs.user) {
        same_user(ours, theirs);
    }
    same_descriptor(ours.credential_id, theirs.credential_id.as_ref());
    assert_eq!(ours.public_key.is_some(), theirs.public_key.is_some());
    if let (Some(ours), Some(theirs)) = (&ours.public_key, &theirs.public_key) {
        let mut buffer = [0; 256];
        let again = cbor_smol::cbor_serialize(theirs, &mut buffer).expect("room for a key");
        let again = PublicKey::parse(again).expect("a COSE_Key");
        // What they read of a key whose members disagree, or that has more than they know, is
        // carried through by us.
        assert!(
            matches!(ours, PublicKey::Other { .. }) || ours.is_same_key(&again),
            "{ours:?}, theirs {again:?}"
        );
    }
    assert_eq!(ours.total_credentials, theirs.total_credentials);
    assert_eq!(ours.cred_protect, theirs.cred_protect.map(|one| one as u8));
    assert_eq!(
        ours.large_blob_key.map(|key| &key.0[..]),
        theirs.large_blob_key.as_ref().map(|key| &key[..])
    );
    assert_eq!(ours.third_party_payment, theirs.third_party_payment);
}

/// Names that are too long for them, keys of algorithms that they do not have, protections of a
/// later edition.
pub(crate) fn beyond_response(ours: &ours::Response<'_>) -> bool {
    ours.rp.is_some_and(|rp| rp.id.len() > 256)
        || ours.user.is_some_and(|user| user.id.len() > 64)
        || ours.credential_id.is_some_and(beyond_descriptor)
        || ours.cred_protect.is_some_and(|one| !(1..=3).contains(&one))
        || ours
            .public_key
            .as_ref()
            .is_some_and(|key| !matches!(key, PublicKey::Es256 { .. } | PublicKey::Ed25519 { .. }))
}
