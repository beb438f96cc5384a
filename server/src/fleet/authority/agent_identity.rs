//! Who an agent's certificate says it is.

use keysteward_proto::uplink::parse_agent_uri;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::store::{HostId, ServerId};

/// A host, and which of its certificates. Taken only from a certificate that TLS
/// has verified to our root; whether it is still valid is for the store to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentIdentity {
    /// The enrolment.
    pub host: HostId,
    /// Of the certificate, lower-case hexadecimal.
    pub serial: String,
}

impl AgentIdentity {
    /// `None` when the certificate is not for an agent of `server`.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>, server: ServerId) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let names = certificate.subject_alternative_name().ok()??;
        let (its_server, host) = names
            .value
            .general_names
            .iter()
            .find_map(|name| match name {
                GeneralName::URI(uri) => parse_agent_uri(uri),
                _ => None,
            })?;
        if its_server.parse() != Ok(server) {
            return None;
        }
        Some(Self {
            host: host.parse().ok()?,
            serial: hex::encode(certificate.raw_serial()),
        })
    }
}
