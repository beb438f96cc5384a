use std::sync::atomic::{AtomicI64, Ordering};

use keysteward_proto::error::v1::ErrorDetail;
use prost::Message as _;

use super::*;

const NOW: Micros = Micros(1_700_000_000_000_000);
const STATUS: &str = "/keysteward.server.v1.System/GetStatus";
const LIST_AUDIT: &str = "/keysteward.server.v1.Audit/List";

struct Bench {
    _folder: tempfile::TempDir,
    layer: AuthLayer,
    clock: std::sync::Arc<AtomicI64>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).await.unwrap();
        let clock = std::sync::Arc::new(AtomicI64::new(NOW.0));
        let hand = clock.clone();
        let layer = AuthLayer {
            store,
            clock: Clock::new(move || Micros(hand.load(Ordering::Relaxed))),
            metrics: Metrics::new(),
        };
        Self {
            _folder: folder,
            layer,
            clock,
        }
    }

    async fn key(&self, scopes: &[Scope]) -> (ApiKey, String) {
        let hour = Duration::from_secs(3600);
        let (key, secret) = new_key("test", scopes, "system", hour, NOW);
        let mut tx = self.layer.store.write().await.unwrap();
        store::api_key::insert(&mut tx, &key).await.unwrap();
        tx.commit().await.unwrap();
        (key, secret.to_string())
    }

    async fn call(&self, path: &str, header: &str) -> Result<Option<Caller>, Status> {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        self.layer
            .authorise(access::of(path).unwrap(), path, &headers)
            .await
    }

    async fn audit(&self) -> Vec<store::audit::Row> {
        let mut read = self.layer.store.read().await.unwrap();
        let page = store::Page::first(100);
        store::audit::list(&mut read, &store::audit::Filter::default(), page)
            .await
            .unwrap()
            .rows
    }
}

fn reason(status: &Status) -> String {
    ErrorDetail::decode(status.details()).unwrap().reason
}

#[tokio::test]
async fn a_key_with_the_scope_is_let_through_and_named() {
    let bench = Bench::new().await;
    let (_, secret) = bench.key(&[Scope::Read]).await;
    let caller = bench
        .call(STATUS, &format!("Bearer {secret}"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(caller.actor, "api-key:test");
    assert!(caller.may(Scope::Read) && !caller.may(Scope::Admin));
}

#[tokio::test]
async fn a_call_without_a_usable_key_is_refused() {
    let bench = Bench::new().await;
    let (key, secret) = bench.key(&[Scope::Read]).await;
    for header in ["", "Basic abc", "Bearer ", "Bearer abc", secret.as_str()] {
        let status = bench.call(STATUS, header).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unauthenticated, "API_KEY_MISSING")
        );
    }
    let wrong = format!("Bearer {}x", secret);
    let status = bench.call(STATUS, &wrong).await.unwrap_err();
    assert_eq!(reason(&status), "API_KEY_INVALID");

    let right = format!("Bearer {secret}");
    bench.clock.store(NOW.0 + 3_600_000_000, Ordering::Relaxed);
    let status = bench.call(STATUS, &right).await.unwrap_err();
    assert_eq!(reason(&status), "API_KEY_INVALID", "expired");

    bench.clock.store(NOW.0, Ordering::Relaxed);
    bench.call(STATUS, &right).await.unwrap();
    let mut tx = bench.layer.store.write().await.unwrap();
    store::api_key::set_revoked(&mut tx, key.id, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let status = bench.call(STATUS, &right).await.unwrap_err();
    assert_eq!(reason(&status), "API_KEY_INVALID", "revoked");
}

#[tokio::test]
async fn a_key_without_the_scope_is_refused_and_recorded() {
    let bench = Bench::new().await;
    let (_, secret) = bench.key(&[Scope::Read, Scope::Issue]).await;
    let status = bench
        .call(LIST_AUDIT, &format!("Bearer {secret}"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );
    let detail = ErrorDetail::decode(status.details()).unwrap();
    assert_eq!(
        (detail.found.as_str(), detail.allowed.as_str()),
        ("read or issue", "audit")
    );
    let rows = bench.audit().await;
    assert_eq!(
        (rows.len(), rows[0].verb.as_str(), rows[0].outcome.as_str()),
        (1, "api.denied", "denied")
    );
}

#[tokio::test]
async fn an_unknown_key_leaves_no_trace() {
    let bench = Bench::new().await;
    assert!(bench.call(STATUS, "Bearer ksk_guessed").await.is_err());
    assert!(bench.audit().await.is_empty());
}

#[tokio::test]
async fn health_needs_no_key() {
    let bench = Bench::new().await;
    assert!(
        bench
            .call("/grpc.health.v1.Health/Check", "")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn use_of_a_key_is_noted_once_a_minute() {
    let bench = Bench::new().await;
    let (key, secret) = bench.key(&[Scope::Read]).await;
    let header = format!("Bearer {secret}");
    let noted = || async {
        let mut read = bench.layer.store.read().await.unwrap();
        store::api_key::get(&mut read, key.id)
            .await
            .unwrap()
            .unwrap()
            .last_used_at
            .unwrap()
            .0
            - NOW.0
    };
    for (after, seen) in [(0, 0), (59_000_000, 0), (60_000_000, 60_000_000)] {
        bench.clock.store(NOW.0 + after, Ordering::Relaxed);
        bench.call(STATUS, &header).await.unwrap();
        assert_eq!(noted().await, seen, "after {after} us");
    }
}

#[test]
fn a_key_is_stored_as_a_hash_and_two_keys_differ() {
    let life = Duration::from_secs(1);
    let (one, secret) = new_key("a", &[Scope::Read], "system", life, NOW);
    let (_, other) = new_key("b", &[Scope::Read], "system", life, NOW);
    assert!(secret.starts_with("ksk_") && secret.len() > 40);
    assert_ne!(*secret, *other);
    assert_eq!(one.secret_hash, hash(&secret));
}

#[tokio::test]
async fn every_method_but_health_needs_a_key_with_its_scope() {
    let bench = Bench::new().await;
    let (_, secret) = bench.key(&[]).await;
    for (service, method, access) in access::TABLE {
        if *access == Access::Open {
            continue;
        }
        let path = format!("/{service}/{method}");
        let without = bench.call(&path, "").await.unwrap_err();
        assert_eq!(without.code(), Code::Unauthenticated, "{path}");
        let powerless = bench
            .call(&path, &format!("Bearer {secret}"))
            .await
            .unwrap_err();
        assert_eq!(powerless.code(), Code::PermissionDenied, "{path}");
    }
}
