//! Activation: a mailed code or a password, then the key itself.

use super::{Site, import};
use keysteward_tests::{
    paper_key::PaperKey,
    sta_stand_in::AuthenticatorState::{Active, Pending},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// Starts an activation; gives the transaction and the code that was mailed.
async fn start(site: &Site, mails: usize) -> (Value, String) {
    let (status, started) = site
        .post("activation/start", &json!({ "userName": "alice" }))
        .await;
    assert_eq!(status, 200, "{started}");
    let mail = site
        .mail
        .mailbox()
        .wait_for("alice@example.com", mails, SOON)
        .await
        .unwrap();
    (
        started["transaction"].clone(),
        mail.code().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn a_mailed_code_and_the_key_activate_the_authenticator() {
    let site = Site::new().await;
    let (path, mut key, id) = site.user_with_key().await;
    let (transaction, code) = start(&site, 1).await;
    let confirm = json!({ "transaction": transaction, "code": code });
    let (status, options) = site.post("activation/confirm", &confirm).await;
    assert_eq!(status, 200, "{options}");
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let assertion = key.sign_in(&site.answer_to(&options));
    let finish = json!({ "transaction": transaction, "assertion": assertion, "nickname": "Blue" });
    let (status, said) = site.post("activation/finish", &finish).await;
    assert_eq!((status, &said["state"]), (200, &json!("active")));
    assert_eq!(
        site.stand_in.authenticators("alice"),
        [(id.clone(), Active)]
    );
    let (_, shown) = site.get(&format!("{path}/{id}")).await;
    assert_eq!(shown["metadata"]["friendlyName"], json!("Blue"));
    let audit: Vec<_> = site
        .stand_in
        .audit()
        .into_iter()
        .map(|entry| (entry.action, entry.authenticator_id))
        .collect();
    assert_eq!(audit, [("import", id.clone()), ("activate", id)]);
    // There is nothing left to activate.
    assert_eq!(
        site.post("activation/start", &json!({ "userName": "alice" }))
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn a_password_does_what_the_code_does() {
    let site = Site::new().await;
    let (_, mut key, id) = site.user_with_key().await;
    let (transaction, _) = start(&site, 1).await;
    let without = json!({ "transaction": transaction, "password": "secret" });
    assert_eq!(
        site.post("activation/confirm", &without).await.0,
        403,
        "the user has none"
    );
    assert_eq!(
        site.put("console/users/alice/password", &json!("secret"))
            .await,
        204
    );
    let (status, options) = site.post("activation/confirm", &without).await;
    assert_eq!(status, 200);
    let assertion = key.sign_in(&site.answer_to(&options));
    let finish = json!({ "transaction": transaction, "assertion": assertion });
    assert_eq!(site.post("activation/finish", &finish).await.0, 200);
    assert_eq!(site.stand_in.authenticators("alice"), [(id, Active)]);
}

#[tokio::test]
async fn a_code_cannot_be_guessed() {
    let site = Site::new().await;
    let (_, _, id) = site.user_with_key().await;
    let (transaction, code) = start(&site, 1).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        let guess = json!({ "transaction": transaction, "code": wrong });
        assert_eq!(site.post("activation/confirm", &guess).await.0, 403);
    }
    let right = json!({ "transaction": transaction, "code": code });
    assert_eq!(
        site.post("activation/confirm", &right).await.0,
        403,
        "five tries are used up"
    );
    assert_eq!(site.stand_in.authenticators("alice"), [(id, Pending)]);
}

#[tokio::test]
async fn an_activation_needs_confirmation_and_the_right_key() {
    let site = Site::new().await;
    let (_, mut key, id) = site.user_with_key().await;
    let (transaction, _) = start(&site, 1).await;
    let assertion = key.sign_in(&site.ceremony());
    let early = json!({ "transaction": transaction, "assertion": assertion });
    let (status, said) = site.post("activation/finish", &early).await;
    assert_eq!(
        (status, said["error"].as_str().unwrap()),
        (403, "it was not confirmed")
    );

    let (transaction, code) = start(&site, 2).await;
    let confirm = json!({ "transaction": transaction, "code": code });
    let (_, options) = site.post("activation/confirm", &confirm).await;
    let assertion = PaperKey::new().sign_in(&site.answer_to(&options));
    let finish = json!({ "transaction": transaction, "assertion": assertion });
    assert_eq!(site.post("activation/finish", &finish).await.0, 403);
    assert_eq!(
        site.post("activation/finish", &finish).await.0,
        403,
        "it is closed"
    );
    assert_eq!(site.stand_in.authenticators("alice"), [(id, Pending)]);
}

#[tokio::test]
async fn a_user_with_an_active_key_is_offered_the_pending_one_and_may_go_on() {
    let site = Site::new().await;
    let (path, mut key, id) = site.user_with_key().await;
    site.stand_in.activate("alice", &id).unwrap();
    let (_, second) = site
        .send(
            Method::POST,
            &path,
            &import(&PaperKey::new(), &site.ceremony()),
        )
        .await;
    let (_, options) = site
        .post("sign-in/start", &json!({ "userName": "alice" }))
        .await;
    assert_eq!(options["pendingAuthenticators"][0]["id"], second["id"]);
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let assertion = key.sign_in(&site.answer_to(&options));
    let finish = json!({ "transaction": options["transaction"], "assertion": assertion });
    assert_eq!(site.post("sign-in/finish", &finish).await.0, 200);
}
