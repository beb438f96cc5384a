//! Certificates: asked for, waited for, found again.

use super::{Options, Site, bob, issued, request};
use jiff::SignedDuration;
use keysteward_server::connector::ca::{
    AlternativeNameKind, CertificationAuthority, Enrolled, FieldName, Found, Reason, Reference,
    Unfit, Why,
};
use rcgen::KeyPair;

#[tokio::test]
async fn a_certificate_comes_with_its_names_and_its_chain() {
    let site = Site::new().await;
    let wanted = bob();
    let got = issued(site.ca.enrol(&wanted).await.unwrap());
    assert_eq!(got.subject(), "CN=Bob Smith,O=Acme");
    assert_eq!(got.chain().len(), 2);
    assert_eq!(got.chain()[0], site.stand_in.authority());
    let held = site.stand_in.certificates();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].0, got.serial().to_string());
    assert_eq!(held[0].1, "CN=Bob Smith,O=Acme");
    let life = got.not_after().duration_since(got.not_before());
    assert!(life > SignedDuration::from_hours(24 * 1094), "{life:?}");
}

#[tokio::test]
async fn the_life_that_was_asked_for_is_given_or_refused_in_the_cas_words() {
    let site = Site::new().await;
    let mut wanted = bob();
    wanted.days = Some(30);
    let got = issued(site.ca.enrol(&wanted).await.unwrap());
    let life = got.not_after().duration_since(got.not_before());
    assert!(life < SignedDuration::from_hours(24 * 31), "{life:?}");

    wanted.days = Some(100_000);
    let error = site.ca.enrol(&wanted).await.unwrap_err();
    let Why::Refused {
        status: 400,
        refusal,
    } = &error.why
    else {
        panic!("{error}");
    };
    assert_eq!(refusal.code, "cagw-4001");
    assert!(
        refusal.message.as_str().contains("validity period"),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_profile_lacks_is_named_before_anything_is_sent() {
    let site = Site::new().await;
    let mut wanted = bob();
    wanted.profile = "SMIME-csr".to_owned();
    wanted.subject.retain(|attribute| attribute.name != "cn");
    wanted.alternative_names.clear();
    let error = site.ca.enrol(&wanted).await.unwrap_err();
    let missing = ["cn", "san:mail"].map(|name| FieldName::parse(name).unwrap());
    assert_eq!(error.why, Why::Unfit(Unfit::Missing(missing.to_vec())));
    wanted.profile = "SMIME-p12".to_owned();
    let error = site.ca.enrol(&wanted).await.unwrap_err();
    assert_eq!(error.why, Why::Unfit(Unfit::MakesKeys));
    wanted.profile = "nobody's".to_owned();
    let error = site.ca.enrol(&wanted).await.unwrap_err();
    assert!(matches!(error.why, Why::NotFound { .. }), "{error}");
    assert!(site.stand_in.certificates().is_empty());
}

#[tokio::test]
async fn a_name_that_the_ca_does_not_take_is_refused_with_its_details() {
    let site = Site::new().await;
    let mut wanted = bob();
    wanted.subject[0].name = "favouriteDrink".to_owned();
    let error = site.ca.enrol(&wanted).await.unwrap_err();
    let Why::Refused { refusal, .. } = &error.why else {
        panic!("{error}");
    };
    assert!(
        refusal.details[0].as_str().contains("favouriteDrink"),
        "{refusal:?}"
    );
    // Details tell of the CA's inside: they are for the administrator's log.
    assert!(!error.to_string().contains("favouriteDrink"), "{error}");
}

#[tokio::test]
async fn an_enrolment_that_is_pending_is_issued_once_somebody_agrees() {
    let site = Site::with(Options {
        agreement_needed: true,
        ..Options::default()
    })
    .await;
    let wanted = bob();
    let Enrolled::Pending(reference) = site.ca.enrol(&wanted).await.unwrap() else {
        panic!("issued");
    };
    assert_eq!(reference, Reference("enrolment-1".to_owned()));
    let pending = Enrolled::Pending(reference.clone());
    assert_eq!(site.ca.poll(&reference, &wanted).await.unwrap(), pending);
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Nothing);
    site.stand_in.agree_to_all().unwrap();
    let got = issued(site.ca.poll(&reference, &wanted).await.unwrap());
    assert_eq!(site.stand_in.certificates()[0].0, got.serial().to_string());
}

#[tokio::test]
async fn a_lost_certificate_is_found_by_its_key_on_whatever_page_it_stands() {
    let site = Site::with(Options {
        page_size: 2,
        ..Options::default()
    })
    .await;
    let wanted = bob();
    for _ in 0..3 {
        site.issue().await;
    }
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Nothing);
    let got = issued(site.ca.enrol(&wanted).await.unwrap());
    for _ in 0..4 {
        let other = site.issue().await;
        site.ca.hold(other.serial()).await.unwrap();
    }
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Issued(got));
}

#[tokio::test]
async fn a_certificate_from_before_is_not_the_one_that_was_lost() {
    let site = Site::new().await;
    let key = KeyPair::generate().unwrap();
    let wanted = request(&key);
    site.ca.enrol(&wanted).await.unwrap();
    let mut later = request(&key);
    later.asked_at = wanted.asked_at + SignedDuration::from_hours(1);
    assert_eq!(site.ca.find(&later).await.unwrap(), Found::Nothing);
}

#[tokio::test]
async fn a_certificate_that_is_known_hides_no_other_one_for_the_same_key() {
    let site = Site::new().await;
    let mut wanted = bob();
    let first = issued(site.ca.enrol(&wanted).await.unwrap());
    let second = issued(site.ca.enrol(&wanted).await.unwrap());
    for (known, other) in [(&first, &second), (&second, &first)] {
        wanted.known = vec![known.serial().clone()];
        let found = site.ca.find(&wanted).await.unwrap();
        assert_eq!(found, Found::Issued(other.clone()));
    }
    wanted.known = vec![first.serial().clone(), second.serial().clone()];
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Nothing);
}

#[tokio::test]
async fn a_certificate_that_somebody_revoked_meanwhile_is_not_found() {
    let site = Site::new().await;
    let wanted = bob();
    let got = issued(site.ca.enrol(&wanted).await.unwrap());
    site.ca.hold(got.serial()).await.unwrap();
    site.ca.unhold(got.serial()).await.unwrap();
    let found = site.ca.find(&wanted).await.unwrap();
    assert_eq!(found, Found::Issued(got.clone()));
    let other = site.issue().await;
    site.ca
        .revoke(other.serial(), Reason::Superseded)
        .await
        .unwrap();
    let found = site.ca.find(&wanted).await.unwrap();
    assert_eq!(found, Found::Issued(got.clone()));
    site.ca
        .revoke(got.serial(), Reason::Superseded)
        .await
        .unwrap();
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Nothing);
    // Another one for the same key is.
    let again = issued(site.ca.enrol(&wanted).await.unwrap());
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Issued(again));
}

#[tokio::test]
async fn a_reissue_of_what_the_ca_never_issued_is_refused() {
    let site = Site::new().await;
    let other = Site::new().await;
    let stranger = other.issue().await;
    let error = site
        .ca
        .reissue(&(&stranger).into(), &bob())
        .await
        .unwrap_err();
    assert!(matches!(error.why, Why::Refused { .. }), "{error}");
    assert!(site.stand_in.certificates().is_empty());
}

#[tokio::test]
async fn a_successor_is_another_certificate_and_a_reissue_names_the_former_subject() {
    let site = Site::new().await;
    let key = KeyPair::generate().unwrap();
    let first = issued(site.ca.enrol(&request(&key)).await.unwrap());
    let renewed = issued(
        site.ca
            .renew(&(&first).into(), &request(&key))
            .await
            .unwrap(),
    );
    assert_ne!(renewed.serial(), first.serial());
    assert!(site.stand_in.previous_subjects().is_empty());

    let mut married = bob();
    married.subject[1].value = "Bob Miller".to_owned();
    let reissued = issued(site.ca.reissue(&(&renewed).into(), &married).await.unwrap());
    assert!(reissued.subject().contains("Bob Miller"));
    assert_eq!(site.stand_in.previous_subjects(), ["CN=Bob Smith,O=Acme"]);
    assert_eq!(site.stand_in.certificates().len(), 3);
}

#[tokio::test]
async fn a_user_principal_name_enters_the_certificate() {
    let site = Site::new().await;
    let wanted = bob();
    assert_eq!(wanted.alternative_names[0].kind, AlternativeNameKind::Upn);
    let got = issued(site.ca.enrol(&wanted).await.unwrap());
    let upn = b"bob@ad.example.com";
    let holds = got.certificate().windows(upn.len()).any(|part| part == upn);
    assert!(holds);
}
