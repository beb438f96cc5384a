//! PINs and what a key demands; keys that have none.

use keysteward_virtual_token::manufacture::Profile;

use crate::desk::{Desk, RP};

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_set_once_and_then_changed() {
    let (desk, device) = Desk::with(Profile::Ctap23).await;
    assert_eq!(desk.done("info").await["pin_set"], false);
    let set = desk.done("set-pin --new-pin-file FOLDER/pin").await;
    assert_eq!(set["done"], "set-pin");
    assert!(device.state().contents.pin_set);
    let again = desk.types("set-pin --new-pin-file FOLDER/pin").await;
    again.refused(1, "PIN_ALREADY_SET");

    desk.file("new", "271828");
    desk.done("change-pin --current-pin-file FOLDER/pin --new-pin-file FOLDER/new")
        .await;
    let old = desk.types_with_pin("credentials").await;
    old.refused(1, "PIN_INVALID");
    assert!(old.said.contains("\"retries_left\":\"7\""), "{}", old.said);
    desk.done("credentials --pin-file FOLDER/new").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_to_demand_more() {
    let (desk, _key) = Desk::with_pin(Profile::Ctap23).await;
    desk.done_with_pin(
        "configure --min-pin-length 6 --always-uv true --enable-long-touch-for-reset",
    )
    .await;
    let info = desk.done("info").await;
    assert_eq!(info["min_pin_length"], 6);
    assert_eq!(info["options"]["alwaysUv"], true);
    assert_eq!(info["long_touch_for_reset"], true);
    let lower = desk.types_with_pin("configure --min-pin-length 4").await;
    lower.refused(1, "PIN_POLICY_VIOLATION");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_a_pin_is_used_and_configured_without_one() {
    let (desk, device) = Desk::with(Profile::Ctap23).await;
    desk.done(&format!("make --rp-id {RP} --user-name alice"))
        .await;
    assert_eq!(device.state().contents.credentials.len(), 1);
    desk.done("configure --enable-enterprise-attestation").await;
    assert_eq!(desk.done("info").await["options"]["ep"], true);
    // Standard input holds no PIN, and nobody looks for one there.
    let list = desk.types("credentials").await;
    list.refused(1, "PIN_NOT_SET");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_without_its_pin_what_it_makes_without() {
    let (desk, device) = Desk::with_pin(Profile::Ctap23).await;
    let make = format!("make --rp-id {RP} --user-name alice");
    desk.done(&format!("{make} --no-resident-key")).await;
    assert_eq!(device.state().contents.credentials.len(), 0);
    // Of one that it stores it wants the PIN, and standard input has none.
    desk.types(&make).await.refused(2, "PIN");
    desk.done_with_pin(&make).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_u2f_registers_without_a_pin_and_tells_what_it_is() {
    let (desk, _key) = Desk::with(Profile::U2fOnly).await;
    let info = desk.done("info").await;
    assert_eq!(info["versions"], serde_json::json!(["U2F_V2"]));
    let made = desk
        .done(&format!("make --rp-id {RP} --user-name alice"))
        .await;
    let id = made["credential_id"].as_str().unwrap();
    let again = format!("make --rp-id {RP} --user-name alice --exclude {id}");
    desk.types(&again).await.refused(1, "CREDENTIAL_EXCLUDED");
    let set = desk.types("set-pin --new-pin-file FOLDER/pin").await;
    set.refused(1, "NOT_SUPPORTED");
}
