//! The CA as operations see it; OpenSSL says what its certificates and lists are.

mod openssl;
mod paper_list;
mod published;

use super::*;
use crate::connector::{
    Outcome,
    ca::{
        AlternativeName, AlternativeNameKind, CertificateStatus, CertificationAuthority,
        CertificationRequest, Found, Nature, Reason, Reference, SubjectAttribute, WrongCertificate,
    },
};
use paper_list::PaperList;
use rcgen::{CertificateParams, KeyPair};
use zeroize::Zeroizing;

/// A CA with a clock that a test sets.
pub(in super::super) struct Site {
    pub(in super::super) ca: Arc<Builtin>,
    list: Arc<PaperList>,
    clock: Arc<std::sync::Mutex<Timestamp>>,
}

impl Site {
    pub(in super::super) fn new() -> Self {
        let now: Timestamp = NOW.parse().unwrap();
        let (settings, secret) = Settings::create("Test CA", PUBLISH_URL, 365, now).unwrap();
        Self::of(&settings, &secret)
    }

    fn of(settings: &Settings, secret: &Secret) -> Self {
        let clock = Arc::new(std::sync::Mutex::new(NOW.parse().unwrap()));
        let list = Arc::new(PaperList::default());
        let shown = Arc::clone(&clock);
        let now = Now::new(move || *shown.lock().unwrap());
        let ca = Builtin::open(settings, secret, list.clone(), now).unwrap();
        Self { ca, list, clock }
    }

    fn pass(&self, time: SignedDuration) {
        let mut clock = self.clock.lock().unwrap();
        *clock += time;
    }

    async fn issue(&self, request_id: &str) -> Issued {
        let enrolment = enrolment(request_id, &KeyPair::generate().unwrap());
        match self.ca.enrol(&enrolment).await.unwrap() {
            Enrolled::Issued(issued) => issued,
            Enrolled::Pending(reference) => panic!("pending as {reference}"),
        }
    }
}

fn enrolment(request_id: &str, key: &KeyPair) -> Enrolment {
    let request = CertificateParams::default().serialize_request(key).unwrap();
    let name = |kind, value: &str| AlternativeName {
        kind,
        value: value.to_owned(),
    };
    let attribute = |name: &str, value: &str| SubjectAttribute {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    Enrolment {
        request_id: request_id.to_owned(),
        profile: "smart-card-logon".to_owned(),
        request: CertificationRequest::verify(request.der()).unwrap(),
        subject: vec![
            attribute("c", "DE"),
            attribute("o", "Müller & Söhne"),
            attribute("cn", "Bob Smith"),
            attribute("emailAddress", "bob@example.com"),
        ],
        alternative_names: vec![
            name(AlternativeNameKind::Upn, "bob@ad.example.com"),
            name(AlternativeNameKind::Mail, "bob@example.com"),
            name(AlternativeNameKind::Dns, "bob.example.com"),
            name(
                AlternativeNameKind::Uri,
                "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1",
            ),
        ],
        days: None,
        asked_at: NOW.parse().unwrap(),
        known: Vec::new(),
    }
}

#[tokio::test]
async fn one_request_id_is_one_certificate_however_often_it_is_asked_for() {
    let site = Site::new();
    let key = KeyPair::generate().unwrap();
    let wanted = enrolment("1", &key);
    let first = site.ca.enrol(&wanted).await.unwrap();
    assert_eq!(site.ca.enrol(&wanted).await.unwrap(), first);
    let Enrolled::Issued(issued) = first else {
        panic!("pending");
    };
    let found = site.ca.find(&wanted).await.unwrap();
    assert_eq!(found, Found::Issued(issued));
    let other = site.ca.enrol(&enrolment("2", &key)).await.unwrap();
    assert_ne!(Enrolled::Issued(site.issue("1-").await), other);
    assert_eq!(site.list.length(), 3);

    // The same id for another key is somebody's mistake.
    let stranger = enrolment("1", &KeyPair::generate().unwrap());
    let error = site.ca.enrol(&stranger).await.unwrap_err();
    assert_eq!(
        error.why,
        Why::WrongCertificate(WrongCertificate::OtherKey),
        "{error}"
    );
}

#[tokio::test]
async fn what_was_never_asked_for_is_not_found() {
    let site = Site::new();
    let wanted = enrolment("1", &KeyPair::generate().unwrap());
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Nothing);
    let reference = Reference("1".to_owned());
    let error = site.ca.poll(&reference, &wanted).await.unwrap_err();
    assert_eq!(error.nature(), Nature::Refused);
    let stranger = Serial::from_bytes(&[1]);
    for error in [
        site.ca.status(&stranger).await.unwrap_err(),
        site.ca.hold(&stranger).await.unwrap_err(),
        site.ca.unhold(&stranger).await.unwrap_err(),
        site.ca
            .revoke(&stranger, Reason::Superseded)
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error.why, Why::NotFound { .. }), "{error}");
        assert_eq!(error.outcome(), Outcome::Unchanged);
    }
}

#[tokio::test]
async fn a_certificate_is_held_released_and_revoked_and_not_otherwise() {
    let site = Site::new();
    let ca = &site.ca;
    let issued = site.issue("1").await;
    let serial = issued.serial();
    let status = async || ca.status(serial).await.unwrap();
    assert_eq!(status().await, CertificateStatus::Good);
    assert_eq!(ca.unhold(serial).await.unwrap(), Acted::Already);
    assert_eq!(ca.hold(serial).await.unwrap(), Acted::Done);
    assert_eq!(ca.hold(serial).await.unwrap(), Acted::Already);
    assert_eq!(status().await, CertificateStatus::Held);
    assert_eq!(ca.unhold(serial).await.unwrap(), Acted::Done);
    assert_eq!(status().await, CertificateStatus::Good);
    let reason = Reason::KeyCompromise;
    assert_eq!(ca.revoke(serial, reason).await.unwrap(), Acted::Done);
    assert_eq!(ca.revoke(serial, reason).await.unwrap(), Acted::Already);
    assert_eq!(status().await, CertificateStatus::Revoked);
    for error in [
        ca.hold(serial).await.unwrap_err(),
        ca.unhold(serial).await.unwrap_err(),
    ] {
        assert!(matches!(error.why, Why::Refused { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_ends_when_it_says_and_never_after_the_ca() {
    let site = Site::new();
    let issued = site.issue("1").await;
    let now: Timestamp = NOW.parse().unwrap();
    assert_eq!(
        issued.not_after(),
        now + SignedDuration::from_hours(24 * 365)
    );
    assert!(issued.not_before() < now);
    site.pass(SignedDuration::from_hours(24 * 365 + 1));
    let status = site.ca.status(issued.serial()).await.unwrap();
    assert_eq!(status, CertificateStatus::Expired);
    site.pass(SignedDuration::from_hours(24 * (3650 - 400)));
    let late = site.issue("2").await;
    assert_eq!(
        late.not_after(),
        now + SignedDuration::from_hours(24 * 3650)
    );
}

#[tokio::test]
async fn a_shorter_life_may_be_asked_for_and_a_longer_one_not() {
    let site = Site::new();
    let key = KeyPair::generate().unwrap();
    let mut wanted = enrolment("1", &key);
    for days in [0, 366] {
        wanted.days = Some(days);
        let error = site.ca.enrol(&wanted).await.unwrap_err();
        assert!(
            matches!(error.why, Why::Unusable { field: "days", .. }),
            "{error}"
        );
    }
    wanted.days = Some(1);
    let Enrolled::Issued(issued) = site.ca.enrol(&wanted).await.unwrap() else {
        panic!("pending");
    };
    let life = issued.not_after().duration_since(wanted.asked_at);
    assert_eq!(life, SignedDuration::from_hours(24));
}

#[tokio::test]
async fn what_a_profile_lacks_or_a_certificate_cannot_hold_is_refused_before_it_is_made() {
    let site = Site::new();
    let wanted = enrolment("1", &KeyPair::generate().unwrap());
    let refused = async |change: fn(&mut Enrolment)| {
        let mut wanted = wanted.clone();
        change(&mut wanted);
        let error = site.ca.enrol(&wanted).await.unwrap_err();
        assert_eq!(site.list.length(), 0, "{error}");
        error.to_string()
    };
    let text = refused(|e| e.profile = "server".to_owned()).await;
    assert!(text.contains("smart-card-logon"), "{text}");
    let text = refused(|e| {
        e.subject.clear();
        e.alternative_names.clear();
    })
    .await;
    assert!(text.ends_with("cn, san:upn"), "{text}");
    let text = refused(|e| e.subject[0].value = "Germany".to_owned()).await;
    assert!(text.contains("two letters"), "{text}");
    let text = refused(|e| e.subject[0].name = "favouriteDrink".to_owned()).await;
    assert!(text.contains("favouriteDrink"), "{text}");
    let text = refused(|e| e.subject.push(e.subject[2].clone())).await;
    assert!(text.contains("each attribute once"), "{text}");
    let text = refused(|e| e.alternative_names[1].value = "bób@example.com".to_owned()).await;
    assert!(text.contains("ASCII"), "{text}");
}

#[tokio::test]
async fn a_list_that_fails_is_told_as_it_is() {
    let site = Site::new();
    let issued = site.issue("1").await;
    site.list.fail();
    let wanted = enrolment("2", &KeyPair::generate().unwrap());
    let error = site.ca.enrol(&wanted).await.unwrap_err();
    assert_eq!(error.why, Why::Store("the paper is gone".to_owned()));
    assert_eq!(error.outcome(), Outcome::MaybeChanged);
    let error = site.ca.status(issued.serial()).await.unwrap_err();
    assert_eq!(error.nature(), Nature::NotNow(None));
    let error = site.ca.hold(issued.serial()).await.unwrap_err();
    assert_eq!(error.nature(), Nature::Unknown);
    let findings = site.ca.check().await;
    assert!(findings.iter().any(|finding| !finding.ok), "{findings:?}");
}

#[tokio::test]
async fn a_check_tells_until_when_the_ca_issues() {
    let site = Site::new();
    let findings = site.ca.check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    assert!(findings[0].text.contains("CN=Test CA"), "{findings:?}");
    site.pass(SignedDuration::from_hours(24 * 3651));
    let findings = site.ca.check().await;
    assert!(!findings[0].ok, "{findings:?}");
}

#[test]
fn a_wrong_setting_is_named() {
    let now: Timestamp = NOW.parse().unwrap();
    let field = |name: &str, url: &str, days| match Settings::create(name, url, days, now) {
        Err(error) => error.field,
        Ok(_) => panic!("{name:?} {url:?} {days} was accepted"),
    };
    assert_eq!(field("", PUBLISH_URL, 365), "name");
    assert_eq!(field("a\nb", PUBLISH_URL, 365), "name");
    assert_eq!(field(&"a".repeat(65), PUBLISH_URL, 365), "name");
    assert_eq!(field("CA", PUBLISH_URL, 0), "days");
    assert_eq!(field("CA", PUBLISH_URL, 1826), "days");
    for url in [
        "",
        "pki.example.com",
        "https://pki.example.com/ca",
        "http://me@pki.example.com",
        "http://pki.example.com/?a",
        "http://pki.example.com/ö",
    ] {
        assert_eq!(field("CA", url, 365), "publish_url", "{url}");
    }
}

#[test]
fn a_ca_that_is_brought_along_must_be_one_and_its_key_its_own() {
    let now: Timestamp = NOW.parse().unwrap();
    let (made, secret) = Settings::create("Theirs", PUBLISH_URL, 365, now).unwrap();
    let (other, _) = Settings::create("Other", PUBLISH_URL, 365, now).unwrap();
    let key = KeyPair::try_from(secret.expose()).unwrap().serialize_pem();
    let key = Zeroizing::new(key);
    let import =
        |authority: &str, key, at| match Settings::import(authority, key, PUBLISH_URL, 365, at) {
            Err(error) => error.field,
            Ok(_) => "taken",
        };
    assert_eq!(import(&made.authority, &key, now), "taken");
    assert_eq!(import(&other.authority, &key, now), "private_key");
    let nonsense = Zeroizing::new("hello".to_owned());
    assert_eq!(import(&made.authority, &nonsense, now), "private_key");
    assert_eq!(import("hello", &key, now), "authority");
    let later = now + SignedDuration::from_hours(24 * 3651);
    assert_eq!(import(&made.authority, &key, later), "authority");
    let pair = KeyPair::try_from(secret.expose()).unwrap();
    let leaf = CertificateParams::default().self_signed(&pair).unwrap();
    assert_eq!(import(&leaf.pem(), &key, now), "authority");
}

#[test]
fn the_key_is_in_no_text() {
    let now: Timestamp = NOW.parse().unwrap();
    let (settings, secret) = Settings::create("Test CA", PUBLISH_URL, 365, now).unwrap();
    let key = hex::encode(secret.expose());
    let site = Site::of(&settings, &secret);
    let text = format!("{settings:?} {:?}", site.ca);
    assert!(text.contains("Test CA") && !text.contains(&key), "{text}");
    let stored = serde_json::to_string(&settings).unwrap();
    assert!(!stored.contains("PRIVATE"), "{stored}");
}

const NOW: &str = "2026-11-01T00:00:00Z";
const PUBLISH_URL: &str = "http://pki.example.com/ca";
