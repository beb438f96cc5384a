//! The public interface as a program sees it: over TLS, with an API key.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use keysteward_proto::{
    error::v1::ErrorDetail,
    server::v1::{
        self as wire, audit_client::AuditClient, audit_record::Record,
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
    service::interceptor::InterceptedService,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Server},
};

use super::{access::Scope, auth::AuthLayer, *};
use crate::{
    audit as record_of,
    fleet::FleetSettings,
    operation::{Connections, Parts, Settings},
    settings, store as rows,
    telemetry::Metrics,
};

type Key = MetadataValue<Ascii>;

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
        let engine = Engine::new(Parts {
            store: store.clone(),
            keys: keys.clone(),
            hosts: Arc::new(fleet.clone()),
            providers: Arc::new(Connections::new(keys.clone())),
            clock: clock.clone(),
            settings: Settings::default(),
        });
        let rooms = Rooms {
            store: store.clone(),
            clock: clock.clone(),
            key_store: keys,
            fleet: fleet.clone(),
            engine,
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

    async fn channel(&self, root: &str) -> Result<Channel, tonic::transport::Error> {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root));
        Endpoint::from_shared(format!("https://{}", self.address))?
            .tls_config(tls)?
            .connect()
            .await
    }

    /// A connection whose every call carries a key with these scopes.
    async fn with(
        &self,
        scopes: &[Scope],
    ) -> InterceptedService<Channel, impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone>
    {
        let now = self.rooms.clock.now();
        let name = format!("key {}", uuid::Uuid::new_v4());
        let hour = Duration::from_secs(3600);
        let (key, secret) = auth::new_key(&name, scopes, "test", hour, now);
        let mut tx = self.rooms.store.write().await.unwrap();
        rows::api_key::insert(&mut tx, &key).await.unwrap();
        tx.commit().await.unwrap();
        let bearer: Key = format!("Bearer {}", secret.as_str()).parse().unwrap();
        let channel = self.channel(&self.root).await.unwrap();
        InterceptedService::new(channel, move |mut request: Request<()>| {
            request
                .metadata_mut()
                .insert("authorization", bearer.clone());
            Ok(request)
        })
    }
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

#[tokio::test]
async fn a_client_that_trusts_another_root_does_not_connect() {
    let (bench, other) = (Bench::new().await, Bench::new().await);
    assert!(bench.channel(&bench.root).await.is_ok());
    assert!(bench.channel(&other.root).await.is_err());
}

#[tokio::test]
async fn a_call_goes_through_with_the_scope_and_not_without() {
    let bench = Bench::new().await;
    let mut reader = SystemClient::new(bench.with(&[Scope::Read]).await);
    let status = reader.get_status(wire::GetStatusRequest {}).await.unwrap();
    assert!(!status.get_ref().server_id.is_empty());

    let mut issuer = SystemClient::new(bench.with(&[Scope::Issue]).await);
    let refused = issuer
        .get_status(wire::GetStatusRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let nobody = bench.channel(&bench.root).await.unwrap();
    let refused = SystemClient::new(nobody)
        .get_status(wire::GetStatusRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn who_may_issue_may_not_touch_pins() {
    let bench = Bench::new().await;
    let now = bench.rooms.clock.now();
    let token = rows::token::Token {
        id: rows::TokenId::new(),
        identity: None,
        serial: "5001".into(),
        model: "key".into(),
        aaguid: [0; 16],
        is_virtual: true,
        token_type_id: None,
        state: rows::token::State::Active,
        needs_reset: false,
        user_id: None,
        template_id: None,
        host_id: None,
        facts: rows::token::Facts::default(),
        last_seen_at: None,
        created_at: now,
    };
    let mut tx = bench.rooms.store.write().await.unwrap();
    rows::token::insert(&mut tx, &token).await.unwrap();
    tx.commit().await.unwrap();
    let start = |kind| wire::StartOperationRequest {
        kind: Some(kind),
        ..wire::StartOperationRequest::default()
    };
    let hand_over = start(wire::start_operation_request::Kind::HandOverPin(
        wire::HandOverPin {
            token: "5001".into(),
            new_pin: String::new(),
        },
    ));
    let suspend = start(wire::start_operation_request::Kind::Suspend(
        wire::Suspend {
            token: "5001".into(),
        },
    ));
    let mut issuer = OperationsClient::new(bench.with(&[Scope::Issue]).await);
    let mut pins = OperationsClient::new(bench.with(&[Scope::Pins]).await);
    let refused = issuer.start(hand_over.clone()).await.unwrap_err();
    assert_eq!(detail(&refused).reason, "SCOPE_MISSING");
    let refused = pins.start(suspend).await.unwrap_err();
    assert_eq!(detail(&refused).reason, "SCOPE_MISSING");
    // With the scope, the token's life decides.
    let refused = pins.start(hand_over).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    assert_ne!(detail(&refused).reason, "SCOPE_MISSING");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named_and_leaves_no_trace() {
    let bench = Bench::new().await;
    let admin = bench.with(&[Scope::Admin, Scope::Read]).await;
    let mut types = TokenTypesClient::new(admin.clone());
    let cases: [(fn(&mut wire::TokenType), &str); 6] = [
        (|t| t.name.clear(), "token_type.name"),
        (|t| t.aaguids = vec!["x".into()], "token_type.aaguids"),
        (
            |t| t.attestation_roots = vec!["PEM".into()],
            "token_type.attestation_roots",
        ),
        (
            |t| t.unrooted_attestation.clear(),
            "token_type.attestation_roots",
        ),
        (
            |t| t.unrooted_attestation = vec!["some".into()],
            "token_type.unrooted_attestation",
        ),
        (
            |t| t.registration = "later".into(),
            "token_type.registration",
        ),
    ];
    for (spoil, field) in cases {
        let mut wrong = token_type("any");
        spoil(&mut wrong);
        let request = wire::CreateTokenTypeRequest {
            token_type: Some(wrong),
        };
        let refused = types.create(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let detail = detail(&refused);
        assert_eq!(detail.field, field);
        assert!(!detail.allowed.is_empty(), "{detail:?}");
    }
    let listed = types.list(wire::ListTokenTypesRequest {}).await.unwrap();
    assert!(listed.get_ref().token_types.is_empty());
    let mut read = bench.rooms.store.read().await.unwrap();
    assert_eq!(rows::audit::head(&mut read).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_used_is_not_deleted_and_names_are_unique() {
    let bench = Bench::new().await;
    let admin = bench.with(&[Scope::Admin, Scope::Read]).await;
    let mut types = TokenTypesClient::new(admin.clone());
    let mut connections = ConnectionsClient::new(admin.clone());
    let mut templates = TemplatesClient::new(admin);
    let request = wire::CreateTokenTypeRequest {
        token_type: Some(token_type("any")),
    };
    types.create(request.clone()).await.unwrap();
    let refused = types.create(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);

    connections.create(connection()).await.unwrap();
    let create = wire::CreateTemplateRequest {
        template: Some(template()),
    };
    let made = templates.create(create).await.unwrap().into_inner();
    assert_eq!(
        (made.connection.as_str(), made.algorithms),
        ("sta", vec![-7])
    );
    assert_eq!(made.token_types, ["any"]);
    assert_eq!(made.pin.unwrap().custody, "hand-over");

    let delete_type = wire::DeleteTokenTypeRequest {
        token_type: "any".into(),
    };
    let refused = types.delete(delete_type.clone()).await.unwrap_err();
    assert!(detail(&refused).found.contains("staff"), "{refused:?}");
    let delete_connection = wire::DeleteConnectionRequest {
        connection: "STA".into(),
    };
    let refused = connections
        .delete(delete_connection.clone())
        .await
        .unwrap_err();
    assert_eq!(detail(&refused).reason, "STILL_USED");

    let delete_template = wire::DeleteTemplateRequest { template: made.id };
    templates.delete(delete_template).await.unwrap();
    types.delete(delete_type).await.unwrap();
    connections.delete(delete_connection).await.unwrap();
}

#[tokio::test]
async fn a_connection_never_shows_its_secret_and_the_database_does_not_hold_it_in_clear() {
    let bench = Bench::new().await;
    let mut connections = ConnectionsClient::new(bench.with(&[Scope::Admin, Scope::Read]).await);
    let made = connections.create(connection()).await.unwrap().into_inner();
    assert!(!format!("{made:?}").contains("sta-secret-of-ours"));
    let checked = connections
        .check(wire::CheckConnectionRequest {
            connection: "sta".into(),
        })
        .await
        .unwrap()
        .into_inner();
    // Port 9 answers nobody.
    assert!(!checked.ok && !checked.findings.is_empty());
    let shown = connections
        .get(wire::GetConnectionRequest {
            connection: made.id,
        })
        .await
        .unwrap()
        .into_inner();
    assert!(shown.checked_at_us > 0 && !shown.check_error.is_empty());
    bench.rooms.store.close().await;
    for file in std::fs::read_dir(bench.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let secret = b"sta-secret-of-ours";
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn an_import_is_all_rows_or_none_and_a_dry_run_is_none() {
    let bench = Bench::new().await;
    let mut users = UsersClient::new(bench.with(&[Scope::Issue, Scope::Read]).await);
    let row = |name: &str| wire::User {
        user_name: name.into(),
        mail: format!("{name}@example.com"),
        given_name: "G".into(),
        sn: "S".into(),
        ..wire::User::default()
    };
    let request = |rows: Vec<wire::User>, dry_run| wire::ImportUsersRequest {
        users: rows,
        dry_run,
    };
    let mut wrong = row("bob");
    wrong.mail.clear();
    let refused = users
        .import(request(vec![row("alice"), wrong], false))
        .await
        .unwrap_err();
    assert_eq!(detail(&refused).field, "users[1].mail");
    let done = users
        .import(request(vec![row("alice"), row("bob")], true))
        .await
        .unwrap();
    assert_eq!(done.get_ref().created, 2);
    let all = wire::ListUsersRequest::default();
    assert!(
        users
            .list(all.clone())
            .await
            .unwrap()
            .get_ref()
            .users
            .is_empty()
    );

    users
        .import(request(vec![row("alice"), row("bob")], false))
        .await
        .unwrap();
    let mut changed = row("ALICE");
    changed.sn = "T".into();
    let done = users
        .import(request(vec![changed, row("bob")], false))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.created, done.updated, done.unchanged), (0, 1, 1));
    let by_mail = users
        .get(wire::GetUserRequest {
            user: "bob@example.com".into(),
        })
        .await
        .unwrap();
    assert_eq!(by_mail.get_ref().user_name, "bob");
    let first = users
        .list(wire::ListUsersRequest {
            page_size: 1,
            ..all.clone()
        })
        .await
        .unwrap()
        .into_inner();
    let rest = users
        .list(wire::ListUsersRequest {
            page_token: first.next_page_token,
            ..all
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (
            first.users.len(),
            rest.users.len(),
            rest.next_page_token.as_str()
        ),
        (1, 1, "")
    );
}

#[tokio::test]
async fn an_export_is_the_whole_chain_and_verifies() {
    let bench = Bench::new().await;
    let mut join_tokens = JoinTokensClient::new(bench.with(&[Scope::Hosts]).await);
    let request = wire::CreateJoinTokenRequest::default();
    let made = join_tokens
        .create(request.clone())
        .await
        .unwrap()
        .into_inner();
    let secret = made.secret;
    join_tokens.create(request).await.unwrap();
    join_tokens
        .revoke(wire::RevokeJoinTokenRequest {
            id: made.join_token.unwrap().id,
        })
        .await
        .unwrap();
    let mut tx = bench.rooms.store.write().await.unwrap();
    let key = bench.rooms.key_store.signing_key();
    record_of::checkpoint::sign_head(&mut tx, key, 1, bench.rooms.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut audit = AuditClient::new(bench.with(&[Scope::Audit]).await);
    let exported = audit
        .export(wire::ExportAuditRequest::default())
        .await
        .unwrap();
    let records: Vec<_> = exported.into_inner().collect().await;
    let mut lines = Vec::new();
    for record in records {
        let line = match record.unwrap().record.unwrap() {
            Record::Entry(entry) => serde_json::json!({"entry": {
                "seq": entry.seq, "at_us": entry.at_us, "actor": entry.actor, "verb": entry.verb,
                "object": entry.object, "operation_id": entry.operation_id,
                "outcome": entry.outcome, "facts": entry.facts,
                "prev_hash": hex::encode(entry.prev_hash), "hash": hex::encode(entry.hash),
            }}),
            Record::Checkpoint(seen) => serde_json::json!({"checkpoint": {
                "seq": seen.seq, "hash": hex::encode(seen.hash), "signed_at_us": seen.signed_at_us,
                "signature": hex::encode(seen.signature),
                "public_key": hex::encode(seen.public_key),
            }}),
        };
        lines.push(line.to_string());
    }
    let verified = record_of::verify(lines.iter().map(String::as_str), &[]).unwrap();
    assert_eq!(
        (verified.entries, verified.last_checkpoint.unwrap().seq),
        (3, 3)
    );
    assert!(!lines.iter().any(|line| line.contains(&secret)));
}

#[tokio::test]
async fn what_is_not_there_is_named_by_every_service() {
    let bench = Bench::new().await;
    let reader = bench.with(&[Scope::Read]).await;
    let nix = || "nix".to_owned();
    let refusals = [
        HostsClient::new(reader.clone())
            .get(wire::GetHostRequest { host: nix() })
            .await
            .unwrap_err(),
        TokensClient::new(reader.clone())
            .get(wire::GetTokenRequest { token: nix() })
            .await
            .unwrap_err(),
        UsersClient::new(reader.clone())
            .get(wire::GetUserRequest { user: nix() })
            .await
            .unwrap_err(),
        TemplatesClient::new(reader.clone())
            .get(wire::GetTemplateRequest { template: nix() })
            .await
            .unwrap_err(),
        OperationsClient::new(reader)
            .get(wire::GetOperationRequest { operation: nix() })
            .await
            .unwrap_err(),
    ];
    let fields = ["host", "token", "user", "template", "operation"];
    for (refused, field) in refusals.iter().zip(fields) {
        let detail = detail(refused);
        assert_eq!(
            (refused.code(), detail.field.as_str(), detail.found.as_str()),
            (Code::NotFound, field, "nix")
        );
    }
}

#[tokio::test]
async fn health_is_open_and_a_method_that_is_not_there_says_so() {
    let bench = Bench::new().await;
    let channel = bench.channel(&bench.root).await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest {
        service: String::new(),
    };
    let answer = health.check(request).await.unwrap();
    assert_eq!(
        answer.get_ref().status(),
        tonic_health::pb::health_check_response::ServingStatus::Serving
    );
    // A service of agents is none of the server's.
    let channel = bench.channel(&bench.root).await.unwrap();
    let refused = keysteward_proto::agent::v1::tokens_client::TokensClient::new(channel)
        .list(keysteward_proto::agent::v1::ListRequest {})
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}
