//! Answers that are refusals, nonsense, late, somebody else's, or none: each
//! told apart, and what it says of the effect is true.

use super::{Failure, Site, When, bob, issued};
use keysteward_server::connector::{
    Outcome,
    ca::{CertificationAuthority, Found, Nature, Why},
};
use std::time::Duration;

/// Enrols while the request fails; gives the reason, the connector's judgement,
/// and whether a certificate was issued that the connector finds afterwards.
async fn enrol_while(when: When, failure: Failure) -> (Why, Nature, bool) {
    let site = Site::new().await;
    let ca = match failure {
        Failure::Late { .. } => &site.hasty(),
        _ => &site.ca,
    };
    site.fault("POST", "/enrollments", when, failure);
    let wanted = bob();
    let error = ca.enrol(&wanted).await.unwrap_err();
    let held = site.stand_in.certificates().len();
    assert!(
        held == 0 || error.outcome() == Outcome::MaybeChanged,
        "a lie: {error}"
    );
    let found = match site.ca.find(&wanted).await.unwrap() {
        Found::Issued(found) => {
            assert_eq!(
                site.stand_in.certificates()[0].0,
                found.serial().to_string()
            );
            true
        }
        Found::Nothing => false,
        Found::CannotTell => panic!("the gateway can tell"),
    };
    assert_eq!(found, held == 1);
    let nature = error.nature();
    (error.why, nature, found)
}

#[tokio::test]
async fn every_status_is_told_apart_on_the_wire() {
    for (code, name, expected) in [
        (400, "Refused", Nature::Refused),
        (422, "Refused", Nature::Refused),
        (401, "NotPermitted", Nature::Settings),
        (403, "NotPermitted", Nature::Settings),
        (404, "NotFound", Nature::Refused),
        (408, "RequestTimeout", Nature::Unknown),
        (429, "TooManyRequests", Nature::NotNow(None)),
        (500, "ServerFault", Nature::Unknown),
        (501, "NotOffered", Nature::Refused),
        (503, "ServerFault", Nature::Unknown),
        (307, "UnexpectedStatus", Nature::Unknown),
    ] {
        let status = Failure::Status {
            code,
            retry_after: None,
        };
        let (why, nature, found) = enrol_while(When::Before, status).await;
        assert!(format!("{why:?}").starts_with(name), "HTTP {code}: {why:?}");
        assert_eq!((nature, found), (expected, false), "HTTP {code}");
    }
}

#[tokio::test]
async fn a_certificate_whose_answer_was_lost_is_found_again() {
    for (failure, name) in [
        (
            Failure::Status {
                code: 502,
                retry_after: None,
            },
            "ServerFault",
        ),
        (Failure::Garbage, "Malformed"),
        (Failure::Flood, "TooLong"),
        (Failure::Half, "NoAnswer"),
        (Failure::Close, "NoAnswer"),
        (Failure::Late { milliseconds: 3000 }, "TooLate"),
    ] {
        let (why, nature, found) = enrol_while(When::After, failure).await;
        assert!(format!("{why:?}").starts_with(name), "{why:?}");
        assert_eq!((nature, found), (Nature::Unknown, true), "{name}");
    }
}

#[tokio::test]
async fn a_refusal_behind_a_success_is_a_refusal() {
    for failure in [Failure::ErrorBehindSuccess, Failure::Rejected] {
        let (why, nature, found) = enrol_while(When::Before, failure).await;
        assert!(matches!(why, Why::Refused { status: 200, .. }), "{why:?}");
        assert_eq!((nature, found), (Nature::Refused, false));
    }
}

#[tokio::test]
async fn a_certificate_that_was_not_asked_for_is_not_taken_and_the_right_one_is_found() {
    for failure in [
        Failure::OtherKey,
        Failure::OtherAuthority,
        Failure::OtherSubject,
        Failure::WithoutAlternativeNames,
    ] {
        let (why, nature, found) = enrol_while(When::After, failure).await;
        assert!(matches!(why, Why::WrongCertificate(_)), "{why}");
        assert_eq!((nature, found), (Nature::Unknown, true));
    }
}

#[tokio::test]
async fn each_wrong_certificate_is_told_apart() {
    for (failure, expected) in [
        (Failure::OtherKey, "OtherKey"),
        (Failure::OtherAuthority, "Signature"),
        (Failure::OtherSubject, "Subject"),
        (Failure::WithoutAlternativeNames, "AlternativeName"),
    ] {
        let site = Site::new().await;
        let mut wanted = bob();
        // The stand-in's wrong certificates have nothing else.
        wanted.subject.retain(|attribute| attribute.name == "cn");
        if failure == Failure::OtherAuthority {
            wanted.alternative_names.clear();
        }
        site.fault("POST", "/enrollments", When::After, failure);
        let error = site.ca.enrol(&wanted).await.unwrap_err();
        let Why::WrongCertificate(wrong) = &error.why else {
            panic!("{error}");
        };
        assert!(
            format!("{wrong:?}").starts_with(expected),
            "{expected}: {wrong}"
        );
    }
}

#[tokio::test]
async fn a_question_that_fails_before_the_request_leaves_changes_nothing() {
    let site = Site::new().await;
    for suffix in ["1sw46hf1g0wrdc", "/smart-card-csr"] {
        site.fault("GET", suffix, When::Before, Failure::Close);
        let error = site.ca.enrol(&bob()).await.unwrap_err();
        assert!(matches!(error.why, Why::NoAnswer(_)), "{suffix}: {error}");
        assert_eq!(error.nature(), Nature::NotNow(None), "{suffix}");
    }
    assert!(site.stand_in.certificates().is_empty());
    issued(site.ca.enrol(&bob()).await.unwrap());
}

#[tokio::test]
async fn an_effect_may_come_after_we_gave_up_waiting() {
    let site = Site::new().await;
    let hasty = site.hasty();
    let late = Failure::Late { milliseconds: 3000 };
    site.fault("POST", "/enrollments", When::Before, late);
    let wanted = bob();
    let error = hasty.enrol(&wanted).await.unwrap_err();
    assert_eq!(error.why, Why::TooLate(Duration::from_secs(1)));
    assert_eq!(site.ca.find(&wanted).await.unwrap(), Found::Nothing);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let found = site.ca.find(&wanted).await.unwrap();
    assert!(matches!(found, Found::Issued(_)), "{found:?}");
}

#[tokio::test]
async fn after_a_429_nothing_is_sent_until_the_time_is_over() {
    let site = Site::new().await;
    let got = site.issue().await;
    let status = Failure::Status {
        code: 429,
        retry_after: Some(1),
    };
    site.fault("POST", "/actions", When::Before, status);
    let error = site.ca.hold(got.serial()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));

    // Were this one sent, it would take the fault away.
    site.fault("GET", "", When::Before, Failure::Close);
    let error = site.ca.status(got.serial()).await.unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(
        wait <= Duration::from_secs(1) && !wait.is_zero(),
        "{wait:?}"
    );
    tokio::time::sleep(wait + Duration::from_millis(50)).await;
    let error = site.ca.status(got.serial()).await.unwrap_err();
    assert!(matches!(error.why, Why::NoAnswer(_)), "{error}");
    site.ca.hold(got.serial()).await.unwrap();
}

#[tokio::test]
async fn a_text_that_is_shown_is_short_and_printable() {
    let (why, ..) = enrol_while(When::Before, Failure::Garbage).await;
    let Why::Malformed { said, .. } = &why else {
        panic!("{why}");
    };
    assert!(said.as_str().starts_with("<html>"), "{said}");
    assert!(!why.to_string().contains('\u{1B}'), "{why:?}");
}

#[tokio::test]
async fn a_list_without_end_is_left() {
    let site = Site::new().await;
    for _ in 0..200 {
        let endless = Failure::EndlessPage;
        site.fault("GET", "/certificate-events", When::Before, endless);
    }
    let error = site.ca.find(&bob()).await.unwrap_err();
    assert_eq!(error.why, Why::TooManyPages { limit: 200 });
    assert_eq!(site.ca.find(&bob()).await.unwrap(), Found::Nothing);
}
