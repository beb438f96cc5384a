//! Answers that are refusals, nonsense, late, or none: each told apart, and
//! what it says of the effect is true.

use super::{Failure, Site, When, credential};
use keysteward_server::connector::idp::{IdentityProvider, Outcome, Why};
use std::time::Duration;

/// Adds an authenticator while the request fails; gives the reason, what the
/// connector says of the effect, and how many authenticators there are.
async fn add_while(when: When, failure: Failure) -> (Why, Outcome, usize) {
    let site = Site::new().await;
    let user = site.user().await;
    let sta = match failure {
        Failure::Late { .. } => &site.hasty(),
        _ => &site.sta,
    };
    site.fault("POST", "/authenticators", when, failure);
    let new = credential(&site.stand_in);
    let error = sta.add_authenticator(&user, &new).await.unwrap_err();
    let held = site.stand_in.authenticators("bob@example.com").len();
    let outcome = error.outcome();
    assert!(
        held == 0 || outcome == Outcome::MaybeChanged,
        "a lie: {error}"
    );
    (error.why, outcome, held)
}

#[tokio::test]
async fn every_status_is_told_apart_on_the_wire() {
    use Outcome::{MaybeChanged, Unchanged};
    for (code, name, expected) in [
        (400, "BadRequest", Unchanged),
        (405, "BadRequest", Unchanged),
        (406, "BadRequest", Unchanged),
        (401, "NotPermitted", Unchanged),
        (402, "NotPermitted", Unchanged),
        (403, "NotPermitted", Unchanged),
        (407, "NotPermitted", Unchanged),
        (404, "NotFound", Unchanged),
        (410, "NotFound", Unchanged),
        (408, "RequestTimeout", MaybeChanged),
        (409, "Exists", Unchanged),
        (412, "PreconditionFailed", Unchanged),
        (429, "TooManyRequests", Unchanged),
        (500, "ServerFault", MaybeChanged),
        (503, "ServerFault", MaybeChanged),
        (307, "UnexpectedStatus", MaybeChanged),
    ] {
        let status = Failure::Status {
            code,
            reset_seconds: None,
        };
        let (why, outcome, held) = add_while(When::Before, status).await;
        assert!(format!("{why:?}").starts_with(name), "HTTP {code}: {why:?}");
        assert_eq!((outcome, held), (expected, 0), "HTTP {code}");
    }
}

#[tokio::test]
async fn a_failure_after_the_effect_is_never_called_unchanged() {
    for (failure, name) in [
        (
            Failure::Status {
                code: 500,
                reset_seconds: None,
            },
            "ServerFault",
        ),
        (Failure::Garbage, "Malformed"),
        (Failure::WrongObject, "WrongObject"),
        (Failure::Flood, "TooLong"),
        (Failure::Half, "NoAnswer"),
        (Failure::Close, "NoAnswer"),
        (Failure::Late { milliseconds: 3000 }, "TooLate"),
    ] {
        let (why, outcome, held) = add_while(When::After, failure).await;
        assert!(format!("{why:?}").starts_with(name), "{why:?}");
        assert_eq!((outcome, held), (Outcome::MaybeChanged, 1), "{name}");
    }
}

#[tokio::test]
async fn a_connection_that_closes_before_the_effect_may_have_had_it_for_all_we_know() {
    let (why, outcome, held) = add_while(When::Before, Failure::Close).await;
    assert!(matches!(why, Why::NoAnswer(_)), "{why:?}");
    assert_eq!((outcome, held), (Outcome::MaybeChanged, 0));
}

#[tokio::test]
async fn an_effect_may_come_after_we_gave_up_waiting() {
    let site = Site::new().await;
    let user = site.user().await;
    let late = Failure::Late { milliseconds: 3000 };
    site.fault("POST", "/authenticators", When::Before, late);
    let new = credential(&site.stand_in);
    let error = site
        .hasty()
        .add_authenticator(&user, &new)
        .await
        .unwrap_err();
    assert_eq!(error.why, Why::TooLate(Duration::from_secs(1)));
    assert!(site.stand_in.authenticators("bob@example.com").is_empty());
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let listed = site.sta.list_authenticators(&user).await.unwrap();
    assert_eq!(listed[0].credential_id.as_ref(), Some(&new.credential_id));
}

#[tokio::test]
async fn a_text_that_is_shown_is_short_and_printable() {
    let (why, ..) = add_while(When::Before, Failure::Garbage).await;
    let Why::Malformed { said, .. } = &why else {
        panic!("{why}");
    };
    assert!(said.as_str().starts_with("<html>"), "{said}");
    assert!(!why.to_string().contains('\u{1B}'), "{why:?}");
}

#[tokio::test]
async fn a_list_of_something_else_is_not_read() {
    let site = Site::new().await;
    let user = site.user().await;
    for failure in [Failure::WrongObject, Failure::Garbage] {
        site.fault("GET", "/authenticators", When::Before, failure);
        let error = site.sta.list_authenticators(&user).await.unwrap_err();
        assert!(matches!(error.why, Why::Malformed { .. }), "{error}");
        assert_eq!(error.outcome(), Outcome::Unchanged);
    }
}

#[tokio::test]
async fn after_a_429_nothing_is_sent_until_the_time_is_over() {
    let site = Site::new().await;
    let user = site.user().await;
    let status = Failure::Status {
        code: 429,
        reset_seconds: Some(1),
    };
    site.fault("POST", "/authenticators", When::Before, status);
    let new = credential(&site.stand_in);
    let error = site.sta.add_authenticator(&user, &new).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));

    // Were this one sent, it would take the fault away.
    site.fault("GET", "/authenticators", When::Before, Failure::Close);
    let error = site.sta.list_authenticators(&user).await.unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(
        wait <= Duration::from_secs(1) && !wait.is_zero(),
        "{wait:?}"
    );

    tokio::time::sleep(wait + Duration::from_millis(50)).await;
    let error = site.sta.list_authenticators(&user).await.unwrap_err();
    assert!(matches!(error.why, Why::NoAnswer(_)), "{error}");
    site.sta.add_authenticator(&user, &new).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_each_other_change_is_maybe_and_true() {
    let site = Site::new().await;
    let user = site.user().await;
    let id = site
        .sta
        .add_authenticator(&user, &credential(&site.stand_in))
        .await
        .unwrap()
        .id;
    site.stand_in.activate("bob@example.com", &id.0).unwrap();
    let state = || format!("{:?}", site.stand_in.authenticators("bob@example.com"));

    site.fault("PATCH", "", When::After, Failure::Close);
    assert_eq!(
        site.sta.suspend(&user, &id).await.unwrap_err().outcome(),
        Outcome::MaybeChanged
    );
    assert!(state().contains("Suspended"));
    site.fault("PATCH", "", When::After, Failure::Close);
    assert_eq!(
        site.sta.resume(&user, &id).await.unwrap_err().outcome(),
        Outcome::MaybeChanged
    );
    assert!(state().contains("Active"));
    site.fault("DELETE", "", When::After, Failure::Close);
    assert_eq!(
        site.sta.delete(&user, &id).await.unwrap_err().outcome(),
        Outcome::MaybeChanged
    );
    assert_eq!(state(), "[]");
}

#[tokio::test]
async fn a_list_without_end_is_left_and_its_links_are_not_followed() {
    let site = Site::new().await;
    let user = site.user().await;
    for _ in 0..50 {
        site.fault("GET", "/authenticators", When::Before, Failure::EndlessPage);
    }
    let error = site.sta.list_authenticators(&user).await.unwrap_err();
    assert_eq!(error.why, Why::TooManyPages { limit: 50 });
    assert!(
        site.sta
            .list_authenticators(&user)
            .await
            .unwrap()
            .is_empty()
    );
}
