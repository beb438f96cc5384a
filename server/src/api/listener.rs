//! The public port: TLS with a certificate of the server's own authority, or one from elsewhere.
//!
//! Handshakes run beside each other, within a limit; a peer that dawdles holds up nobody.

use std::{io, path::Path, sync::Arc, time::Duration};

use futures::Stream;
use rustls::{
    ServerConfig,
    crypto::ring,
    server::ResolvesServerCert,
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    fleet::{Fleet, authority::AuthorityError},
    settings,
};

/// Why the port has no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file of the settings.
    #[error("{setting} {path}: {why}")]
    File {
        /// `api.certificate` or `api.key`.
        setting: &'static str,
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Our own authority does not make one.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// TLS does not take it.
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS as the settings want it.
///
/// # Errors
/// See [`CertificateError`].
pub fn tls(api: &settings::Api, fleet: &Fleet) -> Result<Arc<ServerConfig>, CertificateError> {
    let certificate: Arc<dyn ResolvesServerCert> = match &api.certificate {
        None => Arc::new(fleet.certificate_for(api.names.clone())?),
        Some(files) => Arc::new(SingleCertAndKey::from(from_files(files)?)),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

fn from_files(files: &settings::CertificateFiles) -> Result<CertifiedKey, CertificateError> {
    fn wrong(setting: &'static str, path: &Path, why: impl ToString) -> CertificateError {
        CertificateError::File {
            setting,
            path: path.display().to_string(),
            why: why.to_string(),
        }
    }
    let certificate = |why: String| wrong("api.certificate", &files.certificate, why);
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(certificate("holds no PEM certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| wrong("api.key", &files.key, error))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| wrong("api.key", &files.key, error))
}

/// Connections that are through their handshake, for ever.
pub fn accept(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> {
    let (ready, connections) = mpsc::channel(READY);
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(tls);
        let places = Arc::new(Semaphore::new(HANDSHAKES));
        // The receiver goes when the server stops.
        while !ready.is_closed() {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = ready.closed() => return,
            };
            let tcp = match accepted {
                Ok((tcp, _)) => tcp,
                Err(error) => {
                    // Out of files, as a rule: some will be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let (acceptor, ready) = (acceptor.clone(), ready.clone());
            tokio::spawn(async move {
                // Small answers should not wait for more; TLS works without.
                let _ = tcp.set_nodelay(true);
                match timeout(HANDSHAKE, acceptor.accept(tcp)).await {
                    Ok(Ok(stream)) => {
                        // An error says that the server has stopped.
                        let _ = ready.send(Ok(stream)).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                    Err(_) => tracing::debug!("a handshake took too long"),
                }
                drop(place);
            });
        }
    });
    ReceiverStream::new(connections)
}

const HANDSHAKE: Duration = Duration::from_secs(10);
const HANDSHAKES: usize = 256;
const READY: usize = 64;
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn files(folder: &Path, certificate: &str, key: &str) -> settings::CertificateFiles {
        let files = settings::CertificateFiles {
            certificate: folder.join("c.pem"),
            key: folder.join("k.pem"),
        };
        fs::write(&files.certificate, certificate).unwrap();
        fs::write(&files.key, key).unwrap();
        files
    }

    #[test]
    fn a_certificate_from_elsewhere_is_taken_with_its_own_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let make = || rcgen::generate_simple_self_signed(["keys.example.com".to_owned()]).unwrap();
        let (ours, other) = (make(), make());
        let (certificate, key) = (ours.cert.pem(), ours.signing_key.serialize_pem());
        let others_key = other.signing_key.serialize_pem();
        from_files(&files(folder.path(), &certificate, &key)).unwrap();
        for (certificate, key, setting) in [
            ("", key.as_str(), "api.certificate"),
            (key.as_str(), key.as_str(), "api.certificate"),
            (certificate.as_str(), "", "api.key"),
            (certificate.as_str(), others_key.as_str(), "api.key"),
        ] {
            let refusal = from_files(&files(folder.path(), certificate, key)).unwrap_err();
            assert!(refusal.to_string().starts_with(setting), "{refusal}");
        }
        let mut gone = files(folder.path(), &certificate, &key);
        gone.certificate = folder.path().join("nothing.pem");
        let refusal = from_files(&gone).unwrap_err().to_string();
        assert!(refusal.contains("nothing.pem"), "{refusal}");
    }
}
