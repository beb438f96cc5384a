//! `keysteward-server run`: every room, its port open, until SIGTERM or SIGINT.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{init, publish};
use crate::{
    api::{self, Rooms, auth::AuthLayer, listener},
    attestation::{Anchors, MetadataFacts},
    connector::ca::publication::{self, Limits},
    fleet::{Fleet, FleetSettings},
    key_store::{KeyStore, Pkcs11},
    operation::{self, Connections, Engine, Parts, published},
    settings::Settings,
    store::{Clock, Store},
    telemetry::{self, Metrics},
};

/// Runs until a signal says to stop, or a part of it breaks.
///
/// # Errors
/// Whatever keeps it from starting, or broke it.
pub async fn run(settings: &Settings, clock: Clock) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let on_signal = stop.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        on_signal.cancel();
    });
    serve(settings, clock, FleetSettings::default(), stop).await
}

/// [`run`], stopped by its caller.
///
/// # Errors
/// Whatever keeps it from starting, or broke it.
pub async fn serve(
    settings: &Settings,
    clock: Clock,
    fleet_settings: FleetSettings,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let database = settings.database();
    check_set_up(&database)?;
    // Before anything is opened: what cannot be believed changes nothing.
    let anchors = anchors(settings, &clock)?;
    let mut keys = KeyStore::load(&settings.master_key)?;
    if let Some(hsm) = &settings.hsm {
        let token =
            Pkcs11::open(hsm.clone()).context("the PKCS #11 token of [hsm] does not serve")?;
        keys = keys.with_hsm(Arc::new(token));
    }
    let keys = Arc::new(keys);
    let store = Store::open(&database).await?;
    let in_certificates = published::urls(&mut store.read().await?).await?;
    publish::check(&in_certificates, settings.publish.as_ref())?;
    let fleet = Fleet::open(store.clone(), &keys, clock.clone(), fleet_settings).await?;
    init::publish_roots(settings, fleet.authority())?;
    let metrics = Metrics::new();
    let connections = Arc::new(Connections::new(keys.clone(), store.clone(), clock.clone()));
    let engine = Engine::new(Parts {
        store: store.clone(),
        keys: keys.clone(),
        anchors,
        hosts: Arc::new(fleet.clone()),
        providers: connections.clone(),
        authorities: connections.clone(),
        clock: clock.clone(),
        settings: operation::Settings::default(),
    });
    let rooms = Rooms {
        store: store.clone(),
        clock: clock.clone(),
        key_store: keys,
        fleet: fleet.clone(),
        engine: engine.clone(),
        public_urls: settings
            .publish
            .iter()
            .flat_map(|p| p.urls.clone())
            .collect(),
        stopping: stop.clone(),
    };
    let tls = listener::tls(&settings.api, &fleet)?;

    // All or none: a server that serves half of what it should is found out late.
    let public = bind("api.listen", settings.api.listen).await?;
    let agents = bind("agents.listen", settings.agents_listen).await?;
    let numbers = bind("metrics.listen", settings.metrics_listen).await?;
    let readers = match &settings.publish {
        Some(publish) => Some(bind("publish.listen", publish.listen).await?),
        None => None,
    };
    tracing::info!(
        api = %public.local_addr()?,
        agents = %agents.local_addr()?,
        metrics = %numbers.local_addr()?,
        publish = readers.as_ref().map(|port| port.local_addr()).transpose()?.map(tracing::field::display),
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );

    let auth = AuthLayer {
        store: store.clone(),
        clock,
        metrics: metrics.clone(),
    };
    let public = Server::builder()
        .layer(auth)
        // A batch watches each of its rows.
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .add_routes(api::routes(&rooms)?)
        .serve_with_incoming_shutdown(
            listener::accept(public, tls),
            stop.clone().cancelled_owned(),
        );
    let agents = fleet.serve(agents, stop.clone());
    let numbers = telemetry::serve(
        numbers,
        metrics,
        store.clone(),
        fleet.clone(),
        stop.clone().cancelled_owned(),
    );
    let readers = async {
        match readers {
            Some(port) => {
                publication::serve(port, connections, Limits::default(), stop.clone()).await
            }
            None => stop.cancelled().await,
        }
        Ok(())
    };
    let work = engine.run(stop.clone());
    // Whichever ends first takes the others along.
    let ended = {
        let public = ending(async { public.await.map_err(anyhow::Error::from) }, &stop);
        let agents = ending(async { agents.await.map_err(anyhow::Error::from) }, &stop);
        let numbers = ending(async { numbers.await.map_err(anyhow::Error::from) }, &stop);
        let readers = ending(readers, &stop);
        let work = ending(async { work.await.map_err(anyhow::Error::from) }, &stop);
        tokio::try_join!(public, agents, numbers, readers, work).map(drop)
    };
    store.close().await;
    ended
}

/// Runs a part; where it ends, or does not end in time once all should stop, so does the rest.
async fn ending(
    part: impl Future<Output = anyhow::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    tokio::pin!(part);
    let ended = tokio::select! {
        ended = &mut part => ended,
        () = stop.cancelled() => match timeout(PATIENCE, part).await {
            Ok(ended) => ended,
            // A watch that somebody left open: it is cut off.
            Err(_) => Ok(()),
        },
    };
    stop.cancel();
    ended
}

fn anchors(settings: &Settings, clock: &Clock) -> anyhow::Result<Anchors> {
    let now = Timestamp::from_microsecond(clock.now().0)?;
    let anchors = Anchors::load(&settings.attestation, now)?;
    if let Some(facts) = anchors.facts(now) {
        let MetadataFacts {
            number,
            next_update,
            models,
            stale,
        } = facts;
        tracing::info!(number, %next_update, models, "FIDO metadata are in use");
        if stale {
            tracing::warn!(%next_update, "the FIDO metadata are stale: put a newer file in place");
        }
    }
    Ok(anchors)
}

fn check_set_up(database: &Path) -> anyhow::Result<()> {
    if !database.exists() {
        bail!(
            "{} does not exist: run keysteward-server init first",
            database.display()
        );
    }
    Ok(())
}

async fn bind(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{setting}: cannot listen on {address}"))
}

const STREAMS: u32 = 4096;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(5);
