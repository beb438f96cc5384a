//! Holds, releases, revocations.

use super::{Failure, Site, When};
use keysteward_server::connector::{
    Outcome,
    ca::{Acted, CertificateStatus, CertificationAuthority, Nature, Reason, Serial, Why},
};
use keysteward_tests::ca_gateway_stand_in::State;

#[tokio::test]
async fn a_certificate_is_held_released_and_revoked() {
    let site = Site::new().await;
    let ca = &site.ca;
    let got = site.issue().await;
    let serial = got.serial();
    let state = || site.stand_in.certificates()[0].2;
    let status = async || ca.status(serial).await.unwrap();
    assert_eq!(status().await, CertificateStatus::Good);
    assert_eq!(ca.hold(serial).await.unwrap(), Acted::Done);
    assert_eq!(
        (status().await, state()),
        (CertificateStatus::Held, State::Held)
    );
    // Entrust's actions succeed in the state that they lead to.
    assert_eq!(ca.hold(serial).await.unwrap(), Acted::Done);
    assert_eq!(ca.unhold(serial).await.unwrap(), Acted::Done);
    assert_eq!(
        (status().await, state()),
        (CertificateStatus::Good, State::Normal)
    );
    for reason in Reason::ALL {
        assert_eq!(ca.revoke(serial, reason).await.unwrap(), Acted::Done);
    }
    assert_eq!(
        (status().await, state()),
        (CertificateStatus::Revoked, State::Revoked)
    );
}

#[tokio::test]
async fn a_rejection_behind_a_success_is_a_refusal() {
    let site = Site::new().await;
    let got = site.issue().await;
    site.ca
        .revoke(got.serial(), Reason::Superseded)
        .await
        .unwrap();
    for error in [
        site.ca.hold(got.serial()).await.unwrap_err(),
        site.ca.unhold(got.serial()).await.unwrap_err(),
    ] {
        assert!(
            matches!(error.why, Why::Refused { status: 200, .. }),
            "{error}"
        );
        assert_eq!(error.nature(), Nature::Refused);
    }
}

#[tokio::test]
async fn an_action_that_is_only_taken_on_is_not_called_done() {
    let site = Site::new().await;
    let got = site.issue().await;
    site.fault("POST", "/actions", When::Before, Failure::Accepted);
    assert_eq!(site.ca.hold(got.serial()).await.unwrap(), Acted::Accepted);
    let status = site.ca.status(got.serial()).await.unwrap();
    assert_eq!(status, CertificateStatus::Good);
}

#[tokio::test]
async fn a_certificate_that_the_ca_does_not_know_is_told_as_such() {
    let site = Site::new().await;
    let stranger = Serial::from_bytes(&[0x59, 0x12]);
    for error in [
        site.ca.status(&stranger).await.unwrap_err(),
        site.ca.hold(&stranger).await.unwrap_err(),
        site.ca.unhold(&stranger).await.unwrap_err(),
        site.ca
            .revoke(&stranger, Reason::Unspecified)
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error.why, Why::NotFound { .. }), "{error}");
        assert_eq!(error.outcome(), Outcome::Unchanged);
    }
}

#[tokio::test]
async fn a_lost_answer_to_an_action_is_maybe_and_the_status_tells() {
    let site = Site::new().await;
    let got = site.issue().await;
    site.fault("POST", "/actions", When::After, Failure::Close);
    let error = site.ca.hold(got.serial()).await.unwrap_err();
    assert_eq!(error.nature(), Nature::Unknown);
    let status = site.ca.status(got.serial()).await.unwrap();
    assert_eq!(status, CertificateStatus::Held);
    site.fault("POST", "/actions", When::Before, Failure::Close);
    let error = site.ca.unhold(got.serial()).await.unwrap_err();
    assert_eq!(error.nature(), Nature::Unknown);
    let status = site.ca.status(got.serial()).await.unwrap();
    assert_eq!(status, CertificateStatus::Held);
}

#[tokio::test]
async fn an_answer_about_something_else_is_not_taken() {
    let site = Site::new().await;
    let got = site.issue().await;
    site.fault("POST", "/actions", When::Before, Failure::WrongObject);
    let error = site.ca.hold(got.serial()).await.unwrap_err();
    assert!(matches!(error.why, Why::WrongObject { .. }), "{error}");
    assert_eq!(error.nature(), Nature::Unknown);
    site.fault("GET", "", When::Before, Failure::WrongObject);
    let error = site.ca.status(got.serial()).await.unwrap_err();
    let Why::WrongObject { field, .. } = error.why else {
        panic!("{error}");
    };
    assert_eq!(field, "serialNumber");
}
