//! Sign-in: every check on an assertion, and a test in which it fails.

use super::Site;
use keysteward_tests::paper_key::{Ceremony, PaperKey};
use reqwest::Method;
use serde_json::{Value, json};

/// Signs in with what `change` makes of the answer.
async fn sign_in(
    site: &Site,
    key: &mut PaperKey,
    change: impl FnOnce(&mut Ceremony),
) -> (u16, Value) {
    let (_, options) = site
        .post("sign-in/start", &json!({ "userName": "alice" }))
        .await;
    let mut ceremony = site.answer_to(&options);
    change(&mut ceremony);
    let assertion = key.sign_in(&ceremony);
    let finish = json!({ "transaction": options["transaction"], "assertion": assertion });
    site.post("sign-in/finish", &finish).await
}

#[tokio::test]
async fn only_an_active_authenticator_signs_in() {
    let site = Site::new().await;
    let (path, mut key, id) = site.user_with_key().await;
    let path = format!("{path}/{id}");
    let (status, said) = sign_in(&site, &mut key, |_| ()).await;
    assert_eq!(
        (status, said["error"].as_str().unwrap()),
        (403, "the authenticator is Pending")
    );

    site.stand_in.activate("alice", &id).unwrap();
    let (status, said) = sign_in(&site, &mut key, |_| ()).await;
    assert_eq!((status, &said["authenticatorId"]), (200, &json!(id)));
    assert!(site.get(&path).await.1["lastSuccessAuthnDateTime"].is_string());

    site.send(Method::PATCH, &path, &json!({ "state": "suspended" }))
        .await;
    let (status, said) = sign_in(&site, &mut key, |_| ()).await;
    assert_eq!(
        (status, said["error"].as_str().unwrap()),
        (403, "the authenticator is Suspended")
    );
    site.send(Method::PATCH, &path, &json!({ "state": "active" }))
        .await;
    assert_eq!(sign_in(&site, &mut key, |_| ()).await.0, 200);

    let locked = format!("console/users/alice/authenticators/{id}/locked");
    site.put(&locked, &json!(true)).await;
    assert_eq!(sign_in(&site, &mut key, |_| ()).await.0, 403);
    site.put(&locked, &json!(false)).await;
    super::answer(site.rest(Method::DELETE, &path)).await;
    let (status, said) = sign_in(&site, &mut key, |_| ()).await;
    assert_eq!(
        (status, said["error"].as_str().unwrap()),
        (403, "the credential is none of this user's")
    );
}

#[tokio::test]
async fn an_assertion_is_verified_in_every_part() {
    let site = Site::new().await;
    let (_, mut key, id) = site.user_with_key().await;
    site.stand_in.activate("alice", &id).unwrap();
    type Change = fn(&mut Ceremony);
    let change: [(Change, &str); 9] = [
        (|c| c.kind = "webauthn.create", "type"),
        (|c| c.challenge = vec![1; 32], "challenge"),
        (|c| c.origin = "https://evil.example".to_owned(), "origin"),
        (|c| c.rp_id = "evil.example".to_owned(), "not for"),
        (|c| c.flags = 0x04, "not present"),
        (|c| c.flags = 0x01, "not verified"),
        (|c| c.spoil = |signature| signature[10] ^= 1, "does not fit"),
        (|c| c.spoil = Vec::clear, "DER"),
        (|_| (), ""),
    ];
    for (change, expected) in change {
        let (status, said) = sign_in(&site, &mut key, change).await;
        if expected.is_empty() {
            assert_eq!(status, 200, "{said}");
        } else {
            assert_eq!(status, 403, "{expected}: {said}");
            assert!(
                said["error"].as_str().unwrap().contains(expected),
                "{expected}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn a_counter_that_does_not_grow_is_a_copied_key() {
    let site = Site::new().await;
    let (_, mut key, id) = site.user_with_key().await;
    site.stand_in.activate("alice", &id).unwrap();
    let mut copy = key.clone();
    assert_eq!(sign_in(&site, &mut key, |_| ()).await.0, 200);
    let (status, said) = sign_in(&site, &mut copy, |_| ()).await;
    assert_eq!(status, 403);
    assert!(
        said["error"].as_str().unwrap().contains("counter"),
        "{said}"
    );
}

#[tokio::test]
async fn a_challenge_is_answered_once() {
    let site = Site::new().await;
    let (_, mut key, id) = site.user_with_key().await;
    site.stand_in.activate("alice", &id).unwrap();
    let (_, options) = site
        .post("sign-in/start", &json!({ "userName": "alice" }))
        .await;
    let assertion = key.sign_in(&site.answer_to(&options));
    let finish = json!({ "transaction": options["transaction"], "assertion": assertion });
    assert_eq!(site.post("sign-in/finish", &finish).await.0, 200);
    assert_eq!(site.post("sign-in/finish", &finish).await.0, 403);
}

#[tokio::test]
async fn a_stranger_and_somebody_elses_key_are_refused() {
    let site = Site::new().await;
    let (_, mut key, id) = site.user_with_key().await;
    site.stand_in.activate("alice", &id).unwrap();
    assert_eq!(sign_in(&site, &mut PaperKey::new(), |_| ()).await.0, 403);
    let (status, options) = site
        .post("sign-in/start", &json!({ "userName": "mallory" }))
        .await;
    assert_eq!((status, &options["allowCredentials"]), (200, &json!([])));
    let assertion = key.sign_in(&site.answer_to(&options));
    let finish = json!({ "transaction": options["transaction"], "assertion": assertion });
    assert_eq!(site.post("sign-in/finish", &finish).await.0, 403);
}
