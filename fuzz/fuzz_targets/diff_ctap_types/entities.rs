//! What several messages carry. WebAuthn Level 3 §5.4, CTAP 2.3 §6.1, §12.

use std::fmt::Debug;

use ctap_types::ctap2::{self as theirs, AttestationStatement};
use ctap_types::webauthn::{
    FilteredPublicKeyCredentialParameters, PublicKeyCredentialDescriptor,
    PublicKeyCredentialDescriptorRef, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
};
use keysteward_core::cbor::{List, Parse, Raw};
use keysteward_core::ctap2::extension::HmacSecretInput;
use keysteward_core::ctap2::make_credential::Options;
use keysteward_core::ctap2::{self as ours, PublicKeyCredentialParameters};
use keysteward_core::webauthn::attestation::{self, Statement};

use crate::theirs_alone;

pub(crate) fn same_rp(
    ours: &ours::PublicKeyCredentialRpEntity<'_>,
    theirs: &PublicKeyCredentialRpEntity,
) {
    assert_eq!(ours.id, theirs.id.as_str());
    same_name(ours.name, theirs.name.as_deref());
}

pub(crate) fn same_user(
    ours: &ours::PublicKeyCredentialUserEntity<'_>,
    theirs: &PublicKeyCredentialUserEntity,
) {
    assert_eq!(ours.id, &theirs.id[..]);
    same_name(ours.name, theirs.name.as_deref());
    same_name(ours.display_name, theirs.display_name.as_deref());
}

/// They keep 64 bytes of a name, up to the last whole character.
fn same_name(ours: Option<&str>, theirs: Option<&str>) {
    assert_eq!(
        ours.map(|name| &name[..name.floor_char_boundary(64)]),
        theirs
    );
}

pub(crate) fn same_list(
    ours: Option<List<'_, ours::PublicKeyCredentialDescriptor<'_>>>,
    theirs: Option<&[PublicKeyCredentialDescriptorRef<'_>]>,
) {
    assert_eq!(ours.map(|list| list.len()), theirs.map(<[_]>::len));
    let ours = ours.into_iter().flat_map(|list| list.iter());
    for (ours, theirs) in ours.zip(theirs.unwrap_or_default()) {
        assert_eq!((ours.id, ours.type_), (&theirs.id[..], theirs.key_type));
    }
}

pub(crate) fn same_descriptor(
    ours: Option<ours::PublicKeyCredentialDescriptor<'_>>,
    theirs: Option<&PublicKeyCredentialDescriptor>,
) {
    assert_eq!(
        ours.map(|one| (one.id, one.type_)),
        theirs.map(|one| (&one.id[..], one.key_type.as_str()))
    );
}

/// Beyond what they have room for.
pub(crate) fn beyond_descriptor(one: ours::PublicKeyCredentialDescriptor<'_>) -> bool {
    one.id.len() > 255 || one.type_.len() > 32
}

pub(crate) fn same_options(ours: Option<Options>, theirs: Option<&theirs::AuthenticatorOptions>) {
    assert_eq!(
        ours.map(|options| (options.rk, options.up, options.uv)),
        theirs.map(|options| (options.rk, options.up, options.uv))
    );
}

/// They keep the algorithms that they have, as many as they have.
pub(crate) fn same_algorithms(
    ours: List<'_, PublicKeyCredentialParameters<'_>>,
    theirs: &FilteredPublicKeyCredentialParameters,
) {
    const THEIRS: [i64; 2] = [-7, -8];
    let ours: Vec<i64> = ours
        .iter()
        .filter(|one| one.type_ == ours::PUBLIC_KEY)
        .map(|one| i64::from(one.alg))
        .filter(|alg| THEIRS.contains(alg))
        .take(THEIRS.len())
        .collect();
    let theirs: Vec<i64> = theirs.0.iter().map(|one| one.alg().into()).collect();
    assert_eq!(ours, theirs);
}

/// A name that is too long for them, or an algorithm of more than 32 bits.
pub(crate) fn beyond_algorithms(ours: List<'_, PublicKeyCredentialParameters<'_>>) -> bool {
    ours.iter()
        .any(|one| one.type_.len() > 32 || i32::try_from(i64::from(one.alg)).is_err())
}

/// They keep the formats that they have, as many as they have, and whether there are others.
pub(crate) fn same_formats(
    ours: Option<List<'_, &str>>,
    theirs: Option<&theirs::AttestationFormatsPreference>,
) {
    const THEIRS: [&str; 2] = [attestation::NONE, attestation::PACKED];
    let known = |list: List<'_, &str>| {
        let known = list.iter().filter(|one| THEIRS.contains(one));
        let known: Vec<String> = known.take(THEIRS.len()).map(str::to_owned).collect();
        (known, list.iter().any(|one| !THEIRS.contains(&one)))
    };
    let named = |list: &theirs::AttestationFormatsPreference| {
        let known = list.known_formats().iter().map(|one| <&str>::from(*one));
        let known: Vec<String> = known.map(str::to_owned).collect();
        (known, list.includes_unknown_formats())
    };
    assert_eq!(ours.map(known), theirs.map(named));
}

/// pinUvAuthParam and pinUvAuthProtocol, of which they make numbers of different lengths.
pub(crate) fn same_auth<P: From<u8> + PartialEq + Debug>(
    (our_param, our_protocol): (Option<&[u8]>, Option<u8>),
    (their_param, their_protocol): (Option<&[u8]>, Option<P>),
) {
    assert_eq!(our_param, their_param);
    assert_eq!(our_protocol.map(P::from), their_protocol);
}

/// What they read at once and we when it is asked for: extensions, parameters of subcommands.
pub(crate) fn same_part<'a, O: Parse<'a>, T>(
    ours: Option<Raw<'a>>,
    theirs: Option<&T>,
    same: impl FnOnce(&O, &T),
) {
    assert_eq!(ours.is_some(), theirs.is_some());
    if let (Some(raw), Some(theirs)) = (ours, theirs) {
        match O::parse(raw.bytes()) {
            Ok(ours) => same(&ours, theirs),
            Err(error) => assert!(theirs_alone(error), "{error} for {:02x?}", raw.bytes()),
        }
    }
}

pub(crate) fn same_hmac_secret(
    ours: Option<&HmacSecretInput<'_>>,
    theirs: Option<&theirs::get_assertion::HmacSecretInput>,
) {
    assert_eq!(ours.is_some(), theirs.is_some());
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        assert_eq!(&ours.key_agreement.x[..], &theirs.key_agreement.x[..]);
        assert_eq!(&ours.key_agreement.y[..], &theirs.key_agreement.y[..]);
        assert_eq!(ours.salt_enc, &theirs.salt_enc[..]);
        assert_eq!(ours.salt_auth, &theirs.salt_auth[..]);
        let protocol = ours.pin_uv_auth_protocol.map(u32::from);
        assert_eq!(protocol, theirs.pin_protocol);
    }
}

/// They tell a statement by its members, we by its format: what is compared is one of `packed` that
/// we read.
pub(crate) fn same_statement(
    fmt: &str,
    ours: Option<Raw<'_>>,
    theirs: Option<&AttestationStatement>,
) {
    assert_eq!(ours.is_some(), theirs.is_some());
    let (Some(raw), Some(AttestationStatement::Packed(theirs))) = (ours, theirs) else {
        return;
    };
    if let Ok(Statement::Packed { alg, sig, x5c }) = Statement::parse(fmt, raw) {
        assert_eq!(i64::from(alg), i64::from(theirs.alg));
        assert_eq!(sig, &theirs.sig[..]);
        let ours: Option<Vec<&[u8]>> = x5c.map(|chain| chain.iter().collect());
        let theirs = theirs.x5c.as_ref();
        let theirs: Option<Vec<&[u8]>> = theirs.map(|x5c| x5c.iter().map(|one| &one[..]).collect());
        assert_eq!(ours, theirs);
    }
}
