//! `server.v1.Tokens`.

use super::*;
use crate::store::token::{Facts, Inspected, State};

#[tokio::test]
async fn what_a_key_told_of_itself_is_shown() {
    let bench = Bench::new().await;
    let options = |options: &[(&str, bool)]| -> Facts {
        let options = options.iter().map(|(name, on)| ((*name).to_owned(), *on));
        Facts {
            options: options.collect(),
            applets: vec!["fido2".into()],
            ..Facts::default()
        }
    };
    let both = Facts {
        uv_modality: 2,
        max_msg_size: 1200,
        pin_complexity_policy: Some(true),
        certifications: [("FIDO".to_owned(), 6)].into(),
        inspected: Some(Inspected {
            at: "2026-11-22T10:00:00Z".into(),
            pin_retries: Some(7),
            uv_retries: Some(3),
            enc_identifier: true,
            ..Inspected::default()
        }),
        ..options(&[("clientPin", true), ("uv", true)])
    };
    let mut tx = bench.rooms.store.write().await.unwrap();
    for (model, facts) in [
        ("both", both),
        (
            "not set up",
            options(&[("clientPin", false), ("uv", false)]),
        ),
        ("neither", options(&[])),
    ] {
        let mut token = bench.token(model, State::Registered);
        token.serial = model.into();
        token.facts = facts;
        rows::token::insert(&mut tx, &token).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tokens = TokensClient::new(bench.with(&[Scope::Read]).await);
    let listed = tokens.list(wire::ListTokensRequest::default()).await;
    let listed = listed.unwrap().into_inner().tokens;
    assert_eq!(listed.len(), 3);
    for token in &listed {
        assert_eq!(token.applets, ["fido2"]);
        let expected: &[&str] = match token.model.as_str() {
            "both" => &["pin", "built-in"],
            _ => &[],
        };
        assert_eq!(token.user_verification, expected, "{}", token.model);
    }
    let both = wire::GetTokenRequest {
        token: "both".into(),
    };
    let shown = tokens.get(both).await.unwrap().into_inner();
    let facts: serde_json::Value = serde_json::from_str(&shown.facts).unwrap();
    for (path, value) in [
        ("/uv_modality", serde_json::json!(2)),
        ("/max_msg_size", serde_json::json!(1200)),
        ("/pin_complexity_policy", serde_json::json!(true)),
        ("/certifications/FIDO", serde_json::json!(6)),
        ("/inspected/pin_retries", serde_json::json!(7)),
        ("/inspected/uv_retries", serde_json::json!(3)),
        ("/inspected/enc_identifier", serde_json::json!(true)),
    ] {
        assert_eq!(facts.pointer(path), Some(&value), "{path}");
    }
}
