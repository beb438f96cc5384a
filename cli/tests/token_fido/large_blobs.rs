//! Data that credentials carry.

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keysteward_virtual_token::manufacture::Profile;

use crate::desk::{Desk, RP};

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_written_listed_read_and_taken_away() {
    let (desk, _key) = Desk::with_pin(Profile::Ctap23).await;
    let id = desk.made("--large-blob-key").await;
    desk.file("blob", "what the credential carries");
    desk.done_with_pin(&format!("blob write {id} FOLDER/blob"))
        .await;

    let list = desk.done_with_pin("blob list").await;
    let shown = &list["large_blobs"][0];
    assert_eq!(
        (&shown["credential_id"], &shown["rp_id"]),
        (&id.as_str().into(), &RP.into())
    );
    assert_eq!(
        (shown["size"].as_u64(), list["others"].as_u64()),
        (Some(27), Some(0))
    );
    assert!(list["used"].as_u64() < list["capacity"].as_u64(), "{list}");

    let read = desk.done_with_pin(&format!("blob read {id}")).await;
    let data = URL_SAFE_NO_PAD
        .decode(read["data"].as_str().unwrap())
        .unwrap();
    assert_eq!(data, b"what the credential carries");
    let to_file = format!("blob read {id} --to FOLDER/copy");
    desk.done_with_pin(&to_file).await;
    assert_eq!(fs::read(desk.path("copy")).unwrap(), data);
    // What is there is not overwritten.
    assert_eq!(desk.types_with_pin(&to_file).await.code, Some(2));

    desk.done_with_pin(&format!("blob delete {id}")).await;
    let list = desk.done_with_pin("blob list").await;
    assert_eq!(list["large_blobs"], serde_json::json!([]));
    let gone = desk.types_with_pin(&format!("blob read {id}")).await;
    gone.refused(3, "CREDENTIAL_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_without_a_key_for_it_carries_nothing() {
    let (desk, _key) = Desk::with_pin(Profile::Ctap23).await;
    let id = desk.made("").await;
    desk.file("blob", "data");
    let refused = desk
        .types_with_pin(&format!("blob write {id} FOLDER/blob"))
        .await;
    refused.refused(3, "large blob key");
}
