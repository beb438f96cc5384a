//! The REST API: what every request needs, users, authenticators, pages.

use super::{Site, alice, answer, import};
use keysteward_tests::paper_key::PaperKey;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_request_needs_the_key_the_tenant_and_the_right_forms() {
    let site = Site::new().await;
    let url = |path: &str| format!("{}{path}", site.stand_in.rest_url());
    let key = site.stand_in.api_key();
    assert_eq!(site.get("authorized").await.0, 200);

    let bare = site.http.get(url("authorized"));
    assert_eq!(answer(bare.header("Object-Id-Format", "hex")).await.0, 401);
    let wrong = site.http.get(url("authorized")).header("apikey", "no");
    assert_eq!(answer(wrong.header("Object-Id-Format", "hex")).await.0, 401);
    let elsewhere = url("authorized").replace("Q41RKXHPWU", "AAAAAAAAAA");
    assert_eq!(
        answer(site.http.get(elsewhere).header("apikey", key))
            .await
            .0,
        404
    );
    let base64 = site.http.get(url("users")).header("apikey", key);
    assert_eq!(
        answer(base64.header("Object-Id-Format", "base64")).await.0,
        400
    );
    let html = site
        .rest(Method::GET, "users")
        .header("Accept", "text/html");
    assert_eq!(answer(html).await.0, 406);
    assert_eq!(
        answer(site.rest(Method::POST, "users").body("{}")).await.0,
        400
    );
    assert_eq!(answer(site.rest(Method::PUT, "users")).await.0, 405);
}

#[tokio::test]
async fn a_user_needs_four_members_and_a_name_of_its_own() {
    let site = Site::new().await;
    for member in ["userName", "firstName", "lastName", "email"] {
        for value in [json!(""), json!(7), Value::Null] {
            let mut user = alice();
            user[member] = value;
            let (status, said) = site.send(Method::POST, "users", &user).await;
            assert_eq!(status, 400, "{said}");
            assert!(said["error"].as_str().unwrap().contains(member), "{said}");
        }
    }
    for (member, value) in [
        ("userName", "x".repeat(65)),
        ("email", "x".repeat(97)),
        ("nick", "a".into()),
        ("id", "A".into()),
    ] {
        let mut user = alice();
        user[member] = json!(value);
        assert_eq!(
            site.send(Method::POST, "users", &user).await.0,
            400,
            "{member}"
        );
    }
    let (status, user) = site.send(Method::POST, "users", &alice()).await;
    assert_eq!(status, 201);
    assert_eq!(user["id"].as_str().unwrap().len(), 36);
    assert_eq!(
        (&user["isActive"], &user["schemaVersionNumber"]),
        (&json!(true), &json!("1.0"))
    );
    let mut again = alice();
    again["userName"] = json!("ALICE");
    assert_eq!(site.send(Method::POST, "users", &again).await.0, 409);
}

#[tokio::test]
async fn a_user_is_found_by_name_or_by_id_and_the_query_says_which() {
    let site = Site::new().await;
    let (_, user) = site.send(Method::POST, "users", &alice()).await;
    let id = user["id"].as_str().unwrap();
    assert_eq!(
        site.get("users/alice?isUid=false").await,
        (200, user.clone())
    );
    assert_eq!(
        site.get(&format!("users/{id}?isUid=true")).await,
        (200, user.clone())
    );
    for (path, status) in [
        ("users/alice".to_owned(), 400),
        ("users/alice?isUid=true".to_owned(), 400),
        (format!("users/{id}?isUid=false"), 404),
        ("users/bob?isUid=false".to_owned(), 404),
        (format!("users/{}?isUid=true", "0".repeat(36)), 404),
    ] {
        assert_eq!(site.get(&path).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn a_user_is_changed_in_parts_and_deleted() {
    let site = Site::new().await;
    let (_, user) = site.send(Method::POST, "users", &alice()).await;
    let path = format!("users/{}?isUid=true", user["id"].as_str().unwrap());
    let (status, changed) = site
        .send(Method::PATCH, &path, &json!({ "city": "Lund" }))
        .await;
    assert_eq!(
        (status, &changed["city"], &changed["email"]),
        (200, &json!("Lund"), &user["email"])
    );
    assert_eq!(
        site.send(Method::PATCH, &path, &json!({ "email": " " }))
            .await
            .0,
        400
    );
    let mut bob = alice();
    bob["userName"] = json!("bob");
    site.send(Method::POST, "users", &bob).await;
    assert_eq!(
        site.send(Method::PATCH, &path, &json!({ "userName": "bob" }))
            .await
            .0,
        409
    );
    assert_eq!(answer(site.rest(Method::DELETE, &path)).await.0, 204);
    assert_eq!(answer(site.rest(Method::DELETE, &path)).await.0, 404);
}

#[tokio::test]
async fn lists_come_in_pages_with_a_link_to_the_next() {
    let site = Site::new().await;
    for index in 0..5 {
        let mut user = alice();
        user["userName"] = json!(format!("user-{index}"));
        site.send(Method::POST, "users", &user).await;
    }
    let mut seen = Vec::new();
    let mut path = "users?pageIndex=0&pageSize=2".to_owned();
    for (items, has_next) in [(2, true), (2, true), (1, false)] {
        let (status, page) = site.get(&path).await;
        let found = page["page"]["items"].as_array().unwrap();
        assert_eq!((status, found.len()), (200, items), "{page}");
        seen.extend(found.iter().map(|user| user["id"].to_string()));
        assert_eq!(page["links"]["next"].is_string(), has_next, "{page}");
        let next = page["links"]["next"].as_str().unwrap_or_default();
        path = next
            .strip_prefix(&site.stand_in.rest_url())
            .unwrap_or_default()
            .to_owned();
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    assert_eq!(
        site.get("users?pageIndex=9").await.1["page"]["items"],
        json!([])
    );
    for size in ["0", "101", "-1", "x"] {
        assert_eq!(
            site.get(&format!("users?pageSize={size}")).await.0,
            400,
            "{size}"
        );
    }
}

#[tokio::test]
async fn only_active_and_suspended_change_by_the_api() {
    let site = Site::new().await;
    let (path, _, id) = site.user_with_key().await;
    let path = format!("{path}/{id}");
    let patch = async |state: &str| {
        site.send(Method::PATCH, &path, &json!({ "state": state }))
            .await
            .0
    };
    let state = async || {
        site.get(&path).await.1["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for refused in ["active", "suspended", "pending", "locked", "gone"] {
        assert_eq!(patch(refused).await, 400, "pending to {refused}");
    }
    site.stand_in.activate("alice", &id).unwrap();
    for refused in ["active", "pending", "locked"] {
        assert_eq!(patch(refused).await, 400, "active to {refused}");
    }
    assert_eq!(
        (patch("suspended").await, state().await.as_str()),
        (200, "suspended")
    );
    for refused in ["suspended", "pending", "locked"] {
        assert_eq!(patch(refused).await, 400, "suspended to {refused}");
    }
    assert_eq!(
        (patch("active").await, state().await.as_str()),
        (200, "active")
    );
    let locked = format!("console/users/alice/authenticators/{id}/locked");
    assert_eq!(site.put(&locked, &json!(true)).await, 204);
    for refused in ["active", "suspended", "pending", "locked"] {
        assert_eq!(patch(refused).await, 400, "locked to {refused}");
    }
    assert_eq!(site.put(&locked, &json!(false)).await, 204);
    assert_eq!(state().await, "active");
    assert_eq!(answer(site.rest(Method::DELETE, &path)).await.0, 204);
    assert_eq!(answer(site.rest(Method::DELETE, &path)).await.0, 404);
    assert_eq!(site.get(&path).await.0, 404);
}

#[tokio::test]
async fn a_friendly_name_cannot_be_set_to_blank() {
    let site = Site::new().await;
    let (path, _, id) = site.user_with_key().await;
    let path = format!("{path}/{id}");
    let name = async || site.get(&path).await.1["metadata"]["friendlyName"].clone();
    for blank in ["", "  "] {
        let (status, _) = site
            .send(Method::PATCH, &path, &json!({ "friendlyName": blank }))
            .await;
        assert_eq!((status, name().await), (400, json!("Key of Alice")));
    }
    let both = json!({ "friendlyName": "Blue", "state": "suspended" });
    assert_eq!(
        site.send(Method::PATCH, &path, &both).await.0,
        400,
        "it is pending"
    );
    assert_eq!(name().await, json!("Key of Alice"), "all or nothing");
    let (status, _) = site
        .send(Method::PATCH, &path, &json!({ "friendlyName": "Blue" }))
        .await;
    assert_eq!((status, name().await), (200, json!("Blue")));
    let unknown = json!({ "metadata": {} });
    assert_eq!(site.send(Method::PATCH, &path, &unknown).await.0, 400);
}

#[tokio::test]
async fn a_user_has_several_authenticators_and_the_console_deletes_none_of_them() {
    let site = Site::new().await;
    let (path, _, first) = site.user_with_key().await;
    let (status, second) = site
        .send(
            Method::POST,
            &path,
            &import(&PaperKey::new(), &site.ceremony()),
        )
        .await;
    assert_eq!(status, 201);
    let (_, page) = site.get(&path).await;
    assert_eq!(page["page"]["items"].as_array().unwrap().len(), 2);
    assert_ne!(second["id"], json!(first));
    let console = format!(
        "{}console/users/alice/authenticators/{first}",
        site.stand_in.url()
    );
    assert_eq!(answer(site.http.delete(console)).await.0, 403);
    let (_, page) = site.get(&path).await;
    assert_eq!(page["page"]["items"].as_array().unwrap().len(), 2);
}
