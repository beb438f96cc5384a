//! Credentials: made, named, deleted; read without a PIN by a persistent token.

use std::fs;

use keysteward_virtual_token::manufacture::Profile;
use serde_json::json;

use crate::desk::{Desk, RP};

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_made_called_otherwise_and_deleted() {
    let (desk, device) = Desk::with_pin(Profile::Ctap23).await;
    let id = desk.made("--cred-protect 2 --hmac-secret").await;
    let list = desk.done_with_pin("credentials").await;
    let shown = &list["credentials"][0];
    assert_eq!(
        (
            &shown["credential_id"],
            &shown["rp_id"],
            &shown["cred_protect"]
        ),
        (&json!(id), &json!(RP), &json!(2))
    );

    let rename = format!("rename {id} --user-name bob --user-display-name Bob");
    desk.done_with_pin(&rename).await;
    let list = desk
        .done_with_pin(&format!("credentials --rp-id {RP}"))
        .await;
    let shown = &list["credentials"][0];
    assert_eq!(
        (&shown["user_name"], &shown["user_display_name"]),
        (&json!("bob"), &json!("Bob"))
    );

    let deleted = desk.done_with_pin(&format!("delete {id}")).await;
    assert_eq!(deleted["done"], "delete-credential");
    assert_eq!(device.state().contents.credentials.len(), 0);
    let gone = desk.types_with_pin(&format!("delete {id}")).await;
    gone.refused(3, "CREDENTIAL_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_the_key_holds_is_not_made_beside_another() {
    let (desk, device) = Desk::with_pin(Profile::Ctap23).await;
    let id = desk.made("").await;
    let again = format!("make --rp-id {RP} --user-name bob --exclude {id}");
    desk.types_with_pin(&again)
        .await
        .refused(1, "CREDENTIAL_EXCLUDED");
    assert_eq!(device.state().contents.credentials.len(), 1);
    // An id of another key excludes nothing.
    let other = format!("make --rp-id {RP} --user-name bob --exclude AAAA");
    desk.done_with_pin(&other).await;
    let wrong = format!("make --rp-id {RP} --user-name bob --exclude not/base64url");
    desk.types_with_pin(&wrong).await.refused(2, "base64url");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_names_the_key_where_its_vendor_or_the_platform_lets_it() {
    let (desk, _key) = Desk::with_pin(Profile::Ctap23).await;
    let off = format!("make --rp-id {RP} --user-name alice --enterprise vendor");
    desk.types_with_pin(&off)
        .await
        .refused(1, "switch it on first");
    desk.done_with_pin("configure --enable-enterprise-attestation")
        .await;
    for (rp_id, kind, named) in [
        (RP, "--enterprise vendor", true),
        ("other.example.com", "--enterprise vendor", false),
        ("other.example.com", "--enterprise platform", true),
        (RP, "", false),
    ] {
        let make = format!("make --rp-id {rp_id} --user-name alice {kind}");
        let made = desk.done_with_pin(&make).await;
        assert_eq!(made["enterprise_attestation"], named, "{rp_id} {kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persistent_token_reads_the_list_and_who_the_key_is_until_the_pin_changes() {
    let (desk, _key) = Desk::with_pin(Profile::Ctap23).await;
    let by_token = "--persistent-token FOLDER/token";
    let first = desk.done_with_pin(&format!("identity {by_token}")).await;
    assert_eq!(first["device"].as_str().unwrap().len(), 32);
    // From here on standard input is empty, and no PIN is there.
    assert_eq!(desk.done(&format!("identity {by_token}")).await, first);
    let id = desk.made("").await;
    let list = desk.done(&format!("credentials {by_token}")).await;
    assert_eq!(list["credentials"][0]["credential_id"], id);
    let second = desk.done(&format!("identity {by_token}")).await;
    assert_eq!(second["device"], first["device"]);
    assert_ne!(second["cred_store_state"], first["cred_store_state"]);

    desk.file("new", "271828");
    desk.done("change-pin --current-pin-file FOLDER/pin --new-pin-file FOLDER/new")
        .await;
    let void = desk.types(&format!("credentials {by_token}")).await;
    void.refused(1, "PIN_REQUIRED");
    fs::remove_file(desk.path("token")).unwrap();
    desk.done(&format!("credentials {by_token} --pin-file FOLDER/new"))
        .await;
}
