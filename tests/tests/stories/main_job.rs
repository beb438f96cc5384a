//! The main job, from issuing to revoking, on three makes of key.

use keysteward_tests::site::key::Make;

use crate::desk::{Desk, ESCROW, Issuing, text};

fn from_issue_to_revoke(make: Make) {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(make, ESCROW).unwrap();
    desk.issue(&held).unwrap();
    let idp = |desk: &Desk| desk.site.stand_in.state_of_only(&held.user).unwrap();
    assert_eq!(idp(&desk), "pending");
    let pin = desk.reveal(&held).unwrap();
    assert_eq!(desk.credentials_on_key(&held, &pin).unwrap().len(), 1);
    assert!(!desk.browser(&held).sign_in(&pin).unwrap(), "pending");
    assert!(desk.browser(&held).activate(&pin).unwrap());
    assert_eq!(idp(&desk), "active");
    assert!(desk.browser(&held).sign_in(&pin).unwrap());
    desk.operate(&["suspend", &held.token]).unwrap();
    assert_eq!(idp(&desk), "suspended");
    assert!(!desk.browser(&held).sign_in(&pin).unwrap(), "suspended");
    desk.operate(&["resume", &held.token]).unwrap();
    assert!(desk.browser(&held).sign_in(&pin).unwrap());
    desk.operate(&["revoke", &held.token, "--reason", "left"])
        .unwrap();
    assert_eq!(idp(&desk), "absent");
    assert!(!desk.browser(&held).sign_in(&pin).unwrap(), "revoked");
    assert!(desk.credentials_on_key(&held, &pin).unwrap().is_empty());
    assert_eq!(
        text(&desk.token(&held.token).unwrap(), "state").unwrap(),
        "revoked"
    );
    desk.verify_audit().unwrap();
}

#[test]
fn our_key_goes_from_issue_to_revoke() {
    from_issue_to_revoke(Make::Keysteward);
}

#[test]
fn a_key_of_opensk_goes_from_issue_to_revoke() {
    from_issue_to_revoke(Make::OpenSk);
}

#[test]
fn a_key_of_fido_authenticator_goes_from_issue_to_revoke() {
    from_issue_to_revoke(Make::Trussed);
}

#[test]
fn without_escrow_revoking_ends_at_the_provider_and_the_key_needs_a_reset() {
    let mut desk = Desk::open().unwrap();
    let hand_over = Issuing {
        custody: "hand-over",
        more: &[],
    };
    let held = desk.hold(Make::Keysteward, hand_over).unwrap();
    desk.issue(&held).unwrap();
    let pin = desk.reveal(&held).unwrap();
    let revoked = desk
        .site
        .cli
        .run(&["revoke", &held.token, "--reason", "lost"], "")
        .unwrap();
    assert_eq!(
        desk.site.stand_in.state_of_only(&held.user).unwrap(),
        "absent"
    );
    let token = desk.token(&held.token).unwrap();
    assert_eq!(token["state"], "revoked", "{revoked:?}");
    assert_eq!(token["needs_reset"], true, "{token}");
    // Nobody but the user's PIN can delete what is there.
    assert_eq!(desk.credentials_on_key(&held, &pin).unwrap().len(), 1);
}

#[test]
fn a_lost_key_is_revoked_at_once_and_cleaned_when_it_is_found() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    desk.issue(&held).unwrap();
    let pin = desk.reveal(&held).unwrap();
    held.key.unplug().unwrap();
    desk.site
        .cli
        .run(
            &["revoke", &held.token, "--reason", "lost", "--no-wait"],
            "",
        )
        .unwrap();
    let gone = || Ok((desk.site.stand_in.state_of_only(&held.user)? == "absent").then_some(()));
    let patience = std::time::Duration::from_secs(20);
    keysteward_tests::site::process::eventually("the provider forgets it", patience, gone).unwrap();
    assert_eq!(desk.token(&held.token).unwrap()["state"], "revoked");
    held.key.plug().unwrap();
    let cleaned = || {
        Ok(desk
            .credentials_on_key(&held, &pin)?
            .is_empty()
            .then_some(()))
    };
    keysteward_tests::site::process::eventually("the key is cleaned", patience, cleaned).unwrap();
}
