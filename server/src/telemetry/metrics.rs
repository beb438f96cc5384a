//! Numbers for Prometheus: counted as things happen, or looked up when asked for.

use std::{
    fmt::{self, Write as _},
    io,
    sync::Arc,
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::net::TcpListener;
use tonic::Code;

use crate::{
    fleet::Fleet,
    store::{self, Store},
};

/// Every number.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    calls: Family<Call, Counter>,
    hosts_linked: Gauge,
    hosts_enrolled: Gauge,
    operations_open: Gauge,
    operations_unknown: Gauge,
    revocations_waiting: Gauge,
    audit_entries: Gauge,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Call {
    method: String,
    code: String,
}

impl Metrics {
    /// Of zeros.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keysteward");
        let calls = Family::default();
        registry.register("api_calls", "Calls of the public interface", calls.clone());
        let mut gauge = |name, help| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let hosts_linked = gauge("hosts_linked", "Hosts whose link is up");
        let hosts_enrolled = gauge("hosts_enrolled", "Hosts that may link");
        let operations_open = gauge("operations_open", "Operations that have not ended");
        let operations_unknown = gauge(
            "operations_unknown",
            "Operations that wait for a person, because an outcome is unknown or attention is needed",
        );
        let revocations_waiting = gauge(
            "revocations_waiting",
            "Certificates that are to be revoked, and whose authority could not be told yet",
        );
        let audit_entries = gauge("audit_entries", "Entries of the audit record");
        Self(Arc::new(Inner {
            registry,
            calls,
            hosts_linked,
            hosts_enrolled,
            operations_open,
            operations_unknown,
            revocations_waiting,
            audit_entries,
        }))
    }

    /// A call of the public interface was answered. `method` is one of ours.
    pub fn called(&self, method: &str, code: Code) {
        let call = Call {
            method: method.to_owned(),
            code: format!("{code:?}"),
        };
        self.0.calls.get_or_create(&call).inc();
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn text(&self, store: &Store, fleet: &Fleet) -> store::Result<String> {
        let mut read = store.read().await?;
        let enrolled = store::host::count(&mut read, store::host::State::Enrolled).await?;
        let (open, unknown) = store::operation::count_open(&mut read).await?;
        let waiting = store::certificate::count_waiting_for_revocation(&mut read).await?;
        let entries = store::audit::head(&mut read)
            .await?
            .map_or(0, |(seq, _)| seq);
        set(&self.0.hosts_linked, fleet.linked_hosts().len() as u64);
        set(&self.0.hosts_enrolled, enrolled);
        set(&self.0.operations_open, open);
        set(&self.0.operations_unknown, unknown);
        set(&self.0.revocations_waiting, waiting);
        set(&self.0.audit_entries, entries);
        let mut text = String::new();
        if encode(&mut text, &self.0.registry).is_err() {
            // A String takes whatever is written.
            let _ = writeln!(text, "# EOF");
        }
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Serves `GET /metrics` until `stop` ends.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    store: Store,
    fleet: Fleet,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = Router::new()
        .route("/metrics", get(answer))
        .with_state((metrics, store, fleet));
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await
}

async fn answer(
    State((metrics, store, fleet)): State<(Metrics, Store, Fleet)>,
) -> impl IntoResponse {
    match metrics.text(&store, &fleet).await {
        Ok(text) => (
            StatusCode::OK,
            [(
                "content-type",
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "no metrics");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn set(gauge: &Gauge, number: u64) {
    gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fleet::FleetSettings, key_store::KeyStore, store::Clock};

    #[tokio::test]
    async fn calls_are_counted_by_method_and_code_beside_what_the_database_says() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).await.unwrap();
        let keys = KeyStore::create(&folder.path().join("key")).unwrap();
        let fleet = Fleet::open(
            store.clone(),
            &keys,
            Clock::system(),
            FleetSettings::default(),
        )
        .await
        .unwrap();
        let metrics = Metrics::new();
        metrics.called("/a.B/C", Code::Ok);
        metrics.called("/a.B/C", Code::Ok);
        metrics.called("/a.B/C", Code::NotFound);
        let text = metrics.text(&store, &fleet).await.unwrap();
        for line in [
            "keysteward_api_calls_total{method=\"/a.B/C\",code=\"Ok\"} 2",
            "keysteward_api_calls_total{method=\"/a.B/C\",code=\"NotFound\"} 1",
            "keysteward_hosts_linked 0",
            "keysteward_operations_unknown 0",
            "keysteward_revocations_waiting 0",
            "keysteward_audit_entries 0",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in {text}"
            );
        }
    }
}
