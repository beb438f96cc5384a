//! HTTPS to an outside system: rustls on ring, roots from PEM or of the system.

use super::SettingError;
use rustls::crypto::ring;
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls_platform_verifier::BuilderVerifierExt;
use std::{error::Error as _, sync::Arc, time::Duration};

/// A client that goes where it is told and nowhere else: no redirects (they
/// would carry the key along) and no retries (a change could happen twice).
///
/// # Errors
/// Names `trusted_roots`, the only setting that can be wrong here.
pub(super) fn client(
    trusted_roots: &str,
    limit: Duration,
) -> Result<reqwest::Client, SettingError> {
    client_as(None, trusted_roots, limit, Plain::Never)
}

/// Whether a peer may be spoken to without TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Plain {
    Never,
    /// The caller has seen that its address is this machine's own.
    OnThisMachine,
}

/// [`client`], known to the other side by a certificate, if one is given.
///
/// # Errors
/// Names the setting that is wrong: `trusted_roots`, or `credential`.
pub(super) fn client_as(
    identity: Option<Identity>,
    trusted_roots: &str,
    limit: Duration,
    plain: Plain,
) -> Result<reqwest::Client, SettingError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls(identity, trusted_roots)?)
        .https_only(plain == Plain::Never)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(limit.min(CONNECT_LIMIT))
        .timeout(limit)
        .user_agent(concat!("keysteward/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| SettingError::new(FIELD, error.to_string(), ALLOWED))
}

/// A certificate with those above it, and its private key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// What the other side said in TLS when it did not like our certificate. In
/// HTTP/2 only the words of the TLS library come through, so these are compared.
pub(super) fn certificate_alert(error: &reqwest::Error) -> Option<AlertDescription> {
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        let found = REFUSING
            .into_iter()
            .find(|alert| text.ends_with(&rustls::Error::AlertReceived(*alert).to_string()));
        if found.is_some() {
            return found;
        }
        source = cause.source();
    }
    None
}

fn tls(identity: Option<Identity>, trusted_roots: &str) -> Result<ClientConfig, SettingError> {
    let wrong = |found: String| SettingError::new(FIELD, found, ALLOWED);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?;
    let builder = if trusted_roots.trim().is_empty() {
        builder
            .with_platform_verifier()
            .map_err(|error| wrong(format!("empty, and the system's roots: {error}")))?
    } else {
        let mut roots = RootCertStore::empty();
        for (index, root) in CertificateDer::pem_slice_iter(trusted_roots.as_bytes()).enumerate() {
            let number = index + 1;
            let root = root.map_err(|error| wrong(format!("certificate {number}: {error}")))?;
            roots
                .add(root)
                .map_err(|error| wrong(format!("certificate {number}: {error}")))?;
        }
        if roots.is_empty() {
            return Err(wrong("text without a certificate".to_owned()));
        }
        builder.with_root_certificates(roots)
    };
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| {
            let allowed = "a certificate and its private key";
            SettingError::new("credential", error.to_string(), allowed)
        })?,
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

const FIELD: &str = "trusted_roots";
const ALLOWED: &str = "PEM certificates, or nothing for the system's roots";
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// RFC 8446 section 6.2.
const REFUSING: [AlertDescription; 9] = [
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    // A signature that does not fit: an authority's namesake gave the certificate out.
    AlertDescription::DecryptError,
    AlertDescription::CertificateRequired,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_are_no_certificates_are_refused_by_name() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for roots in ["hello", broken, "-----BEGIN CERTIFICATE-----\n!"] {
            let error = client(roots, CONNECT_LIMIT).unwrap_err();
            assert_eq!(error.field, "trusted_roots", "{error}");
        }
    }

    #[test]
    fn a_private_root_is_taken_from_pem() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = parameters.self_signed(&key).unwrap().pem();
        client(&root, CONNECT_LIMIT).unwrap();
    }
}
