//! Which key is which, what it is, and what is only a vendor's.

use std::time::Duration;

use keysteward_agent::settings::Policy;
use keysteward_virtual_token::{device::TouchPolicy, manufacture::Profile};
use serde_json::json;

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn the_key_that_is_touched_is_the_one_and_the_others_are_let_go() {
    for touched in [0, 1, 2] {
        let desk = Desk::empty(Policy::default()).await;
        let kinds = [
            ("KS-1", Profile::Ctap23),
            ("KS-2", Profile::Ctap20),
            ("KS-3", Profile::U2fOnly),
        ];
        let mut devices = Vec::new();
        for (serial, profile) in kinds {
            let device = desk.plug(serial, profile).await;
            device.set_touch_policy(TouchPolicy::Never);
            devices.push(device);
        }
        let touch = async {
            while devices[..2]
                .iter()
                .any(|key| !key.state().waiting_for_touch)
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            devices[touched].set_touch_policy(TouchPolicy::Always);
        };
        let (selected, ()) = tokio::join!(desk.done("select"), touch);
        let of_serial = desk
            .done(&format!("select --token KS-{}", touched + 1))
            .await;
        assert_eq!(selected, of_serial, "{:?}", kinds[touched]);
        for device in &devices {
            let waits = device.state().waiting_for_touch;
            assert!(!waits, "a key that was not meant still blinks");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_winks_and_of_several_keys_it_must_be_said_which() {
    let (desk, _key) = Desk::with(Profile::Ctap23).await;
    assert_eq!(desk.done("wink").await["done"], "wink");
    desk.plug("KS-2", Profile::Ctap23).await;
    desk.types("wink").await.refused(2, "several keys");
    desk.done("wink --token KS-2").await;
    desk.types("wink --token KS-9")
        .await
        .refused(3, "not plugged in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_tells_all_that_it_is() {
    let (desk, _key) = Desk::with_pin(Profile::Biometric).await;
    let info = desk.done("info").await;
    for (member, due) in [
        ("pin_set", json!(true)),
        ("pin_retries", json!(8)),
        ("uv_retries", json!(null)),
        ("min_pin_length", json!(4)),
        ("pin_uv_auth_protocols", json!([2, 1])),
        ("uv_modality", json!(["fingerprint"])),
        ("preferred_platform_uv_attempts", json!(3)),
        ("unknown", json!({})),
        ("enc_identifier", json!(true)),
    ] {
        assert_eq!(info[member], due, "{member}: {info}");
    }
    let versions = info["versions"].as_array().unwrap();
    assert!(versions.contains(&json!("FIDO_2_3")), "{info}");
    assert!(!info["get_info"].as_str().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_command_is_the_hosts_to_allow_and_the_keys_to_know() {
    let (desk, _key) = Desk::with_pin(Profile::Ctap23).await;
    let command = "vendor --id 0x0201 --param 2=420102 --integer 3=-1";
    let forbidden = desk.types_with_pin(command).await;
    forbidden.refused(4, "policy.allow_raw");

    let allowing = Desk::empty(Policy {
        allow_raw: true,
        ..Policy::default()
    })
    .await;
    allowing.plug("KS-1", Profile::Ctap23).await;
    let unknown = allowing.types(command).await;
    unknown.refused(1, "does not list this vendor command");
    allowing
        .types("vendor --id 1 --param 1=00")
        .await
        .refused(2, "from 2 on");
}
