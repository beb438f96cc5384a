//! The agent port towards those who are not agents, or not good ones.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use keysteward_proto::uplink::{ALPN_CALLS, ALPN_UPLINK};
use keysteward_server::fleet::FleetSettings;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::server::{SOON, Server};

/// Takes any server: here it is the server that must be careful.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A certificate that another authority signed, with everything else right.
fn foreign(server: &Server) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let uri = keysteward_proto::uplink::agent_uri(
        server.fleet.authority().server(),
        keysteward_server::store::HostId::new(),
    );
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    (certificate.der().clone(), key)
}

type Presented = Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>;

async fn connect(
    server: &Server,
    alpn: &[u8],
    identity: Presented,
) -> std::io::Result<TlsStream<TcpStream>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(vec![certificate], key)
            .unwrap(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
}

/// Shakes hands, and reads what the server has to say to that.
async fn shake_hands(
    server: &Server,
    alpn: &[u8],
    identity: Presented,
) -> Result<Vec<u8>, AlertDescription> {
    let read = async {
        let mut stream = connect(server, alpn, identity).await?;
        let mut said = vec![0; 8];
        stream.read_exact(&mut said).await?;
        Ok::<_, std::io::Error>(said)
    };
    tokio::time::timeout(SOON, read)
        .await
        .unwrap()
        .map_err(|error| {
            let inner = error.into_inner().expect("an alert says why");
            match inner.downcast_ref::<rustls::Error>() {
                Some(rustls::Error::AlertReceived(alert)) => *alert,
                other => panic!("not an alert: {other:?}"),
            }
        })
}

#[tokio::test]
async fn an_uplink_without_a_certificate_ends_in_the_handshake() {
    let server = Server::start(FleetSettings::default()).await;
    let end = shake_hands(&server, ALPN_UPLINK, None).await;
    assert_eq!(end.unwrap_err(), AlertDescription::CertificateRequired);
}

#[tokio::test]
async fn a_certificate_of_another_authority_ends_in_the_handshake() {
    let server = Server::start(FleetSettings::default()).await;
    for alpn in [ALPN_UPLINK, ALPN_CALLS] {
        let end = shake_hands(&server, alpn, Some(foreign(&server))).await;
        assert_eq!(end.unwrap_err(), AlertDescription::UnknownCA);
    }
}

#[tokio::test]
async fn somebody_who_speaks_another_protocol_ends_in_the_handshake() {
    let server = Server::start(FleetSettings::default()).await;
    let end = shake_hands(&server, b"http/1.1", None).await;
    assert_eq!(end.unwrap_err(), AlertDescription::NoApplicationProtocol);
}

/// How long the server keeps a connection on which nothing is said.
async fn kept(server: &Server) -> Duration {
    let since = Instant::now();
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut said = [0; 64];
    let read = silent.read(&mut said);
    // Closed, or reset: either way it is over.
    let _ = tokio::time::timeout(SOON, read)
        .await
        .expect("it is kept for ever");
    since.elapsed()
}

#[tokio::test]
async fn somebody_who_says_nothing_is_closed_after_a_while() {
    let settings = FleetSettings {
        handshake_timeout: Duration::from_millis(300),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let kept = kept(&server).await;
    assert!(kept >= Duration::from_millis(250), "{kept:?}");
}

#[tokio::test]
async fn when_too_many_wait_the_next_one_is_closed_at_once() {
    let settings = FleetSettings {
        max_waiting: 2,
        ..FleetSettings::default()
    };
    let patience = settings.handshake_timeout;
    let server = Server::start(settings).await;
    let waiting = [
        TcpStream::connect(server.address).await.unwrap(),
        TcpStream::connect(server.address).await.unwrap(),
    ];
    let turned_away = kept(&server).await;
    assert!(turned_away < patience / 2, "{turned_away:?}");
    // Places are given back.
    drop(waiting);
    server.machine().await;
}

/// Begins a handshake, and never goes on with it.
async fn dawdler(server: &Server) -> TcpStream {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).unwrap();
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tcp.write_all(&hello).await.unwrap();
    // The server's answer: it has begun.
    tcp.readable().await.unwrap();
    tcp
}

#[tokio::test]
async fn who_dawdles_in_a_handshake_holds_up_the_others_for_a_while_and_no_longer() {
    let patience = Duration::from_millis(700);
    let settings = FleetSettings {
        max_handshakes: 1,
        handshake_timeout: patience,
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let since = Instant::now();
    let _dawdler = dawdler(&server).await;
    server.machine().await;
    let waited = since.elapsed();
    assert!(
        waited >= patience - Duration::from_millis(100),
        "{waited:?}"
    );
}

#[tokio::test]
async fn a_connection_for_calls_does_not_stay_open_for_ever() {
    let settings = FleetSettings {
        call_connection_life: Duration::from_millis(300),
        ..FleetSettings::default()
    };
    let server = Server::start(settings).await;
    let mut stream = connect(&server, ALPN_CALLS, None).await.unwrap();
    let mut said = Vec::new();
    let read = stream.read_to_end(&mut said);
    let _ = tokio::time::timeout(SOON, read).await.expect("it is open");
}
