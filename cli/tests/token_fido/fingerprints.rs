//! Fingers with live feedback, and a finger in the place of the PIN.

use std::sync::Arc;

use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_virtual_token::{authenticator::Sample, device::Device, manufacture::Profile};
use serde_json::json;

use crate::desk::{Desk, RP};

async fn with_a_finger() -> (Desk, Arc<Device>) {
    let (desk, device) = Desk::with_pin(Profile::Biometric).await;
    desk.done_with_pin("fingerprint enroll --name thumb").await;
    (desk, device)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finger_is_enrolled_with_a_word_for_each_touch_then_named_and_forgotten() {
    let (desk, _key) = Desk::with_pin(Profile::Biometric).await;
    let sensor = desk.done("fingerprint sensor").await;
    assert_eq!(sensor["kind"], "touch");
    let samples = sensor["max_samples"].as_u64().unwrap();

    let enrolled = desk.types_with_pin("fingerprint enroll --name thumb").await;
    assert_eq!(enrolled.code, Some(0), "{enrolled:?}");
    assert_eq!(enrolled.told["name"], "thumb");
    let heard = enrolled.said.matches("good; ").count() as u64;
    assert_eq!(heard, samples, "{}", enrolled.said);
    assert!(enrolled.said.contains("last one"), "{}", enrolled.said);

    let id = enrolled.told["id"].as_str().unwrap();
    let list = |names: &str| json!([{ "id": id, "name": names }]);
    let shown = desk.done_with_pin("fingerprint list").await;
    assert_eq!(shown["fingerprints"], list("thumb"));
    desk.done_with_pin(&format!("fingerprint rename {id} index"))
        .await;
    let shown = desk.done_with_pin("fingerprint list").await;
    assert_eq!(shown["fingerprints"], list("index"));
    desk.done_with_pin(&format!("fingerprint remove {id}"))
        .await;
    let shown = desk.done_with_pin("fingerprint list").await;
    assert_eq!(shown["fingerprints"], json!([]));
    let gone = desk
        .types_with_pin(&format!("fingerprint remove {id}"))
        .await;
    gone.refused(3, "CREDENTIAL_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finger_takes_the_place_of_the_pin() {
    let (desk, device) = with_a_finger().await;
    assert_eq!(desk.done("info").await["uv_retries"], 5);
    let make = format!("make --rp-id {RP} --user-name alice --finger");
    desk.done(&make).await;
    assert_eq!(device.state().contents.credentials.len(), 1);
    let list = desk.done("credentials --finger").await;
    assert_eq!(list["credentials"][0]["user_name"], "alice");
    desk.done("configure --always-uv true --finger").await;
    // The persistent token, too, is had by a finger.
    let held = "--persistent-token FOLDER/token";
    desk.done(&format!("identity --finger {held}")).await;
    desk.done(&format!("credentials {held}")).await;
    desk.types("credentials --finger --pin-file FOLDER/pin")
        .await
        .refused(2, "cannot be used with");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finger_that_the_key_does_not_know_is_told_with_the_tries_left() {
    let (desk, device) = with_a_finger().await;
    device.set_finger(Sample {
        finger: 2,
        quality: SampleStatus::Good,
    });
    let refused = desk.types("credentials --finger").await;
    refused.refused(1, "UV_INVALID");
    for told in ["4 tries left; try once more", "\"uv_retries_left\":\"2\""] {
        assert!(refused.said.contains(told), "{told}: {}", refused.said);
    }
    desk.types("credentials --finger")
        .await
        .refused(1, "UV_BLOCKED");
    desk.done_with_pin("credentials").await;
    assert_eq!(desk.done("info").await["uv_retries"], 5);
}
