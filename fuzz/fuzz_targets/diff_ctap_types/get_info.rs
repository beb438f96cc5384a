//! authenticatorGetInfo. CTAP 2.3 §6.4.

use ctap_types::ctap2::get_info as theirs;
use keysteward_core::cbor::List;
use keysteward_core::ctap2::get_info as ours;

use crate::entities::same_algorithms;

pub(crate) fn same_response(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    assert_eq!(ours.aaguid, &theirs.aaguid[..]);
    let versions = theirs.versions.iter().map(|one| <&str>::from(*one));
    assert!(ours.versions.iter().eq(versions));
    same_names(ours.extensions, theirs.extensions.as_deref());
    same_names(ours.transports, theirs.transports.as_deref());
    same_names(
        ours.attestation_formats,
        theirs.attestation_formats.as_deref(),
    );
    let reset = theirs.transports_for_reset.as_ref();
    assert_eq!(
        texts(ours.transports_for_reset),
        reset.map(|list| list.iter().map(|one| one.as_str()).collect())
    );
    assert_eq!(
        ours.pin_uv_auth_protocols
            .map(|list| list.iter().collect::<Vec<u8>>()),
        theirs.pin_protocols.as_ref().map(|list| list.to_vec())
    );
    assert_eq!(ours.algorithms.is_some(), theirs.algorithms.is_some());
    if let (Some(ours), Some(theirs)) = (ours.algorithms, &theirs.algorithms) {
        same_algorithms(ours, theirs);
    }
    same_counts(ours, theirs);
    same_flags(ours, theirs);
    if let Some(theirs) = &theirs.options {
        same_options(&ours.options, theirs);
    }
    if let Some(theirs) = &theirs.certifications {
        same_certifications(ours, theirs);
    }
    assert_eq!(
        ours.authenticator_config_commands
            .map(|list| list.iter().collect::<Vec<u8>>()),
        theirs
            .authenticator_config_commands
            .as_ref()
            .map(|list| list.iter().map(|one| *one as u8).collect())
    );
    // To them encIdentifier, encCredStoreState and the policy's URL are text, and the vendor's
    // commands one number: by §6.4 they are bytes and a list, and a member of another type is
    // passed over here.
    let texts = [
        (ours.enc_identifier, theirs.enc_identifier.is_some()),
        (
            ours.enc_cred_store_state,
            theirs.enc_cred_store_state.is_some(),
        ),
        (
            ours.pin_complexity_policy_url,
            theirs.pin_complexity_policy_url.is_some(),
        ),
    ];
    for (bytes, text) in texts {
        assert!(bytes.is_none() || !text);
    }
    assert!(
        ours.vendor_prototype_config_commands.is_none()
            || theirs.vendor_prototype_config_commands.is_none()
    );
}

/// Numbers of more than 32 bits are passed over here: no key has more of anything.
fn same_counts(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    let counts = [
        (ours.max_msg_size, theirs.max_msg_size),
        (ours.max_credential_count_in_list, theirs.max_creds_in_list),
        (ours.max_credential_id_length, theirs.max_cred_id_length),
        (
            ours.max_serialized_large_blob_array,
            theirs.max_serialized_large_blob_array,
        ),
        (ours.max_cred_blob_length, theirs.max_cred_blob_length),
        (
            ours.max_rp_ids_for_set_min_pin_length,
            theirs.max_rpids_for_set_min_pin_length,
        ),
        (
            ours.preferred_platform_uv_attempts,
            theirs.preferred_platform_uv_attempts,
        ),
        (
            ours.remaining_discoverable_credentials,
            theirs.remaining_discoverable_credentials,
        ),
        (
            ours.uv_count_since_last_pin_entry,
            theirs.uv_count_since_last_pin_entry,
        ),
        (ours.min_pin_length, theirs.min_pin_length.map(usize::from)),
        (ours.max_pin_length, theirs.max_pin_length.map(usize::from)),
    ];
    for (at, (ours, theirs)) in counts.into_iter().enumerate() {
        assert_eq!(
            ours,
            theirs.and_then(|one| u32::try_from(one).ok()),
            "count {at}"
        );
    }
    let wide = |one: Option<usize>| one.map(|one| one as u64);
    assert_eq!(ours.firmware_version, wide(theirs.firmware_version));
    assert_eq!(ours.uv_modality.map(|one| one.0), wide(theirs.uv_modality));
}

fn same_flags(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    assert_eq!(ours.force_pin_change, theirs.force_pin_change);
    assert_eq!(ours.long_touch_for_reset, theirs.long_touch_for_reset);
    assert_eq!(ours.pin_complexity_policy, theirs.pin_complexity_policy);
}

fn same_options(ours: &ours::Options<'_>, theirs: &theirs::CtapOptions) {
    assert_eq!((ours.rk(), ours.up()), (Some(theirs.rk), Some(theirs.up)));
    let options = [
        (ours.ep(), theirs.ep),
        (ours.uv(), theirs.uv),
        (ours.plat(), theirs.plat),
        (ours.uv_acfg(), theirs.uv_acfg),
        (ours.always_uv(), theirs.always_uv),
        (ours.cred_mgmt(), theirs.cred_mgmt),
        (ours.authnr_cfg(), theirs.authnr_cfg),
        (ours.bio_enroll(), theirs.bio_enroll),
        (ours.client_pin(), theirs.client_pin),
        (ours.large_blobs(), theirs.large_blobs),
        (ours.uv_bio_enroll(), theirs.uv_bio_enroll),
        (ours.pin_uv_auth_token(), theirs.pin_uv_auth_token),
        (ours.set_min_pin_length(), theirs.set_min_pin_length),
        (ours.make_cred_uv_not_rqd(), theirs.make_cred_uv_not_rqd),
        (
            ours.credential_mgmt_preview(),
            theirs.credential_mgmt_preview,
        ),
        (
            ours.user_verification_mgmt_preview(),
            theirs.user_verification_mgmt_preview,
        ),
        (
            ours.no_mc_ga_permissions_with_client_pin(),
            theirs.no_mc_ga_permissions_with_client_pin,
        ),
    ];
    for (at, (ours, theirs)) in options.into_iter().enumerate() {
        assert_eq!(ours, theirs, "option {at}");
    }
}

fn same_certifications(ours: &ours::Response<'_>, theirs: &theirs::Certifications) {
    let ours = ours.certifications.unwrap_or_default();
    for (name, level) in [
        ("FIDO", theirs.fido),
        ("CC-EAL", theirs.cc_eal),
        ("FIPS-CMVP-2", theirs.fips_cmpv2),
        ("FIPS-CMVP-3", theirs.fips_cmpv3),
        ("FIPS-CMVP-2-PHY", theirs.fips_cmpv2_phy),
        ("FIPS-CMVP-3-PHY", theirs.fips_cmpv3_phy),
    ] {
        assert_eq!(ours.get(name), level.map(u64::from), "{name}");
    }
}

fn same_names<T: Copy>(ours: Option<List<'_, &str>>, theirs: Option<&[T]>)
where
    &'static str: From<T>,
{
    assert_eq!(
        texts(ours),
        theirs.map(|list| list.iter().map(|one| <&'static str>::from(*one)).collect())
    );
}

fn texts<'a>(list: Option<List<'a, &'a str>>) -> Option<Vec<&'a str>> {
    list.map(|list| list.iter().collect())
}

/// They read what they know, of the lengths that they know: an unknown version, extension or
/// transport ends the reading, as do more protocols, formats or algorithms than they have room for,
/// and options without `up`.
pub(crate) fn beyond_response(ours: &ours::Response<'_>) -> bool {
    const VERSIONS: [&str; 5] = [
        ours::FIDO_2_0,
        ours::FIDO_2_1,
        ours::FIDO_2_1_PRE,
        ours::FIDO_2_3,
        ours::U2F_V2,
    ];
    ours.versions.len() > VERSIONS.len()
        || ours.versions.iter().any(|one| !VERSIONS.contains(&one))
        || ours.extensions.is_some()
        || ours.transports.is_some()
        || !ours.options.0.is_empty()
        || ours.algorithms.is_some()
        || ours
            .pin_uv_auth_protocols
            .is_some_and(|list| list.len() > 2)
        || [ours.min_pin_length, ours.max_pin_length]
            .iter()
            .any(|length| length.is_some_and(|length| length > 255))
        || ours.certifications.is_some()
        || ours.attestation_formats.is_some()
        || ours.vendor_prototype_config_commands.is_some()
        || ours.enc_identifier.is_some()
        || ours.enc_cred_store_state.is_some()
        || ours.pin_complexity_policy_url.is_some()
        || ours.transports_for_reset.is_some()
        || ours.authenticator_config_commands.is_some()
}
