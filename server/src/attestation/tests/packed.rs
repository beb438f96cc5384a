//! Format `packed`, by its maker.

use super::*;

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
        assert!(matches!(refusal, Refusal::WrongSignature), "{refusal}");
    }
    let (maker, credential) = (Maker::u2f(), Credential::u2f());
    let object = u2f(&maker, &Credential::u2f(), &credential.auth_data());
    let refusal = check(&object, &rooted(&maker)).unwrap_err();
    assert!(matches!(refusal, Refusal::WrongSignature), "{refusal}");
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
    let unit = |found: &str| CertificateFault::OrganizationalUnit {
        found: found.to_owned(),
    };
    for (refusal, fault) in [
        (
            with_certificate(unset(DnType::CountryName)),
            CertificateFault::NoCountry,
        ),
        (
            with_certificate(set(DnType::CountryName, "Sweden")),
            CertificateFault::NoCountry,
        ),
        (
            with_certificate(set(DnType::CountryName, "se")),
            CertificateFault::NoCountry,
        ),
        (
            with_certificate(unset(DnType::OrganizationName)),
            CertificateFault::NoOrganization,
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
            CertificateFault::NoCommonName,
        ),
        (
            with_certificate(|c| c.is_ca = IsCa::NoCa),
            CertificateFault::NoBasicConstraints,
        ),
        (
            with_certificate(|c| c.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            CertificateFault::IsCa,
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
    assert_eq!(refusal, Refusal::Profile(CertificateFault::NotVersion3));
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
        Refusal::Profile(CertificateFault::OtherAaguid { .. })
    ));
    assert_eq!(
        with_certificate(extension(&nested(AAGUID), true)),
        Refusal::Profile(CertificateFault::AaguidCritical)
    );
    for content in [&AAGUID[..], &nested(AAGUID)[..17], &[]] {
        assert_eq!(
            with_certificate(extension(content, false)),
            Refusal::Profile(CertificateFault::AaguidUnreadable)
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
fn a_maker_may_sign_with_es384_rs256_and_eddsa() {
    let credential = Credential::new();
    let data = credential.auth_data();
    for (algorithm, key) in [
        (
            Algorithm::Es384,
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
        ),
        (
            Algorithm::EdDsa,
            KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
        ),
        (
            Algorithm::Rs256,
            KeyPair::from_pem(include_str!("rsa_root.pem")).unwrap(),
        ),
    ] {
        let maker = Maker::with_key_and(key, |_| ());
        check(&packed_as(algorithm, &maker, &data), &rooted(&maker)).unwrap();
        // The same signature under the name of another algorithm.
        let refusal = check(&packed(&maker, &data), &rooted(&maker)).unwrap_err();
        assert!(
            matches!(refusal, Refusal::SignatureAlgorithm { algorithm: -7, .. }),
            "{refusal}"
        );
    }
}

#[test]
fn sha_1_and_unknown_algorithms_sign_nothing_in_format_packed() {
    let key = KeyPair::from_pem(include_str!("rsa_root.pem")).unwrap();
    let maker = Maker::with_key_and(key, |_| ());
    let data = Credential::new().auth_data();
    for algorithm in [Algorithm::Rs1, Algorithm::Other(-258), Algorithm::MlDsa44] {
        let refusal = check(&packed_as(algorithm, &maker, &data), &rooted(&maker)).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::SignatureAlgorithm {
                algorithm: algorithm.into(),
                key: "RSA".to_owned()
            }
        );
    }
}

#[test]
fn ecdaa_and_safetynet_are_named_as_withdrawn() {
    let data = Credential::new().auth_data();
    let sig: &[u8] = &[1];
    let ecdaa = statement(&[("alg", &-7_i64), ("sig", &sig), ("ecdaaKeyId", &sig)]);
    for object in [
        object("packed", &ecdaa, &data),
        object("android-safetynet", &[0xA0], &data),
    ] {
        let refusal = check(&object, &unrooted(true, true)).unwrap_err();
        assert!(matches!(refusal, Refusal::Withdrawn { .. }), "{refusal}");
    }
}

/// Enterprise attestation: the certificate is for one device.
fn for_device(content: Vec<u8>, critical: bool) -> Maker {
    Maker::with(|certificate| {
        certificate
            .custom_extensions
            .push(extension(SERIAL_OID, critical, content));
    })
}

#[test]
fn the_serial_number_of_an_enterprise_attestation_is_reported_and_compared() {
    let maker = for_device(der(&[0x04], &[&[0x00, 0xBC, 0x61, 0x4E]]), false);
    let object = packed(&maker, &Credential::new().auth_data());
    let told = |serial| {
        let expected = Expected { serial, ..EXPECTED };
        verify(
            &object,
            &CLIENT_DATA_HASH,
            &expected,
            &rooted(&maker),
            now(),
        )
    };
    let verified = told(Some("12345678")).unwrap();
    assert_eq!(verified.serial(), Some("00bc614e"));
    assert!(verified.to_string().ends_with("; serial number 00bc614e"));
    assert_eq!(told(None).unwrap().serial(), Some("00bc614e"));
    let refusal = told(Some("87654321")).unwrap_err();
    assert!(matches!(refusal, Refusal::OtherSerial { .. }), "{refusal}");
    assert_eq!(
        check(
            &packed(&Maker::new(), &Credential::new().auth_data()),
            &unrooted(true, true)
        ),
        Err(Refusal::UnknownRoot)
    );
}

#[test]
fn a_serial_number_extension_is_not_critical_and_holds_one() {
    for (content, critical, fault) in [
        (
            der(&[0x04], &[b"1"]),
            true,
            CertificateFault::SerialCritical,
        ),
        (der(&[0x04], &[]), false, CertificateFault::SerialUnreadable),
        (
            b"12345678".to_vec(),
            false,
            CertificateFault::SerialUnreadable,
        ),
    ] {
        let maker = for_device(content, critical);
        let object = packed(&maker, &Credential::new().auth_data());
        assert_eq!(
            check(&object, &rooted(&maker)),
            Err(Refusal::Profile(fault))
        );
    }
}

/// id-fido-gen-ce-sernum
const SERIAL_OID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 2];
