//! An operator's program: the public gRPC API without a process for each call.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use keysteward_proto::server::v1::{
    CreateJoinTokenRequest, GetTokenRequest, Operation, StartOperationRequest,
    WatchOperationRequest, join_tokens_client::JoinTokensClient, operation_event,
    operations_client::OperationsClient, start_operation_request::Kind,
    tokens_client::TokensClient,
};
use serde::Deserialize;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

/// Calls of one API key.
#[derive(Clone, Debug)]
pub struct Operator {
    calls: InterceptedService<Channel, Bearer>,
}

#[derive(Clone, Debug)]
struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let key = self.0.clone();
        request.metadata_mut().insert("authorization", key);
        Ok(request)
    }
}

/// `cli.toml`, as `keysteward-server init` writes it.
#[derive(Deserialize)]
struct Profile {
    server: String,
    api_key_file: String,
    trusted_root: String,
}

impl Operator {
    /// Signs in with the profile at `path`.
    pub async fn connect(path: &Path) -> Result<Self> {
        let profile: Profile = toml::from_str(&fs::read_to_string(path)?)?;
        let folder = path.parent().context("a profile in no folder")?;
        let key = fs::read_to_string(folder.join(profile.api_key_file))?;
        let mut bearer: MetadataValue<Ascii> = format!("Bearer {}", key.trim()).parse()?;
        bearer.set_sensitive(true);
        let root = Certificate::from_pem(fs::read(folder.join(profile.trusted_root))?);
        let channel = Endpoint::from_shared(profile.server)?
            .tls_config(ClientTlsConfig::new().ca_certificate(root))?
            .connect()
            .await?;
        Ok(Self {
            calls: InterceptedService::new(channel, Bearer(bearer)),
        })
    }

    /// As many join tokens of one use each; their secrets.
    pub async fn join_tokens(&self, count: u32) -> Result<Vec<String>> {
        stream::iter(0..count)
            .map(|_| async {
                let request = CreateJoinTokenRequest {
                    group: "bench".into(),
                    ..CreateJoinTokenRequest::default()
                };
                let mut client = JoinTokensClient::new(self.calls.clone());
                anyhow::Ok(client.create(request).await?.into_inner().secret)
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Waits until a token is registered.
    pub async fn wait_until_registered(&self, token: &str) -> Result<()> {
        let mut client = TokensClient::new(self.calls.clone());
        for _ in 0..REGISTERED_WITHIN.as_millis() / PAUSE.as_millis() {
            let request = GetTokenRequest {
                token: token.to_owned(),
            };
            let detail = client.get(request).await?.into_inner();
            if detail
                .token
                .is_some_and(|token| token.state == "registered")
            {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("token {token} was not registered within {REGISTERED_WITHIN:?}")
    }

    /// Starts an operation and watches it to its end, which must be good.
    pub async fn operate(&self, kind: Kind) -> Result<Operation> {
        let mut client = OperationsClient::new(self.calls.clone());
        let request = StartOperationRequest {
            kind: Some(kind),
            ..StartOperationRequest::default()
        };
        let started = client.start(request).await?.into_inner();
        let request = WatchOperationRequest {
            operation: started.id,
        };
        let mut events = client.watch(request).await?.into_inner();
        let mut last = None;
        while let Some(event) = events.message().await? {
            if let Some(operation_event::Event::Operation(operation)) = event.event {
                last = Some(operation);
            }
        }
        let last = last.context("the watch of an operation ended without a word")?;
        if last.state != "succeeded" {
            bail!(
                "an operation {} is {}: {}",
                last.kind,
                last.state,
                last.remark
            );
        }
        Ok(last)
    }
}

const AT_ONCE: usize = 16;
const PAUSE: Duration = Duration::from_millis(10);
const REGISTERED_WITHIN: Duration = Duration::from_secs(10);
