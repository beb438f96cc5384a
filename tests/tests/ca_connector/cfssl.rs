//! The connector to cfssl, against the real one.

use super::{bob, issued, request};
use keysteward_server::connector::{
    Outcome,
    ca::{
        Acted, AlternativeName, AlternativeNameKind, CertificationAuthority, Enrolment, Found,
        Nature, Reason, Reference, Secret, Serial, Why,
        cfssl::{Cfssl, Settings},
    },
};
use keysteward_tests::site::cfssl::{self as real, SHARED_KEY};
use rcgen::KeyPair;

/// A cfssl of its own for each test, with an empty list of certificates.
struct Site {
    cfssl: real::Cfssl,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            cfssl: real::Cfssl::start(folder.path()).unwrap(),
            _folder: folder,
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            url: self.cfssl.url(),
            profiles: vec!["smartcard".to_owned(), "authenticated".to_owned()],
            authority: std::fs::read_to_string(self.cfssl.authority()).unwrap(),
            ..Settings::default()
        }
    }

    fn ca(&self, key: &str) -> Cfssl {
        let key = Secret::new(key.as_bytes().to_vec());
        Cfssl::new(&self.settings(), &key).unwrap()
    }

    /// What its list says of a certificate: state and reason.
    fn listed(&self, serial: &Serial) -> String {
        let listed = self.cfssl.listed(&serial.to_string()).unwrap();
        listed.expect("cfssl does not list what it issued")
    }
}

/// What cfssl can put into a certificate.
fn wanted() -> Enrolment {
    Enrolment {
        profile: "smartcard".to_owned(),
        alternative_names: vec![AlternativeName {
            kind: AlternativeNameKind::Mail,
            value: "bob.smith@example.com".to_owned(),
        }],
        ..bob()
    }
}

#[tokio::test]
async fn it_signs_with_the_names_that_were_asked_for() {
    let site = Site::new();
    let ca = site.ca("");
    let got = issued(ca.enrol(&wanted()).await.unwrap());
    assert!(got.subject().contains("CN=Bob Smith"), "{}", got.subject());
    assert!(got.subject().contains("O=Acme"), "{}", got.subject());
    assert_eq!(site.listed(got.serial()), "good|0");
}

#[tokio::test]
async fn it_revokes_with_the_reason_and_twice_is_as_once() {
    let site = Site::new();
    let ca = site.ca("");
    for (reason, code) in [
        (Reason::Unspecified, 0),
        (Reason::KeyCompromise, 1),
        (Reason::CaCompromise, 2),
        (Reason::AffiliationChanged, 3),
        (Reason::Superseded, 4),
        (Reason::CessationOfOperation, 5),
        (Reason::PrivilegeWithdrawn, 9),
    ] {
        let got = issued(ca.enrol(&wanted()).await.unwrap());
        assert_eq!(ca.revoke(got.serial(), reason).await.unwrap(), Acted::Done);
        assert_eq!(ca.revoke(got.serial(), reason).await.unwrap(), Acted::Done);
        assert_eq!(site.listed(got.serial()), format!("revoked|{code}"));
    }
}

#[tokio::test]
async fn a_certificate_that_it_did_not_issue_is_not_revoked() {
    let site = Site::new();
    let stranger = Serial::from_bytes(&[0x59, 0x12]);
    let error = site
        .ca("")
        .revoke(&stranger, Reason::Superseded)
        .await
        .unwrap_err();
    assert_ne!(error.nature(), Nature::NotNow(None), "{error}");
}

#[tokio::test]
async fn a_profile_that_wants_authentication_signs_for_who_has_the_key() {
    let site = Site::new();
    let mut wanted = wanted();
    wanted.profile = "authenticated".to_owned();
    let got = issued(site.ca(SHARED_KEY).enrol(&wanted).await.unwrap());
    assert_eq!(site.listed(got.serial()), "good|0");
    for key in ["", &SHARED_KEY.replace('0', "1")] {
        let error = site.ca(key).enrol(&wanted).await.unwrap_err();
        let judged = (error.outcome(), error.nature());
        assert!(
            matches!(
                judged,
                (Outcome::Unchanged, Nature::Refused | Nature::Settings)
            ),
            "{error}"
        );
        let text = format!("{error} {error:?}");
        assert!(key.is_empty() || !text.contains(key), "{text}");
    }
}

#[tokio::test]
async fn what_it_cannot_put_into_a_certificate_is_refused_before_it_is_asked() {
    let site = Site::new();
    let ca = site.ca("");
    // It leaves the user principal name out without a word.
    let mut with_upn = bob();
    with_upn.profile = "smartcard".to_owned();
    let mut with_days = wanted();
    with_days.days = Some(3);
    let mut with_attribute = wanted();
    with_attribute.subject[0].name = "givenName".to_owned();
    let mut with_profile = wanted();
    with_profile.profile = "nobody's".to_owned();
    for wanted in [with_upn, with_days, with_attribute, with_profile] {
        let error = ca.enrol(&wanted).await.unwrap_err();
        assert_eq!(error.nature(), Nature::Refused, "{error}");
    }
    let count = site.cfssl.query("SELECT count(*) FROM certificates");
    let count = count.unwrap();
    assert_eq!(count.trim(), "0");
}

#[tokio::test]
async fn what_it_cannot_do_is_not_offered() {
    let site = Site::new();
    let ca = site.ca("");
    let abilities = ca.abilities();
    assert!(!abilities.hold && !abilities.unhold && !abilities.find && !abilities.status);
    let got = issued(ca.enrol(&wanted()).await.unwrap());
    let reference = Reference("1".to_owned());
    for error in [
        ca.hold(got.serial()).await.unwrap_err(),
        ca.unhold(got.serial()).await.unwrap_err(),
        ca.status(got.serial()).await.unwrap_err(),
        ca.poll(&reference, &wanted()).await.unwrap_err(),
    ] {
        assert!(matches!(error.why, Why::NotOffered(_)), "{error}");
    }
    assert_eq!(ca.find(&wanted()).await.unwrap(), Found::CannotTell);
    assert_eq!(site.listed(got.serial()), "good|0");
}

#[tokio::test]
async fn a_check_tells_who_answers_and_what_the_profiles_are() {
    let site = Site::new();
    let findings = site.ca("").check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    assert!(findings[0].text.contains("Test Issuing CA"), "{findings:?}");
    assert!(
        findings[1].text.contains("email protection"),
        "{findings:?}"
    );
    let profiles = site.ca("").profiles().await.unwrap();
    assert_eq!(profiles[0].id, "smartcard");
    assert_eq!(profiles[0].properties["expiry"], "8760h");
    let found = site.ca("").authorities().await.unwrap();
    assert!(found[0].subject.contains("Test Issuing CA"));
}

#[tokio::test]
async fn another_ca_than_the_one_in_the_settings_is_noticed() {
    let site = Site::new();
    let other = Site::new();
    let settings = Settings {
        authority: other.settings().authority,
        ..site.settings()
    };
    let ca = Cfssl::new(&settings, &Secret::default()).unwrap();
    let findings = ca.check().await;
    assert!(!findings[0].ok, "{findings:?}");
    let error = ca.enrol(&wanted()).await.unwrap_err();
    assert!(matches!(error.why, Why::WrongCertificate(_)), "{error}");

    // Without one in the settings, the one that answers is taken.
    let settings = Settings {
        authority: String::new(),
        ..site.settings()
    };
    let ca = Cfssl::new(&settings, &Secret::default()).unwrap();
    issued(ca.enrol(&wanted()).await.unwrap());
}

#[tokio::test]
async fn a_cfssl_that_is_down_changed_nothing() {
    let mut site = Site::new();
    let ca = site.ca("");
    site.cfssl.process().kill_9().unwrap();
    let error = ca.enrol(&wanted()).await.unwrap_err();
    assert!(matches!(error.why, Why::Unreachable(_)), "{error}");
    assert_eq!(error.nature(), Nature::NotNow(None));
    assert!(!ca.check().await[0].ok);
}

#[tokio::test]
async fn a_successor_is_another_certificate() {
    let site = Site::new();
    let ca = site.ca("");
    let key = KeyPair::generate().unwrap();
    let of_key = || Enrolment {
        request: request(&key).request,
        ..wanted()
    };
    let first = issued(ca.enrol(&of_key()).await.unwrap());
    let second = issued(ca.renew(&(&first).into(), &of_key()).await.unwrap());
    let third = issued(ca.reissue(&(&second).into(), &of_key()).await.unwrap());
    assert!(first.serial() != second.serial() && second.serial() != third.serial());
}
