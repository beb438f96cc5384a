//! The public interface as a program sees it: over TLS, with an API key.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use keysteward_proto::{
    error::v1::ErrorDetail,
    server::v1::{
        self as wire, audit_client::AuditClient, audit_record::Record, cards_client::CardsClient,
        connections_client::ConnectionsClient, hosts_client::HostsClient,
        join_tokens_client::JoinTokensClient, operations_client::OperationsClient,
        system_client::SystemClient, templates_client::TemplatesClient,
        token_types_client::TokenTypesClient, tokens_client::TokensClient,
        users_client::UsersClient,
    },
};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Server},
};

use super::{access::Scope, auth::AuthLayer, *};
use crate::{
    attestation::Anchors,
    audit as record_of,
    fleet::FleetSettings,
    operation::{Connections, Parts, Settings},
    settings, store as rows,
    telemetry::Metrics,
};

mod access;
mod authorities;
mod cards;
mod issuing;
mod record;
mod tokens;

/// A server on a port of its own. Nobody is linked, and no operation is driven.
struct Bench {
    folder: tempfile::TempDir,
    rooms: Rooms,
    address: SocketAddr,
    root: String,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).await.unwrap();
        let keys = Arc::new(KeyStore::create(&folder.path().join("key")).unwrap());
        let clock = Clock::system();
        let fleet = Fleet::open(
            store.clone(),
            &keys,
            clock.clone(),
            FleetSettings::default(),
        )
        .await
        .unwrap();
        let connections = Arc::new(Connections::new(keys.clone(), store.clone(), clock.clone()));
        let engine = Engine::new(Parts {
            store: store.clone(),
            keys: keys.clone(),
            anchors: Anchors::default(),
            hosts: Arc::new(fleet.clone()),
            providers: connections.clone(),
            authorities: connections,
            clock: clock.clone(),
            settings: Settings::default(),
        });
        let rooms = Rooms {
            store: store.clone(),
            clock: clock.clone(),
            key_store: keys,
            fleet: fleet.clone(),
            engine,
            public_urls: vec![PublishUrl::parse("http://pki.example.com").unwrap()],
            stopping: CancellationToken::new(),
        };
        let settings = settings::Settings::parse("").unwrap();
        let tls = listener::tls(&settings.api, &fleet).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let auth = AuthLayer {
            store,
            clock,
            metrics: Metrics::new(),
        };
        tokio::spawn(
            Server::builder()
                .layer(auth)
                .add_routes(routes(&rooms).unwrap())
                .serve_with_incoming(listener::accept(socket, tls)),
        );
        let root = crate::command::init::roots(fleet.authority());
        Self {
            folder,
            rooms,
            address,
            root,
        }
    }

    /// A token that nobody has seen; not in the database yet.
    fn token(&self, model: &str, state: rows::token::State) -> rows::token::Token {
        rows::token::Token {
            id: rows::TokenId::new(),
            identity: None,
            serial: String::new(),
            model: model.into(),
            aaguid: [0; 16],
            is_virtual: true,
            token_type_id: None,
            state,
            needs_reset: false,
            user_id: None,
            template_id: None,
            host_id: None,
            presence_id: None,
            facts: rows::token::Facts::default(),
            last_seen_at: None,
            created_at: self.rooms.clock.now(),
        }
    }

    async fn channel(&self, root: &str) -> Result<Channel, tonic::transport::Error> {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root));
        Endpoint::from_shared(format!("https://{}", self.address))?
            .tls_config(tls)?
            .connect()
            .await
    }

    /// A connection whose every call carries a key with these scopes.
    async fn with(&self, scopes: &[Scope]) -> Caller {
        let now = self.rooms.clock.now();
        let name = format!("key {}", uuid::Uuid::new_v4());
        let hour = Duration::from_secs(3600);
        let (key, secret) = auth::new_key(&name, scopes, "test", hour, now);
        let mut tx = self.rooms.store.write().await.unwrap();
        rows::api_key::insert(&mut tx, &key).await.unwrap();
        tx.commit().await.unwrap();
        let bearer = format!("Bearer {}", secret.as_str()).parse().unwrap();
        let channel = self.channel(&self.root).await.unwrap();
        InterceptedService::new(channel, Bearer(bearer))
    }

    async fn admin(&self) -> Admin {
        let caller = self.with(&[Scope::Admin, Scope::Read]).await;
        Admin {
            types: TokenTypesClient::new(caller.clone()),
            connections: ConnectionsClient::new(caller.clone()),
            templates: TemplatesClient::new(caller),
        }
    }
}

/// Gives every call an API key.
#[derive(Clone)]
struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Caller = InterceptedService<Channel, Bearer>;

/// What is spoken with by who describes what issuing means.
struct Admin {
    types: TokenTypesClient<Caller>,
    connections: ConnectionsClient<Caller>,
    templates: TemplatesClient<Caller>,
}

fn detail(status: &Status) -> ErrorDetail {
    ErrorDetail::decode(status.details()).unwrap()
}

fn token_type(name: &str) -> wire::TokenType {
    wire::TokenType {
        name: name.into(),
        unrooted_attestation: vec!["self".into()],
        ..wire::TokenType::default()
    }
}

fn any_type() -> wire::CreateTokenTypeRequest {
    wire::CreateTokenTypeRequest {
        token_type: Some(token_type("any")),
        factory: None,
    }
}

fn connection() -> wire::CreateConnectionRequest {
    wire::CreateConnectionRequest {
        connection: Some(wire::Connection {
            name: "sta".into(),
            settings: Some(wire::connection::Settings::Sta(wire::Sta {
                rest_url: "https://127.0.0.1:9/api/v1/tenants/Q41RKXHPWU/".into(),
                tenant_code: "Q41RKXHPWU".into(),
                mapping_attribute: "mail".into(),
                rp_id: "example.com".into(),
                rp_name: "Example".into(),
                origin: "https://example.com".into(),
                trusted_roots: String::new(),
            })),
            ..wire::Connection::default()
        }),
        api_key: "sta-secret-of-ours".into(),
        ..wire::CreateConnectionRequest::default()
    }
}

fn template() -> wire::Template {
    wire::Template {
        name: "staff".into(),
        connection: "sta".into(),
        token_types: vec!["any".into()],
        resident_key: true,
        display_name: "{model}".into(),
        pin: Some(wire::PinPolicy {
            length: 6,
            ..wire::PinPolicy::default()
        }),
        ..wire::Template::default()
    }
}
