//! The audit record, and what is looked up by name.

use super::*;

#[tokio::test]
async fn an_export_is_the_whole_chain_and_verifies() {
    let bench = Bench::new().await;
    let mut join_tokens = JoinTokensClient::new(bench.with(&[Scope::Hosts]).await);
    let request = wire::CreateJoinTokenRequest::default();
    let made = join_tokens
        .create(request.clone())
        .await
        .unwrap()
        .into_inner();
    let secret = made.secret;
    join_tokens.create(request).await.unwrap();
    join_tokens
        .revoke(wire::RevokeJoinTokenRequest {
            id: made.join_token.unwrap().id,
        })
        .await
        .unwrap();
    let mut tx = bench.rooms.store.write().await.unwrap();
    let key = bench.rooms.key_store.signing_key();
    record_of::checkpoint::sign_head(&mut tx, key, 1, bench.rooms.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut audit = AuditClient::new(bench.with(&[Scope::Audit]).await);
    let exported = audit
        .export(wire::ExportAuditRequest::default())
        .await
        .unwrap();
    let records: Vec<_> = exported.into_inner().collect().await;
    let mut lines = Vec::new();
    for record in records {
        let line = match record.unwrap().record.unwrap() {
            Record::Entry(entry) => serde_json::json!({"entry": {
                "seq": entry.seq, "at_us": entry.at_us, "actor": entry.actor, "verb": entry.verb,
                "object": entry.object, "operation_id": entry.operation_id,
                "outcome": entry.outcome, "facts": entry.facts,
                "prev_hash": hex::encode(entry.prev_hash), "hash": hex::encode(entry.hash),
            }}),
            Record::Checkpoint(seen) => serde_json::json!({"checkpoint": {
                "seq": seen.seq, "hash": hex::encode(seen.hash), "signed_at_us": seen.signed_at_us,
                "signature": hex::encode(seen.signature),
                "public_key": hex::encode(seen.public_key),
            }}),
        };
        lines.push(line.to_string());
    }
    let verified = record_of::verify(lines.iter().map(String::as_str), &[]).unwrap();
    assert_eq!(
        (verified.entries, verified.last_checkpoint.unwrap().seq),
        (3, 3)
    );
    assert!(!lines.iter().any(|line| line.contains(&secret)));
}

#[tokio::test]
async fn what_is_not_there_is_named_by_every_service() {
    let bench = Bench::new().await;
    let reader = bench.with(&[Scope::Read]).await;
    let nix = || "nix".to_owned();
    let refusals = [
        HostsClient::new(reader.clone())
            .get(wire::GetHostRequest { host: nix() })
            .await
            .unwrap_err(),
        TokensClient::new(reader.clone())
            .get(wire::GetTokenRequest { token: nix() })
            .await
            .unwrap_err(),
        UsersClient::new(reader.clone())
            .get(wire::GetUserRequest { user: nix() })
            .await
            .unwrap_err(),
        TemplatesClient::new(reader.clone())
            .get(wire::GetTemplateRequest { template: nix() })
            .await
            .unwrap_err(),
        OperationsClient::new(reader)
            .get(wire::GetOperationRequest { operation: nix() })
            .await
            .unwrap_err(),
    ];
    let fields = ["host", "token", "user", "template", "operation"];
    for (refused, field) in refusals.iter().zip(fields) {
        let detail = detail(refused);
        assert_eq!(
            (refused.code(), detail.field.as_str(), detail.found.as_str()),
            (Code::NotFound, field, "nix")
        );
    }
}
