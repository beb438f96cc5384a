//! Every check, and a statement that fails it.

mod maker;

use super::*;
use jiff::Timestamp;
use keysteward_core::webauthn::attestation::VerifyError;
use maker::{AAGUID, CLIENT_DATA_HASH, Credential, Maker, RP_ID, object, packed, u2f};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, date_time_ymd};

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

const EXPECTED: Expected<'static> = Expected {
    rp_id: RP_ID,
    user_verified: true,
    algorithms: &[-7, -8],
    aaguids: &[],
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

#[test]
fn a_packed_statement_is_proven_to_the_root_of_its_token_type() {
    let maker = Maker::new();
    let credential = Credential::new();
    let verified = check(&packed(&maker, &credential.auth_data()), &rooted(&maker)).unwrap();
    assert_eq!(verified.credential_id(), credential.id);
    assert_eq!(verified.public_key_cose(), credential.cose());
    assert_eq!((verified.aaguid(), verified.sign_count()), (AAGUID, 5));
    assert_eq!(verified.format(), "packed");
    assert_eq!(verified.to_string(), "packed, proven to CN=Example Root");
}

#[test]
fn a_path_may_lead_over_an_intermediate_and_to_an_rsa_root() {
    for maker in [Maker::with_intermediate(), Maker::with_rsa_root()] {
        let credential = Credential::new();
        let verified = check(&packed(&maker, &credential.auth_data()), &rooted(&maker)).unwrap();
        assert!(matches!(verified.proof(), Proof::Root { .. }));
    }
}

#[test]
fn the_right_one_of_several_roots_is_found() {
    let (maker, other) = (Maker::new(), Maker::new());
    let both = other.root.clone() + &maker.root;
    let trust = Trust::new(&[both], Unrooted::default()).unwrap();
    check(&packed(&maker, &Credential::new().auth_data()), &trust).unwrap();
}

#[test]
fn a_root_that_is_the_certificate_itself_stands_for_it_alone() {
    let (maker, other) = (Maker::new(), Maker::new());
    let trust = Trust::new(&[maker.leaf_pem()], Unrooted::default()).unwrap();
    let data = Credential::new().auth_data();
    check(&packed(&maker, &data), &trust).unwrap();
    assert_eq!(
        check(&packed(&other, &data), &trust),
        Err(Refusal::UnknownRoot)
    );
}

#[test]
fn a_u2f_statement_is_proven_to_its_root() {
    let maker = Maker::u2f();
    let credential = Credential::u2f();
    let verified = check(
        &u2f(&maker, &credential, &credential.auth_data()),
        &rooted(&maker),
    )
    .unwrap();
    assert_eq!(verified.to_string(), "fido-u2f, proven to CN=Example Root");
}

#[test]
fn none_and_self_are_accepted_only_where_the_token_type_says_so() {
    let credential = Credential::new();
    let data = credential.auth_data();
    let (none, itself) = (object("none", &[0xA0], &data), credential.attest(&data));
    let accepted = check(&none, &unrooted(true, false)).unwrap();
    assert_eq!(
        (accepted.proof(), accepted.to_string().as_str()),
        (&Proof::Nothing, "none")
    );
    let accepted = check(&itself, &unrooted(false, true)).unwrap();
    assert_eq!(
        (accepted.proof(), accepted.format()),
        (&Proof::Itself, "packed")
    );

    for (object, trust) in [
        (&none, unrooted(false, true)),
        (&itself, unrooted(true, false)),
    ] {
        assert!(matches!(
            check(object, &trust),
            Err(Refusal::NotRooted { .. })
        ));
    }
}

#[test]
fn certificates_do_not_help_where_only_none_and_self_are_accepted() {
    let object = packed(&Maker::new(), &Credential::new().auth_data());
    assert_eq!(
        check(&object, &unrooted(true, true)),
        Err(Refusal::UnknownRoot)
    );
}

#[test]
fn another_makers_root_does_not_prove_the_key() {
    let object = packed(&Maker::new(), &Credential::new().auth_data());
    // The same names everywhere: only keys differ.
    let refusal = check(&object, &rooted(&Maker::new())).unwrap_err();
    assert!(
        matches!(refusal, Refusal::UnknownRoot | Refusal::Path(_)),
        "{refusal}"
    );
}

#[test]
fn bytes_that_are_no_attestation_object_are_refused() {
    let whole = packed(&Maker::new(), &Credential::new().auth_data());
    let longer = [whole.as_slice(), &[0]].concat();
    for bytes in [&[][..], &[0xFF], &whole[..whole.len() - 1], &longer] {
        let refusal = check(bytes, &unrooted(true, true)).unwrap_err();
        assert!(matches!(refusal, Refusal::Object(_)), "{refusal}");
    }
}

#[test]
fn authenticator_data_are_for_the_relying_party_and_of_a_user() {
    let refusal = with_data(|data| data[0] ^= 1);
    assert!(
        matches!(refusal, Refusal::OtherRelyingParty { .. }),
        "{refusal}"
    );
    assert_eq!(with_data(|data| data[32] &= !0x01), Refusal::UserNotPresent);
    assert_eq!(
        with_data(|data| data[32] &= !0x04),
        Refusal::UserNotVerified
    );
    let refusal = with_data(|data| data[32] = 0x55);
    assert!(
        matches!(refusal, Refusal::AuthenticatorData(_)),
        "BS without BE: {refusal}"
    );
    let refusal = with_data(|data| {
        data[32] &= !0x40;
        data.truncate(37);
    });
    assert_eq!(refusal, Refusal::NoCredential);
}

#[test]
fn user_verification_is_not_demanded_where_it_was_not_asked_for() {
    let credential = Credential::new();
    let mut data = credential.auth_data();
    data[32] &= !0x04;
    let expected = Expected {
        user_verified: false,
        ..EXPECTED
    };
    let trust = unrooted(false, true);
    verify(
        &credential.attest(&data),
        &CLIENT_DATA_HASH,
        &expected,
        &trust,
        now(),
    )
    .unwrap();
}

#[test]
fn a_credential_id_has_1_to_1023_bytes() {
    for (length, fits) in [(0, false), (1, true), (1023, true), (1024, false)] {
        let credential = Credential {
            id: vec![7; length],
            ..Credential::new()
        };
        let object = credential.attest(&credential.auth_data());
        assert_eq!(
            check(&object, &unrooted(false, true)).is_ok(),
            fits,
            "{length} bytes"
        );
    }
}

#[test]
fn the_algorithm_is_one_of_those_asked_for() {
    let credential = Credential::new();
    let object = credential.attest(&credential.auth_data());
    let expected = Expected {
        algorithms: &[-8, -257],
        ..EXPECTED
    };
    let refusal = verify(
        &object,
        &CLIENT_DATA_HASH,
        &expected,
        &unrooted(false, true),
        now(),
    );
    let asked = vec![-8, -257];
    assert_eq!(
        refusal,
        Err(Refusal::AlgorithmNotAsked { found: -7, asked })
    );
}

#[test]
fn the_public_key_lies_on_its_curve_and_has_its_members() {
    let maker = Maker::new();
    let mut off_curve = Credential::new();
    off_curve.y[31] ^= 1;
    let object = packed(&maker, &off_curve.auth_data());
    let refused = Err(Refusal::UnusablePublicKey { algorithm: -7 });
    assert_eq!(check(&object, &rooted(&maker)), refused);

    let mut data = Credential::new().auth_data();
    let key = data.len() - 77;
    data.truncate(key);
    // {1: 2, 3: -7}: no curve, no point.
    data.extend([0xA2, 0x01, 0x02, 0x03, 0x26]);
    assert_eq!(check(&packed(&maker, &data), &rooted(&maker)), refused);
}

#[test]
fn the_model_is_one_that_the_token_type_names() {
    let credential = Credential::new();
    let object = credential.attest(&credential.auth_data());
    let trust = unrooted(false, true);
    for (aaguids, allowed) in [
        (vec![AAGUID], true),
        (vec![[1; 16], AAGUID], true),
        (vec![[1; 16]], false),
    ] {
        let expected = Expected {
            aaguids: &aaguids,
            ..EXPECTED
        };
        let verified = verify(&object, &CLIENT_DATA_HASH, &expected, &trust, now());
        assert_eq!(verified.is_ok(), allowed, "{verified:?}");
        if let Err(refusal) = verified {
            assert!(matches!(refusal, Refusal::OtherModel { .. }), "{refusal}");
        }
    }
}

#[test]
fn a_signature_over_anything_else_proves_nothing() {
    let maker = Maker::new();
    let credential = Credential::new();
    let data = credential.auth_data();
    let trust = Trust::new(
        &[&maker.root],
        Unrooted {
            none: true,
            itself: true,
        },
    )
    .unwrap();
    for object in [packed(&maker, &data), credential.attest(&data)] {
        let mut hash = CLIENT_DATA_HASH;
        hash[0] ^= 1;
        let refusal = verify(&object, &hash, &EXPECTED, &trust, now()).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Signature(VerifyError::Signature(_))),
            "{refusal}"
        );
    }
    let (maker, credential) = (Maker::u2f(), Credential::u2f());
    let object = u2f(&maker, &Credential::u2f(), &credential.auth_data());
    let refusal = check(&object, &rooted(&maker)).unwrap_err();
    assert!(
        matches!(refusal, Refusal::Signature(VerifyError::Signature(_))),
        "{refusal}"
    );
}

#[test]
fn a_self_attestation_is_of_the_credentials_algorithm() {
    let credential = Credential::new();
    let data = credential.auth_data();
    let refusal = check(&credential.attest_as(-8, &data), &unrooted(false, true)).unwrap_err();
    assert!(
        matches!(
            refusal,
            Refusal::Signature(VerifyError::AlgorithmMismatch { .. })
        ),
        "{refusal}"
    );
}

#[test]
fn u2f_has_one_certificate_no_model_and_an_es256_key() {
    let maker = Maker::u2f();
    let credential = Credential::u2f();
    let two = Maker {
        chain: [maker.chain.clone(), maker.chain.clone()].concat(),
        ..Maker::u2f()
    };
    let refusal = check(
        &u2f(&two, &credential, &credential.auth_data()),
        &rooted(&maker),
    )
    .unwrap_err();
    assert_eq!(refusal, Refusal::Signature(VerifyError::NotOneCertificate));

    let modelled = Credential::new();
    let refusal = check(
        &u2f(&maker, &modelled, &modelled.auth_data()),
        &rooted(&maker),
    )
    .unwrap_err();
    assert_eq!(refusal, Refusal::Signature(VerifyError::AaguidNotZero));
}

#[test]
fn a_none_statement_is_empty_and_other_formats_are_named() {
    let data = Credential::new().auth_data();
    // {"a": 1}
    let filled = object("none", &[0xA1, 0x61, 0x61, 0x01], &data);
    assert_eq!(
        check(&filled, &unrooted(true, true)),
        Err(Refusal::NoneWithStatement)
    );
    let other = object("tpm", &[0xA0], &data);
    assert_eq!(
        check(&other, &unrooted(true, true)),
        Err(Refusal::UnsupportedFormat("tpm".to_owned()))
    );
    let unreadable = object("packed", &[0xA0], &data);
    assert!(matches!(
        check(&unreadable, &unrooted(true, true)),
        Err(Refusal::Statement(_))
    ));
}

#[test]
fn a_packed_certificate_keeps_to_its_profile() {
    let unset = |attribute: DnType| {
        move |certificate: &mut CertificateParams| {
            certificate.distinguished_name.remove(attribute);
        }
    };
    let set = |attribute: DnType, value: &'static str| {
        move |certificate: &mut CertificateParams| {
            certificate.distinguished_name.push(attribute, value);
        }
    };
    let unit = |found: &str| ProfileFault::OrganizationalUnit {
        found: found.to_owned(),
    };
    for (refusal, fault) in [
        (
            with_certificate(unset(DnType::CountryName)),
            ProfileFault::NoCountry,
        ),
        (
            with_certificate(set(DnType::CountryName, "Sweden")),
            ProfileFault::NoCountry,
        ),
        (
            with_certificate(set(DnType::CountryName, "se")),
            ProfileFault::NoCountry,
        ),
        (
            with_certificate(unset(DnType::OrganizationName)),
            ProfileFault::NoOrganization,
        ),
        (
            with_certificate(unset(DnType::OrganizationalUnitName)),
            unit(""),
        ),
        (
            with_certificate(set(
                DnType::OrganizationalUnitName,
                "authenticator attestation",
            )),
            unit("authenticator attestation"),
        ),
        (
            with_certificate(unset(DnType::CommonName)),
            ProfileFault::NoCommonName,
        ),
        (
            with_certificate(|c| c.is_ca = IsCa::NoCa),
            ProfileFault::NoBasicConstraints,
        ),
        (
            with_certificate(|c| c.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            ProfileFault::IsCa,
        ),
    ] {
        assert_eq!(refusal, Refusal::Profile(fault));
    }
}

#[test]
fn a_certificate_before_version_3_is_refused() {
    let maker = Maker::version_1();
    let refusal = check(
        &packed(&maker, &Credential::new().auth_data()),
        &rooted(&maker),
    )
    .unwrap_err();
    assert_eq!(refusal, Refusal::Profile(ProfileFault::NotVersion3));
}

#[test]
fn the_aaguid_of_the_certificate_is_the_credentials() {
    let extension = |content: &[u8], critical: bool| {
        let mut extension = CustomExtension::from_oid_content(maker::AAGUID_OID, content.to_vec());
        extension.set_criticality(critical);
        move |certificate: &mut CertificateParams| certificate.custom_extensions = vec![extension]
    };
    let nested = |aaguid: [u8; 16]| [&[0x04, 0x10][..], &aaguid].concat();
    assert!(matches!(
        with_certificate(extension(&nested([9; 16]), false)),
        Refusal::Profile(ProfileFault::OtherAaguid { .. })
    ));
    assert_eq!(
        with_certificate(extension(&nested(AAGUID), true)),
        Refusal::Profile(ProfileFault::AaguidCritical)
    );
    for content in [&AAGUID[..], &nested(AAGUID)[..17], &[]] {
        assert_eq!(
            with_certificate(extension(content, false)),
            Refusal::Profile(ProfileFault::AaguidUnreadable)
        );
    }
    // A maker with one model per root leaves it out.
    let maker = Maker::with(|certificate| certificate.custom_extensions.clear());
    check(
        &packed(&maker, &Credential::new().auth_data()),
        &rooted(&maker),
    )
    .unwrap();
}

#[test]
fn every_certificate_on_the_path_is_valid_now() {
    let refusal = with_certificate(|c| c.not_after = date_time_ymd(2026, 11, 21));
    assert!(matches!(refusal, Refusal::Expired { .. }), "{refusal}");
    let refusal = with_certificate(|c| c.not_before = date_time_ymd(2026, 11, 22));
    assert!(matches!(refusal, Refusal::NotValidYet { .. }), "{refusal}");

    let maker = Maker::with_root(|root| root.not_after = date_time_ymd(2026, 11, 21));
    let object = packed(&maker, &Credential::new().auth_data());
    assert!(matches!(
        check(&object, &rooted(&maker)),
        Err(Refusal::RootExpired { .. })
    ));
    let maker = Maker::with_root(|root| root.not_before = date_time_ymd(2026, 11, 22));
    let object = packed(&maker, &Credential::new().auth_data());
    assert!(matches!(
        check(&object, &rooted(&maker)),
        Err(Refusal::NotValidYet { .. })
    ));
}

#[test]
fn only_a_ca_may_stand_between_a_key_and_its_root() {
    let maker =
        Maker::with_intermediate_that(|intermediate| intermediate.is_ca = IsCa::ExplicitNoCa);
    let object = packed(&maker, &Credential::new().auth_data());
    assert_eq!(check(&object, &rooted(&maker)), Err(Refusal::IssuerIsNoCa));

    let mut maker = Maker::with_intermediate();
    maker.chain.truncate(1);
    let object = packed(&maker, &Credential::new().auth_data());
    assert_eq!(
        check(&object, &rooted(&maker)),
        Err(Refusal::UnknownRoot),
        "a link is missing"
    );
}

#[test]
fn a_chain_is_bounded_and_its_certificates_are_readable() {
    let maker = Maker::new();
    let data = Credential::new().auth_data();
    let long = Maker {
        chain: vec![maker.chain[0].clone(); 6],
        ..Maker::new()
    };
    assert!(matches!(
        check(&packed(&long, &data), &rooted(&maker)),
        Err(Refusal::ChainTooLong { .. })
    ));
    let trailing = [maker.chain[0].as_slice(), &[0]].concat();
    for leaf in [vec![], vec![0x30, 0x00], trailing] {
        let broken = Maker {
            chain: vec![leaf],
            ..Maker::new()
        };
        let refusal = check(&packed(&broken, &data), &rooted(&maker)).unwrap_err();
        assert!(matches!(refusal, Refusal::Certificate(_)), "{refusal}");
    }
}

#[test]
fn a_certificate_key_that_the_core_cannot_use_is_named() {
    let maker =
        Maker::with_key(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap());
    let refusal = check(
        &packed(&maker, &Credential::new().auth_data()),
        &rooted(&maker),
    )
    .unwrap_err();
    let Refusal::UnsupportedCertificateKey(kind) = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(kind, "1.2.840.10045.2.1 1.3.132.0.34");
}

#[test]
fn a_root_that_is_no_certificate_is_named_by_its_number() {
    let good = Maker::new().root;
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let read = |roots: &[&str]| Trust::new(roots, Unrooted::default()).unwrap_err();
    assert_eq!(read(&[&good, "hello"]), RootError::Empty { number: 2 });
    assert!(matches!(
        read(&[broken]),
        RootError::Unreadable { number: 1, .. }
    ));
}
