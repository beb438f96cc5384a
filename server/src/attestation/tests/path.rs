//! Paths to a root.

use super::*;
use crate::attestation::certificate::Certificate;

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
fn another_makers_root_does_not_prove_the_key() {
    let object = packed(&Maker::new(), &Credential::new().auth_data());
    // The same names everywhere: only keys differ.
    let refusal = check(&object, &rooted(&Maker::new())).unwrap_err();
    assert!(
        matches!(refusal, Refusal::PathSignature { .. }),
        "{refusal}"
    );
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
    assert_eq!(
        check(&object, &rooted(&maker)),
        Err(Refusal::IssuerIsNoCa {
            subject: "CN=Example Intermediate".to_owned()
        })
    );

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
        chain: vec![maker.chain[0].clone(); 9],
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

fn through(change: impl FnOnce(&mut CertificateParams)) -> Result<VerifiedAttestation, Refusal> {
    let maker = Maker::with_intermediate_that(change);
    check(
        &packed(&maker, &Credential::new().auth_data()),
        &rooted(&maker),
    )
}

fn intermediate() -> String {
    "CN=Example Intermediate".to_owned()
}

#[test]
fn an_intermediate_is_valid_now_and_may_sign_certificates() {
    use rcgen::KeyUsagePurpose as Usage;
    through(|c| c.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign]).unwrap();
    assert_eq!(
        through(|c| c.key_usages = vec![Usage::DigitalSignature]),
        Err(Refusal::IssuerKeyUsage {
            subject: intermediate()
        })
    );
    let expired = through(|c| c.not_after = date_time_ymd(2026, 11, 21)).unwrap_err();
    assert!(
        matches!(&expired, Refusal::Expired { subject, .. } if *subject == intermediate()),
        "{expired}"
    );
}

#[test]
fn a_path_is_no_longer_than_its_cas_allow() {
    through(|c| c.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))).unwrap();

    let maker = Maker::with_root_and_intermediate(|root| {
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let object = packed(&maker, &Credential::new().auth_data());
    assert_eq!(
        check(&object, &rooted(&maker)),
        Err(Refusal::PathTooLong {
            subject: "CN=Example Root".to_owned(),
            allowed: 0,
            found: 1
        })
    );
    // The same where the root came along.
    let mut along = maker;
    along.chain.push(root_der(&along));
    let object = packed(&along, &Credential::new().auth_data());
    assert!(matches!(
        check(&object, &rooted(&along)),
        Err(Refusal::PathTooLong { .. })
    ));
}

fn root_der(maker: &Maker) -> Vec<u8> {
    let root = Root::read_pem(maker.root.as_bytes()).unwrap();
    root[0].der().to_vec()
}

#[test]
fn a_root_may_come_along_and_must_be_one_that_is_trusted() {
    let mut maker = Maker::with_intermediate();
    maker.chain.push(root_der(&maker));
    let object = packed(&maker, &Credential::new().auth_data());
    check(&object, &rooted(&maker)).unwrap();
    let stranger = Maker::with_root(|root| {
        root.distinguished_name
            .push(DnType::CommonName, "Another Root");
    });
    assert_eq!(
        check(&object, &rooted(&stranger)),
        Err(Refusal::UnknownRoot)
    );
}

#[test]
fn an_intermediate_may_be_the_root_of_trust() {
    let maker = Maker::with_intermediate();
    let trust = Trust::new(&[maker::pem(&maker.chain[1])], Unrooted::default()).unwrap();
    let verified = check(&packed(&maker, &Credential::new().auth_data()), &trust).unwrap();
    assert_eq!(
        verified.to_string(),
        "packed, proven to CN=Example Intermediate"
    );
}

#[test]
fn each_certificate_is_certified_by_the_next() {
    let (maker, other) = (Maker::with_intermediate(), Maker::with_intermediate());
    let data = Credential::new().auth_data();
    let chained = |chain: Vec<Vec<u8>>| {
        let maker = Maker {
            chain,
            batch_key: KeyPair::from_pem(&maker.batch_key.serialize_pem()).unwrap(),
            root: maker.root.clone(),
        };
        check(&packed(&maker, &data), &rooted(&maker)).unwrap_err()
    };
    let (leaf, middle) = (maker.chain[0].clone(), maker.chain[1].clone());
    let refusal = chained(vec![leaf.clone(), leaf.clone(), middle]);
    assert!(matches!(refusal, Refusal::ChainOrder { .. }), "{refusal}");
    // The right name, another key.
    let refusal = chained(vec![leaf, other.chain[1].clone()]);
    assert!(
        matches!(&refusal, Refusal::PathSignature { subject } if subject.contains("Example Key")),
        "{refusal}"
    );
}

#[test]
fn a_critical_extension_that_nobody_understands_is_refused() {
    let unknown = || extension(&[1, 3, 6, 1, 4, 1, 99999, 1], true, vec![0x05, 0x00]);
    let constraints = || extension(&[2, 5, 29, 30], true, der(&[0x30], &[]));
    for (critical, oid) in [
        (unknown(), "1.3.6.1.4.1.99999.1"),
        (constraints(), "2.5.29.30"),
    ] {
        let refusal = through(|c| c.custom_extensions = vec![critical]).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::CriticalExtension {
                subject: intermediate(),
                oid: oid.to_owned()
            }
        );
    }
    let in_leaf = with_certificate(|c| c.custom_extensions.push(unknown()));
    assert!(
        matches!(in_leaf, Refusal::CriticalExtension { .. }),
        "{in_leaf}"
    );
}

#[test]
fn a_certificate_signed_with_sha_1_is_refused() {
    let mut maker = Maker::with_rsa_root();
    // sha256WithRSAEncryption ends in 11, sha1WithRSAEncryption in 5. It stands there
    // twice; the signature is void, but its algorithm is looked at first.
    let sha256 = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
    let leaf = &mut maker.chain[0];
    for _ in 0..2 {
        let at = leaf.windows(9).position(|found| found == sha256).unwrap();
        leaf[at + 8] = 0x05;
    }
    let object = packed(&maker, &Credential::new().auth_data());
    assert_eq!(
        check(&object, &rooted(&maker)),
        Err(Refusal::PathAlgorithm {
            subject: Certificate::parse(&maker.chain[0]).unwrap().subject(),
            algorithm: "1.2.840.113549.1.1.5".to_owned()
        })
    );
    // Named differently inside and outside.
    let mut maker = Maker::with_rsa_root();
    let leaf = &mut maker.chain[0];
    let at = leaf.windows(9).position(|found| found == sha256).unwrap();
    leaf[at + 8] = 0x0C;
    let object = packed(&maker, &Credential::new().auth_data());
    assert!(matches!(
        check(&object, &rooted(&maker)),
        Err(Refusal::PathAlgorithm { .. })
    ));
}

#[test]
fn what_stands_for_itself_alone_issues_nothing() {
    // The key of one device certifies another.
    let device = Maker::new();
    let key = KeyPair::generate().unwrap();
    let forged = Maker::issued_by(&device, key);
    let trust = Trust::new(&[device.leaf_pem()], Unrooted::default()).unwrap();
    let data = Credential::new().auth_data();
    for chain in [
        forged.chain.clone(),
        vec![forged.chain[0].clone(), device.chain[0].clone()],
    ] {
        let forged = Maker {
            chain,
            batch_key: KeyPair::from_pem(&forged.batch_key.serialize_pem()).unwrap(),
            root: String::new(),
        };
        let refusal = check(&packed(&forged, &data), &trust).unwrap_err();
        assert!(matches!(refusal, Refusal::IssuerIsNoCa { .. }), "{refusal}");
    }
}

#[test]
fn a_certificate_that_signs_itself_proves_nothing() {
    let maker = Maker::signed_by_itself();
    let object = packed(&maker, &Credential::new().auth_data());
    assert_eq!(
        check(&object, &rooted(&Maker::new())),
        Err(Refusal::UnknownRoot)
    );
    // Unless it is the one that is trusted.
    let trust = Trust::new(&[maker.leaf_pem()], Unrooted::default()).unwrap();
    check(&object, &trust).unwrap();
}

#[test]
fn a_certificate_key_of_an_unknown_kind_is_named() {
    let mut maker = Maker::new();
    // prime256v1 becomes one that does not exist.
    let curve = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
    let leaf = &mut maker.chain[0];
    let at = leaf.windows(8).position(|found| found == curve).unwrap();
    leaf[at + 7] = 0x77;
    let object = packed(&maker, &Credential::new().auth_data());
    assert_eq!(
        check(&object, &rooted(&maker)),
        Err(Refusal::UnsupportedCertificateKey(
            "1.2.840.10045.2.1 1.2.840.10045.3.1.119".to_owned()
        ))
    );
}
