use super::*;
use crate::connector::ca::CertificationRequest;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, SanType,
};

struct Ca {
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// `change` is made to the issuing CA's certificate.
    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let params = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            params
        };
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(params("Root"), key()).unwrap();
        let mut issuing = params("Issuing");
        change(&mut issuing);
        let issuing = CertifiedIssuer::signed_by(issuing, key(), &root).unwrap();
        Self { root, issuing }
    }

    fn chain(&self) -> Vec<Vec<u8>> {
        vec![self.issuing.der().to_vec(), self.root.der().to_vec()]
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
        params.signed_by(key, &self.issuing).unwrap().der().to_vec()
    }
}

fn enrolment(key: &KeyPair) -> Enrolment {
    let request = CertificateParams::default().serialize_request(key).unwrap();
    Enrolment {
        request_id: "1".to_owned(),
        profile: "smart-card".to_owned(),
        request: CertificationRequest::verify(request.der()).unwrap(),
        subject: vec![SubjectAttribute {
            name: "CN".to_owned(),
            value: "Bob  smith".to_owned(),
        }],
        alternative_names: vec![
            name(AlternativeNameKind::Upn, "bob@example.com"),
            name(AlternativeNameKind::Mail, "Bob.Smith@example.com"),
        ],
        days: None,
        asked_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        known: Vec::new(),
    }
}

fn name(kind: AlternativeNameKind, value: &str) -> AlternativeName {
    AlternativeName {
        kind,
        value: value.to_owned(),
    }
}

/// What [`enrolment`] asks for.
fn leaf() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Bob Smith");
    params.subject_alt_names = vec![
        SanType::OtherName((UPN.to_vec(), "bob@example.com".into())),
        SanType::Rfc822Name("bob.smith@example.com".try_into().unwrap()),
    ];
    params
}

#[test]
fn the_certificate_that_was_asked_for_is_taken_with_its_facts() {
    let (ca, key) = (Ca::new(), KeyPair::generate().unwrap());
    let mut params = leaf();
    params.serial_number = Some(vec![0x59, 0x12].into());
    let der = ca.sign(&params, &key);
    let issued = Issued::verify(&der, &ca.chain(), &enrolment(&key)).unwrap();
    assert_eq!(issued.certificate(), der);
    assert_eq!(issued.chain(), ca.chain());
    assert_eq!(issued.serial().to_string(), "5912");
    assert_eq!(issued.subject(), "CN=Bob Smith");
    assert_eq!(issued.issuer(), "CN=Issuing");
    assert!(issued.not_before() < issued.not_after());
    let (found, serial) = key_and_serial(&der).unwrap();
    assert_eq!(found, key.subject_public_key_info());
    assert_eq!(&serial, issued.serial());
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let (ca, key) = (Ca::new(), KeyPair::generate().unwrap());
    let other = KeyPair::generate().unwrap();
    let der = ca.sign(&leaf(), &other);
    let error = Issued::verify(&der, &ca.chain(), &enrolment(&key)).unwrap_err();
    assert_eq!(error, WrongCertificate::OtherKey);
}

#[test]
fn a_certificate_without_a_name_that_was_asked_for_is_refused_by_that_name() {
    let (ca, key) = (Ca::new(), KeyPair::generate().unwrap());
    let refused = |change: fn(&mut CertificateParams)| {
        let mut params = leaf();
        change(&mut params);
        let der = ca.sign(&params, &key);
        Issued::verify(&der, &ca.chain(), &enrolment(&key)).unwrap_err()
    };
    let error = refused(|p| p.distinguished_name.push(DnType::CommonName, "Eve"));
    assert!(matches!(error, WrongCertificate::Subject { .. }), "{error}");
    let error = refused(|p| {
        // The same text under another attribute is another name.
        p.distinguished_name = DistinguishedName::new();
        p.distinguished_name
            .push(DnType::OrganizationName, "Bob Smith");
    });
    assert!(matches!(error, WrongCertificate::Subject { .. }), "{error}");
    let error = refused(|p| drop(p.subject_alt_names.remove(0)));
    assert!(
        error.to_string().contains("upn \"bob@example.com\""),
        "{error}"
    );
    let error = refused(|p| drop(p.subject_alt_names.remove(1)));
    assert!(error.to_string().contains("mail"), "{error}");
    let error = refused(|p| p.subject_alt_names.clear());
    assert!(
        matches!(error, WrongCertificate::AlternativeName { .. }),
        "{error}"
    );
    let error = refused(|p| {
        let other = SanType::OtherName((vec![1, 2, 3], "bob@example.com".into()));
        p.subject_alt_names[0] = other;
    });
    assert!(
        matches!(error, WrongCertificate::AlternativeName { .. }),
        "{error}"
    );
}

#[test]
fn an_attribute_that_is_not_known_here_may_stand_anywhere() {
    let (ca, key) = (Ca::new(), KeyPair::generate().unwrap());
    let der = ca.sign(&leaf(), &key);
    let mut wanted = enrolment(&key);
    wanted.subject[0].name = "displayName".to_owned();
    Issued::verify(&der, &ca.chain(), &wanted).unwrap();
    wanted.subject[0].value = "Eve".to_owned();
    let error = Issued::verify(&der, &ca.chain(), &wanted).unwrap_err();
    assert!(matches!(error, WrongCertificate::Subject { .. }), "{error}");
}

#[test]
fn a_certificate_of_another_ca_is_refused() {
    let (ca, key) = (Ca::new(), KeyPair::generate().unwrap());
    let wanted = enrolment(&key);
    let der = ca.sign(&leaf(), &key);
    // Of the same name, with another key.
    let error = Issued::verify(&der, &Ca::new().chain(), &wanted).unwrap_err();
    assert!(
        matches!(error, WrongCertificate::Signature { .. }),
        "{error}"
    );
    // Signed by the root, where the issuing CA was due.
    let der = leaf().signed_by(&key, &ca.root).unwrap();
    let error = Issued::verify(der.der(), &ca.chain(), &wanted).unwrap_err();
    assert!(matches!(error, WrongCertificate::Issuer { .. }), "{error}");
    let error = Issued::verify(der.der(), &[], &wanted).unwrap_err();
    assert_eq!(error, WrongCertificate::NoAuthority);
}

#[test]
fn a_chain_that_does_not_hold_is_refused() {
    let key = KeyPair::generate().unwrap();
    let wanted = enrolment(&key);
    let ca = Ca::new();
    let der = ca.sign(&leaf(), &key);
    let broken = vec![ca.chain()[0].clone(), Ca::new().chain()[1].clone()];
    let error = Issued::verify(&der, &broken, &wanted).unwrap_err();
    assert!(
        matches!(error, WrongCertificate::Signature { .. }),
        "{error}"
    );
    let garbage = vec![ca.chain()[0].clone(), b"hello".to_vec()];
    let error = Issued::verify(&der, &garbage, &wanted).unwrap_err();
    assert!(
        matches!(error, WrongCertificate::BadAuthority { .. }),
        "{error}"
    );
    for change in [
        (|p| p.is_ca = IsCa::ExplicitNoCa) as fn(&mut CertificateParams),
        |p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature],
    ] {
        let ca = Ca::with(change);
        // rcgen itself would not sign with such a CA: it is dressed up for that.
        let mut dressed = CertificateParams::default();
        dressed.distinguished_name = DistinguishedName::new();
        dressed
            .distinguished_name
            .push(DnType::CommonName, "Issuing");
        let issuer = rcgen::Issuer::new(dressed, ca.issuing.key());
        let der = leaf().signed_by(&key, &issuer).unwrap();
        let error = Issued::verify(der.der(), &ca.chain(), &wanted).unwrap_err();
        assert!(
            matches!(error, WrongCertificate::BadAuthority { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_chain_that_has_ended_is_refused() {
    let key = KeyPair::generate().unwrap();
    let ca = Ca::with(|p| p.not_after = rcgen::date_time_ymd(2026, 10, 31));
    let der = ca.sign(&leaf(), &key);
    let error = Issued::verify(&der, &ca.chain(), &enrolment(&key)).unwrap_err();
    let WrongCertificate::BadAuthority { subject, why } = error else {
        panic!("{error}");
    };
    assert_eq!((subject.as_str(), why), ("CN=Issuing", "it has ended"));
}

#[test]
fn a_subject_is_written_as_directories_write_it() {
    let (ca, key) = (Ca::new(), KeyPair::generate().unwrap());
    let mut params = leaf();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "DE"),
        (DnType::OrganizationName, "Müller, Söhne + Co"),
        (DnType::CommonName, "Bob Smith"),
    ] {
        params.distinguished_name.push(kind, value);
    }
    let der = ca.sign(&params, &key);
    let issued = Issued::verify(&der, &ca.chain(), &enrolment(&key)).unwrap();
    let expected = r"CN=Bob Smith,O=Müller\, Söhne \+ Co,C=DE";
    assert_eq!(issued.subject(), expected);
}

#[test]
fn a_certificate_that_is_a_ca_or_has_ended_or_is_none_is_refused() {
    let (ca, key) = (Ca::new(), KeyPair::generate().unwrap());
    let wanted = enrolment(&key);
    let refused = |change: fn(&mut CertificateParams)| {
        let mut params = leaf();
        change(&mut params);
        Issued::verify(&ca.sign(&params, &key), &ca.chain(), &wanted).unwrap_err()
    };
    let error = refused(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(error, WrongCertificate::Authority);
    let error = refused(|p| p.not_after = rcgen::date_time_ymd(2026, 10, 1));
    assert!(matches!(error, WrongCertificate::Ended { .. }), "{error}");
    let der = ca.sign(&leaf(), &key);
    for wrong in [
        b"".as_slice(),
        b"hello",
        &[&der[..], b"x"].concat(),
        &der[1..],
    ] {
        let error = Issued::verify(wrong, &ca.chain(), &wanted).unwrap_err();
        assert_eq!(error, WrongCertificate::Malformed);
    }
}
