//! The agent port: who may come in, and what for.
//!
//! Each connection costs a handshake of half a millisecond of CPU before anybody
//! is known. So there are limits: on handshakes at a time, on connections that
//! wait for their turn, and on how long a peer may take. What is over them is
//! closed at once, which is cheap, and comes back after its own back-off.

mod tls;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use keysteward_proto::uplink::ALPN_UPLINK;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use self::tls::Configurations;
pub use self::tls::TlsError;
use super::{
    Inner,
    authority::{AgentIdentity, PortCertificate},
    enrolment::service,
    link::life,
};

/// What stands at the door.
#[derive(Debug)]
pub(super) struct Door {
    configurations: Configurations,
    /// Connections that are not yet through their handshake.
    waiting: Arc<Semaphore>,
    /// Handshakes under way.
    shaking: Arc<Semaphore>,
    handshake_timeout: Duration,
}

impl Door {
    pub(super) fn new(fleet: &Inner, port: &Arc<PortCertificate>) -> Result<Self, TlsError> {
        let settings = &fleet.settings;
        Ok(Self {
            configurations: Configurations::new(
                fleet.authority.roots(),
                port,
                settings.renewal_grace,
            )?,
            waiting: Arc::new(Semaphore::new(settings.max_waiting)),
            shaking: Arc::new(Semaphore::new(settings.max_handshakes)),
            handshake_timeout: settings.handshake_timeout,
        })
    }

    /// Takes connections for ever; each is served by a task of `fleet`.
    pub(super) async fn open(self, fleet: Arc<Inner>, listener: TcpListener) {
        let door = Arc::new(self);
        loop {
            let (tcp, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of files, as a rule: some will be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = door.waiting.clone().try_acquire_owned() else {
                tracing::debug!(%peer, "too many are waiting; closed");
                continue;
            };
            fleet.spawn(serve(door.clone(), fleet.clone(), tcp, peer, place));
        }
    }

    async fn shake_hands(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let hello = timeout(
            self.handshake_timeout,
            LazyConfigAcceptor::new(rustls::server::Acceptor::default(), tcp),
        )
        .await??;
        let _turn = self
            .shaking
            .acquire()
            .await
            .map_err(std::io::Error::other)?;
        let config = self.configurations.choose(&hello.client_hello());
        timeout(self.handshake_timeout, hello.into_stream(config)).await?
    }
}

async fn serve(
    door: Arc<Door>,
    fleet: Arc<Inner>,
    tcp: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
) {
    let stream = match tcp.set_nodelay(true) {
        Ok(()) => door.shake_hands(tcp).await,
        Err(error) => Err(error),
    };
    drop(place);
    drop(door);
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%peer, %error, "no handshake");
            return;
        }
    };
    let (_, tls) = stream.get_ref();
    let agent = tls
        .peer_certificates()
        .and_then(<[_]>::first)
        .and_then(|certificate| AgentIdentity::of(certificate, fleet.authority.server()));
    let uplink = tls.alpn_protocol() == Some(ALPN_UPLINK);
    let stream = Box::new(stream);
    // A task of its own: this one is as large as a handshake.
    match agent {
        Some(agent) if uplink => fleet.spawn(life::live(fleet.clone(), stream, agent, peer)),
        None if uplink => tracing::warn!(%peer, "a certificate of ours names no host of ours"),
        agent => fleet.spawn(service::serve(fleet.clone(), stream, agent, peer)),
    }
}

const PAUSE: Duration = Duration::from_millis(100);
