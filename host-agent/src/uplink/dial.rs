//! From an address to a TLS 1.3 connection whose other end is our server.

use std::{io, sync::Arc, time::Duration};

use keysteward_proto::uplink::{ALPN_CALLS, ALPN_UPLINK, Greeting, Refusal};
use rustls::{ClientConfig, crypto::ring};
use rustls_pki_types::ServerName;
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    identity::Identity,
    trust::{ServerVerifier, Trust},
};
use crate::settings::ServerAddress;

/// A connection to the server.
pub type Stream = TlsStream<TcpStream>;

/// What a connection is for, and who we are on it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// Enrolment: nobody yet, and the server is known by the hash of its root.
    Enrol { root_sha256: &'a [u8; 32] },
    /// Ordinary calls of an enrolled host.
    Calls(&'a Identity),
    /// The reverse link of an enrolled host.
    Uplink(&'a Identity),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// Nothing answers there.
    #[error("cannot reach {address}")]
    Unreachable {
        /// What was dialled.
        address: ServerAddress,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Something answered, and then did not go on.
    #[error("{address} fell silent while {phase}")]
    Silent {
        /// What was dialled.
        address: ServerAddress,
        /// How far it had come.
        phase: &'static str,
    },
    /// Its certificate leads to another root.
    #[error(
        "{address} is not the server this host was enrolled with, or something on the way opens \
         the connection: let TLS pass through unopened"
    )]
    WrongServer {
        /// What was dialled.
        address: ServerAddress,
    },
    /// At enrolment: its certificate leads to another root than the join token names.
    #[error(
        "{address} is not the server that this join token is for, or something on the way opens \
         the connection: check the address, and let TLS pass through unopened"
    )]
    WrongRoot {
        /// What was dialled.
        address: ServerAddress,
    },
    /// The connection was closed or broken off during the handshake.
    #[error("{address} broke off the handshake")]
    Handshake {
        /// What was dialled.
        address: ServerAddress,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// TLS, but not an agent port.
    #[error("{address} is not the agent port of a Keysteward server")]
    NotAnAgentPort {
        /// What was dialled.
        address: ServerAddress,
    },
    /// The server knows who calls, and says no.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// How long not to dial.
        retry_after: Duration,
    },
    /// The identity on disk cannot be used for TLS.
    #[error("the certificate or key of this host cannot be used")]
    Identity(#[source] rustls::Error),
}

/// Connects, and for an uplink waits for the server's greeting.
///
/// # Errors
/// See [`DialError`].
pub(super) async fn dial(
    address: &ServerAddress,
    purpose: Purpose<'_>,
) -> Result<Stream, DialError> {
    let config = Arc::new(config(purpose).map_err(DialError::Identity)?);
    let name = ServerName::try_from(address.host.clone()).map_err(|_| DialError::Unreachable {
        address: address.clone(),
        source: io::Error::new(io::ErrorKind::InvalidInput, "not a DNS name or IP address"),
    })?;
    let silent = |phase| DialError::Silent {
        address: address.clone(),
        phase,
    };
    let unreachable = |source| DialError::Unreachable {
        address: address.clone(),
        source,
    };
    let tcp = timeout(
        CONNECT,
        TcpStream::connect((address.host.as_str(), address.port)),
    )
    .await
    .map_err(|_| silent("connecting"))?
    .map_err(unreachable)?;
    tcp.set_nodelay(true).map_err(unreachable)?;
    let mut stream = timeout(HANDSHAKE, TlsConnector::from(config).connect(name, tcp))
        .await
        .map_err(|_| silent("shaking hands"))?
        .map_err(|source| handshake_error(address, purpose, source))?;
    if stream.get_ref().1.alpn_protocol() != Some(purpose.alpn()) {
        return Err(DialError::NotAnAgentPort {
            address: address.clone(),
        });
    }
    if let Purpose::Uplink(_) = purpose {
        let mut bytes = [0; Greeting::LEN];
        // In TLS 1.3 a client certificate is judged after the client is done:
        // the verdict is what is read first.
        timeout(HANDSHAKE, stream.read_exact(&mut bytes))
            .await
            .map_err(|_| silent("greeting"))?
            .map_err(|source| handshake_error(address, purpose, source))?;
        match Greeting::parse(bytes) {
            Some(Greeting::Welcome) => {}
            Some(Greeting::Refused {
                refusal,
                retry_after,
            }) => {
                return Err(DialError::Refused {
                    refusal,
                    retry_after,
                });
            }
            None => {
                return Err(DialError::NotAnAgentPort {
                    address: address.clone(),
                });
            }
        }
    }
    Ok(stream)
}

impl Purpose<'_> {
    fn alpn(self) -> &'static [u8] {
        match self {
            Self::Enrol { .. } | Self::Calls(_) => ALPN_CALLS,
            Self::Uplink(_) => ALPN_UPLINK,
        }
    }
}

fn config(purpose: Purpose<'_>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let (trust, identity) = match purpose {
        Purpose::Enrol { root_sha256 } => (Trust::RootHash(*root_sha256), None),
        Purpose::Calls(identity) | Purpose::Uplink(identity) => {
            (Trust::Roots(identity.roots.clone()), Some(identity))
        }
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier::new(trust, provider)));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            builder.with_client_auth_cert(vec![identity.certificate.clone()], identity.tls_key())?
        }
    };
    config.alpn_protocols = vec![purpose.alpn().to_vec()];
    // A ticket would let a revoked host skip the check of its certificate.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

fn handshake_error(address: &ServerAddress, purpose: Purpose<'_>, source: io::Error) -> DialError {
    let address = address.clone();
    match source
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::InvalidCertificate(_)) => match purpose {
            Purpose::Enrol { .. } => DialError::WrongRoot { address },
            Purpose::Calls(_) | Purpose::Uplink(_) => DialError::WrongServer { address },
        },
        Some(rustls::Error::NoApplicationProtocol)
        | Some(rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol)) => {
            DialError::NotAnAgentPort { address }
        }
        _ => DialError::Handshake { address, source },
    }
}

const CONNECT: Duration = Duration::from_secs(10);
/// Generous: when a whole fleet returns, the last one waits for seconds, and one
/// that gave up early would only come again.
const HANDSHAKE: Duration = Duration::from_secs(30);
