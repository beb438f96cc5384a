//! Imports: verified anew, and refused for every fault.

use super::{Site, import};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use keysteward_tests::paper_key::{Ceremony, PaperKey};
use reqwest::Method;
use serde_json::{Value, json};

async fn refused(change: impl FnOnce(&mut Ceremony)) -> String {
    let site = Site::new().await;
    let path = site.user().await;
    let mut ceremony = site.ceremony();
    change(&mut ceremony);
    let mut body = import(&PaperKey::new(), &ceremony);
    // The members beside the credential stay right.
    body["rpId"] = json!(site.stand_in.options().rp_id);
    body["origin"] = json!(site.stand_in.options().origin);
    let (status, said) = site.send(Method::POST, &path, &body).await;
    assert_eq!(status, 400, "{said}");
    assert!(site.stand_in.authenticators("alice").is_empty() && site.stand_in.audit().is_empty());
    said["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_registration_is_verified_in_every_part() {
    for (said, expected) in [
        (refused(|c| c.kind = "webauthn.get").await, "type"),
        (
            refused(|c| c.origin = "https://evil.example".to_owned()).await,
            "origin",
        ),
        (refused(|c| c.challenge = vec![1; 8]).await, "challenge"),
        (
            refused(|c| c.rp_id = "evil.example".to_owned()).await,
            "not for",
        ),
        (refused(|c| c.flags = 0x04).await, "not present"),
        (refused(|c| c.flags = 0x01).await, "not verified"),
        (refused(|c| c.flags = 0x15).await, "backed up"),
        (refused(|c| c.algorithm = -8).await, "ES256"),
        (refused(|c| c.fmt = "tpm").await, "tpm"),
        (
            refused(|c| c.spoil = |signature| signature[10] ^= 1).await,
            "does not fit",
        ),
        (
            refused(|c| c.spoil = Vec::clear).await,
            "no ECDSA signature",
        ),
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test]
async fn self_attestation_and_none_will_do() {
    for fmt in ["packed", "none"] {
        let site = Site::new().await;
        let path = site.user().await;
        let ceremony = Ceremony {
            fmt,
            ..site.ceremony()
        };
        let (status, added) = site
            .send(Method::POST, &path, &import(&PaperKey::new(), &ceremony))
            .await;
        assert_eq!(
            (status, &added["state"], &added["type"]),
            (201, &json!("pending"), &json!("fido"))
        );
    }
}

#[tokio::test]
async fn the_body_is_about_this_tenant_and_the_credential_in_it() {
    let site = Site::new().await;
    let path = site.user().await;
    let right = import(&PaperKey::new(), &site.ceremony());
    let other = BASE64URL.encode([7; 32]);
    for (pointer, value) in [
        ("/type", json!("otp")),
        ("/rpId", json!("evil.example")),
        ("/origin", json!("https://evil.example")),
        ("/credential/type", json!("password")),
        ("/credential/id", json!(other)),
        ("/credential/response/attestationObject", json!("!")),
        ("/credential/response/attestationObject", json!("AAAA")),
        ("/credential/response/clientDataJSON", json!("AAAA")),
        ("/credential", Value::Null),
    ] {
        let mut body = right.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let (status, said) = site.send(Method::POST, &path, &body).await;
        assert_eq!(status, 400, "{pointer}: {said}");
    }
    let mut body = right.clone();
    body["credential"]["id"] = json!(other);
    body["credential"]["rawId"] = json!(other);
    let (status, said) = site.send(Method::POST, &path, &body).await;
    assert_eq!(status, 400, "{said}");
    assert!(
        said.to_string().contains("not the credential's id"),
        "{said}"
    );
    assert_eq!(site.send(Method::POST, &path, &right).await.0, 201);
}

#[tokio::test]
async fn an_import_needs_the_switch_a_user_and_a_new_credential() {
    let site = Site::new().await;
    let (path, key, id) = site.user_with_key().await;
    let body = import(&key, &site.ceremony());
    assert_eq!(site.send(Method::POST, &path, &body).await.0, 409);
    let stranger = format!("users/{}/authenticators", "0".repeat(36));
    let fresh = import(&PaperKey::new(), &site.ceremony());
    assert_eq!(site.send(Method::POST, &stranger, &fresh).await.0, 404);
    let off = json!({ "authenticatorImportViaApi": false });
    assert_eq!(site.put("console/settings", &off).await, 204);
    assert_eq!(site.send(Method::POST, &path, &fresh).await.0, 403);
    let audit = site.stand_in.audit();
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert_eq!(
        (
            audit[0].action,
            audit[0].user_name.as_str(),
            &audit[0].authenticator_id
        ),
        ("import", "alice", &id)
    );
}
