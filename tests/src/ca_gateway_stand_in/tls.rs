//! The listener: TLS under a root of its own, for clients with a certificate of
//! the gateway's.

use anyhow::{Context, Result};
use axum::{Extension, Router};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use p12_keystore::{EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKeyChain};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Who we are on the wire, and who may call.
pub(super) struct Identity {
    /// PEM of the root that clients must trust.
    pub(super) root: String,
    clients: CertifiedIssuer<'static, KeyPair>,
    config: Arc<ServerConfig>,
}

/// By what the gateway knows a client.
#[expect(missing_debug_implementations, reason = "a secret")]
pub struct Client {
    /// Its key, its certificate and the one above it.
    pub pem: String,
    key: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl Client {
    /// The same as PKCS#12, encrypted as of old: so come the files of the vendor.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn pkcs12(&self, password: &str) -> Result<Vec<u8>> {
        let chain = self
            .chain
            .iter()
            .map(|der| p12_keystore::Certificate::from_der(der))
            .collect::<Result<Vec<_>, _>>()?;
        let key = p12_keystore::PrivateKey::from_der(&self.key)?;
        let entry = PrivateKeyChain::new("client", key, chain);
        let mut store = KeyStore::new();
        store.add_entry("client", KeyStoreEntry::PrivateKeyChain(entry));
        let file = store
            .writer(password)
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .mac_algorithm(MacAlgorithm::HmacSha1)
            .write()?;
        Ok(file)
    }
}

/// Cuts the connection of the request that finds it among its extensions.
#[derive(Clone, Debug)]
pub(super) struct Cut(pub(super) CancellationToken);

impl Identity {
    pub(super) fn new() -> Result<Self> {
        let root = issuer("CA Gateway stand-in root")?;
        let clients = issuer("CA Gateway stand-in clients")?;
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(names)?.signed_by(&key, &root)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(ring::default_provider());
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from(clients.der().to_vec()))?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider.clone())
                .build()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![CertificateDer::from(leaf.der().to_vec())], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            root: root.pem(),
            clients,
            config: Arc::new(config),
        })
    }

    pub(super) fn client(&self, name: &str) -> Result<Client> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let own = params.signed_by(&key, &self.clients)?;
        Ok(Client {
            pem: [key.serialize_pem(), own.pem(), self.clients.pem()].concat(),
            key: key.serialize_der(),
            chain: vec![own.der().to_vec(), self.clients.der().to_vec()],
        })
    }

    /// Serves until `stop`. The listener is bound when this returns.
    pub(super) async fn serve(
        &self,
        port: u16,
        router: Router,
        stop: CancellationToken,
    ) -> Result<SocketAddr> {
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

fn issuer(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
