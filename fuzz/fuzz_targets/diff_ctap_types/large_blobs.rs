//! authenticatorLargeBlobs. CTAP 2.3 §6.10.

use ctap_types::ctap2::large_blobs as theirs;
use keysteward_core::ctap2::large_blobs as ours;

pub(crate) fn same_request(ours: &ours::Request<'_>, theirs: &theirs::Request<'_>) {
    assert_eq!(ours.get, theirs.get);
    assert_eq!(ours.set, theirs.set.map(|bytes| &bytes[..]));
    assert_eq!(ours.offset, theirs.offset);
    assert_eq!(ours.length, theirs.length);
    assert_eq!(
        ours.pin_uv_auth_param,
        theirs.pin_uv_auth_param.map(|bytes| &bytes[..])
    );
    assert_eq!(
        ours.pin_uv_auth_protocol.map(u32::from),
        theirs.pin_uv_auth_protocol
    );
}

pub(crate) const fn beyond_request(_: &ours::Request<'_>) -> bool {
    false
}

pub(crate) fn same_response(ours: &ours::Response<'_>, theirs: &theirs::Response) {
    assert_eq!(ours.config, theirs.config.as_ref().map(|bytes| &bytes[..]));
}

/// Their messages are those of a smaller transport.
pub(crate) fn beyond_response(ours: &ours::Response<'_>) -> bool {
    ours.config.is_some_and(|one| one.len() > 3008)
}
