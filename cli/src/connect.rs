//! Channels: TLS to the central server, a local socket to an agent.

use std::{fs, path::Path, time::Duration};

use keysteward_proto::{
    agent::v1 as agent,
    server::v1::{
        api_keys_client::ApiKeysClient, audit_client::AuditClient, cards_client::CardsClient,
        connections_client::ConnectionsClient, hosts_client::HostsClient,
        join_tokens_client::JoinTokensClient, operations_client::OperationsClient,
        pins_client::PinsClient, system_client::SystemClient, templates_client::TemplatesClient,
        token_types_client::TokenTypesClient, tokens_client::TokensClient,
        users_client::UsersClient,
    },
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use crate::{
    failure::{Failure, Result},
    profile::Profile,
    secret_input,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Puts the API key on every call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> std::result::Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Calls = InterceptedService<Channel, Bearer>;

/// The central server: a client per service.
#[derive(Clone)]
pub(crate) struct Server {
    calls: Calls,
    pub(crate) address: String,
}

macro_rules! clients {
    ($($name:ident: $client:ident),* $(,)?) => {
        impl Server {$(
            pub(crate) fn $name(&self) -> $client<Calls> {
                $client::new(self.calls.clone())
            }
        )*}
    };
}

clients! {
    hosts: HostsClient,
    join_tokens: JoinTokensClient,
    tokens: TokensClient,
    token_types: TokenTypesClient,
    users: UsersClient,
    connections: ConnectionsClient,
    templates: TemplatesClient,
    operations: OperationsClient,
    pins: PinsClient,
    cards: CardsClient,
    audit: AuditClient,
    api_keys: ApiKeysClient,
    system: SystemClient,
}

impl Server {
    /// # Errors
    /// A profile that lacks something, or a server that does not answer.
    pub(crate) async fn connect(profile: &Profile) -> Result<Self> {
        const SET: &str = "set it by flag, environment or profile file";
        let missing = |field: &str, allowed: &str| {
            Failure::wrong(field, "nothing", format!("{allowed}; {SET}"))
        };
        let address = profile
            .server
            .clone()
            .ok_or_else(|| missing("--server", "https://HOST:PORT"))?;
        if !address.starts_with("https://") {
            return Err(Failure::wrong("--server", address, "https://HOST:PORT"));
        }
        let root = profile
            .trusted_root
            .as_deref()
            .ok_or_else(|| missing("--trusted-root", "a PEM file"))?;
        let key_file = profile
            .api_key_file
            .as_deref()
            .ok_or_else(|| missing("--api-key-file", "a file with an API key"))?;
        let pem = fs::read(root).map_err(Failure::file(root))?;
        let bearer = bearer(key_file)?;
        let endpoint = Endpoint::from_shared(address.clone())
            .map_err(|_| Failure::wrong("--server", address.clone(), "https://HOST:PORT"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
            .map_err(|error| {
                Failure::wrong("--trusted-root", deepest(&error), "PEM certificates")
            })?;
        let channel = endpoint
            .connect()
            .await
            .map_err(|error| Failure::Unreachable {
                address: address.clone(),
                why: deepest(&error),
            })?;
        Ok(Self::over(channel, bearer, address))
    }

    fn over(channel: Channel, bearer: Bearer, address: String) -> Self {
        Self {
            calls: InterceptedService::new(channel, bearer),
            address,
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(channel: Channel) -> Self {
        Self::over(
            channel,
            Bearer(MetadataValue::from_static("Bearer test")),
            "test".into(),
        )
    }
}

fn bearer(key_file: &Path) -> Result<Bearer> {
    let key = secret_input::required(Some(key_file), "API key")?;
    let mut value: MetadataValue<Ascii> = format!("Bearer {}", key.as_str())
        .parse()
        .map_err(|_| Failure::wrong("--api-key-file", "bytes that no API key has", "an API key"))?;
    value.set_sensitive(true);
    Ok(Bearer(value))
}

/// An agent on this machine.
#[derive(Clone)]
pub(crate) struct Agent(Channel);

impl Agent {
    /// # Errors
    /// Nobody listens at the socket, or this user may not open it.
    #[cfg(unix)]
    pub(crate) async fn connect(path: &Path) -> Result<Self> {
        use hyper_util::rt::TokioIo;
        let socket = path.to_owned();
        // The URI is never resolved: the connector below opens the socket.
        let channel = Endpoint::from_static("http://agent.local")
            .connect_timeout(CONNECT_TIMEOUT)
            .connect_with_connector(tower::service_fn(move |_: http::Uri| {
                let socket = socket.clone();
                async move {
                    tokio::net::UnixStream::connect(socket)
                        .await
                        .map(TokioIo::new)
                }
            }))
            .await
            .map_err(|error| Failure::Unreachable {
                address: path.display().to_string(),
                why: deepest(&error),
            })?;
        Ok(Self(channel))
    }

    /// # Errors
    /// Always: an agent's local socket is a Unix socket.
    #[cfg(not(unix))]
    pub(crate) async fn connect(path: &Path) -> Result<Self> {
        Err(Failure::wrong(
            "--agent",
            path.display().to_string(),
            "nothing on this operating system: work through the server",
        ))
    }

    #[cfg(test)]
    pub(crate) fn for_test(channel: Channel) -> Self {
        Self(channel)
    }

    pub(crate) fn tokens(&self) -> agent::tokens_client::TokensClient<Channel> {
        agent::tokens_client::TokensClient::new(self.0.clone())
    }

    pub(crate) fn fido(&self) -> agent::fido_client::FidoClient<Channel> {
        agent::fido_client::FidoClient::new(self.0.clone())
    }

    pub(crate) fn cards(&self) -> agent::cards_client::CardsClient<Channel> {
        agent::cards_client::CardsClient::new(self.0.clone())
    }

    pub(crate) fn journal(&self) -> agent::journal_client::JournalClient<Channel> {
        agent::journal_client::JournalClient::new(self.0.clone())
    }

    pub(crate) fn host(&self) -> agent::host_client::HostClient<Channel> {
        agent::host_client::HostClient::new(self.0.clone())
    }
}

/// The transport's own words are "transport error"; what happened is at the end of its chain.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
