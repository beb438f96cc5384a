//! TLS 1.3 on the agent port: one configuration for uplinks, one for calls.

use std::{sync::Arc, time::Duration};

use keysteward_proto::uplink::{ALPN_CALLS, ALPN_UPLINK};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, ring},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, VerifierBuilderError,
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// What a handshake is done with, by what the peer wants to speak.
#[derive(Debug)]
pub(super) struct Configurations {
    uplink: Arc<ServerConfig>,
    calls: Arc<ServerConfig>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Of the configuration.
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] Error),
    /// Of the roots.
    #[error("tls cannot be set up: {0}")]
    Roots(#[from] VerifierBuilderError),
}

impl Configurations {
    /// `grace`: how long past its end a certificate is still good for calls.
    pub(super) fn new(
        roots: [&CertificateDer<'static>; 2],
        port: &Arc<impl ResolvesServerCert + 'static>,
        grace: Duration,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone())?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(store.into(), provider.clone());
        let strict = builder.clone().build()?;
        let lenient = AgentVerifier {
            inner: builder.allow_unauthenticated().build()?,
            grace,
        };
        let make = |verifier, alpn: &[u8]| config(&provider, verifier, port.clone(), alpn);
        Ok(Self {
            uplink: make(strict, ALPN_UPLINK)?,
            calls: make(Arc::new(lenient), ALPN_CALLS)?,
        })
    }

    /// Which one suits: uplinks ask for theirs by name, and must show a certificate.
    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let mut asked = hello.alpn().into_iter().flatten();
        if asked.any(|protocol| protocol == ALPN_UPLINK) {
            self.uplink.clone()
        } else {
            self.calls.clone()
        }
    }
}

fn config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ClientCertVerifier>,
    port: Arc<dyn ResolvesServerCert>,
    alpn: &[u8],
) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(port);
    config.alpn_protocols = vec![alpn.to_vec()];
    // No resumption: every handshake shows a certificate, and each is checked.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// webpki's verifier, but a certificate that has run out is good for a while
/// longer: laptops rest, and all it can be used for is to renew it.
#[derive(Debug)]
struct AgentVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    grace: Duration,
}

impl ClientCertVerifier for AgentVerifier {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verdict = self
            .inner
            .verify_client_cert(end_entity, intermediates, now);
        let Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) = verdict
        else {
            return verdict;
        };
        match end(end_entity) {
            // Everything else about it must have been right on its last day.
            Some(end) if now.as_secs().saturating_sub(end.as_secs()) <= self.grace.as_secs() => {
                self.inner
                    .verify_client_cert(end_entity, intermediates, end)
            }
            _ => verdict,
        }
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn end(certificate: &CertificateDer<'_>) -> Option<UnixTime> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}
