//! Every check, and a statement that fails it.

mod anchors;
mod android_key;
mod apple;
mod compound;
mod data;
mod enterprise;
mod fido_u2f;
mod maker;
mod metadata;
mod packed;
mod path;
mod published;
mod tpm;
mod unrooted;

use super::*;
use keysteward_core::{
    cbor::{Encode, List},
    webauthn::cose::Algorithm,
};
use maker::{
    AAGUID, CLIENT_DATA_HASH, Credential, Maker, RP_ID, der, extension, object, packed, packed_as,
    statement, u2f,
};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, KeyPair, date_time_ymd,
};

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

const EXPECTED: Expected<'static> = Expected {
    rp_id: RP_ID,
    user_verified: true,
    algorithms: &[-7, -8],
    aaguids: &[],
    template_aaguids: &[],
    blocked_aaguids: &[],
    serial: None,
    one_device: false,
};

fn rooted(maker: &Maker) -> Trust {
    Trust::new(&[&maker.root], Unrooted::default()).unwrap()
}

fn unrooted(none: bool, itself: bool) -> Trust {
    Trust::new::<&str>(&[], Unrooted { none, itself }).unwrap()
}

fn check(object: &[u8], trust: &Trust) -> Result<VerifiedAttestation, Refusal> {
    verify(object, &CLIENT_DATA_HASH, &EXPECTED, trust, now())
}

/// A packed statement by a maker whose certificate was changed.
fn with_certificate(change: impl FnOnce(&mut CertificateParams)) -> Refusal {
    let maker = Maker::with(change);
    let credential = Credential::new();
    check(&packed(&maker, &credential.auth_data()), &rooted(&maker)).unwrap_err()
}

/// A self-attested statement whose authenticator data were changed.
fn with_data(change: impl FnOnce(&mut Vec<u8>)) -> Refusal {
    let credential = Credential::new();
    let mut data = credential.auth_data();
    change(&mut data);
    let object = credential.attest(&data);
    check(&object, &unrooted(true, true)).unwrap_err()
}
