//! The listener: TLS under a root of its own, HTTP/1.1 and HTTP/2.

use anyhow::Context;
use axum::{Extension, Router};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};
use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Who we are on the wire.
pub(super) struct Identity {
    /// PEM of the root that clients must trust.
    pub(super) root: String,
    config: Arc<ServerConfig>,
}

/// Cuts the connection of the request that finds it among its extensions.
#[derive(Clone, Debug)]
pub(super) struct Cut(pub(super) CancellationToken);

impl Identity {
    /// A fresh root, and a certificate under it for the loopback address.
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "STA stand-in root");
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = name;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let root = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;

        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(names)?.signed_by(&key, &root)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(leaf.der().to_vec())], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            root: root.pem(),
            config: Arc::new(config),
        })
    }

    /// Serves until `stop`. The listener is bound when this returns.
    pub(super) async fn serve(
        &self,
        port: u16,
        router: Router,
        stop: CancellationToken,
    ) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("cannot listen on port {port}"))?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stop.cancelled() => return,
                };
                // A failed accept is the peer's loss.
                let Ok((stream, _)) = accepted else { continue };
                let (acceptor, router, cut) =
                    (acceptor.clone(), router.clone(), stop.child_token());
                tokio::spawn(connection(stream, acceptor, router, cut));
            }
        });
        Ok(address)
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    cut: CancellationToken,
) {
    let serve = async {
        let stream = match acceptor.accept(stream).await {
            Ok(stream) => stream,
            Err(error) => return tracing::debug!(%error, "no TLS"),
        };
        let router = router.layer(Extension(Cut(cut.clone())));
        let served = Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "the connection ended");
        }
    };
    tokio::select! {
        () = serve => {}
        () = cut.cancelled() => {}
    }
}
