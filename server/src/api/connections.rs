//! `server.v1.Connections`

use jiff::Timestamp;
use keysteward_proto::server::v1::{self as wire, connections_server};
use serde_json::json;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{Rooms, auth::Caller, authorities, names, record::record, refusal::Refusal};
use crate::{
    connector::{
        ApiKey,
        ca::{self, Secret},
        idp::{Settings, sta},
    },
    key_store::Context,
    lifecycle::check_name,
    operation,
    store::{self, ConnectionId, connection::Connection},
};

pub(super) struct Connections(pub(super) Rooms);

#[tonic::async_trait]
impl connections_server::Connections for Connections {
    async fn create(
        &self,
        request: Request<wire::CreateConnectionRequest>,
    ) -> Result<Response<wire::Connection>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        let api_key = Zeroizing::new(request.api_key);
        let pkcs12 = Zeroizing::new(request.pkcs12);
        let password = Zeroizing::new(request.pkcs12_password);
        let new = request.connection.unwrap_or_default();
        check_name("connection.name", &new.name)?;
        let now = self.0.clock.now();
        let id = ConnectionId::new();
        let time = Timestamp::from_microsecond(now.0).unwrap_or(Timestamp::MAX);
        let given = authorities::credential(api_key.clone(), pkcs12, password)?;
        let mut published = None;
        let authority = new
            .settings
            .as_ref()
            .and_then(|settings| authorities::parse(settings, given, time));
        // Every setting is checked by whoever will use it; nobody is spoken to.
        let kind = kind_of(new.settings.as_ref());
        let wrong = |error| Refusal::setting(kind, error);
        let (kind, settings, secret) = match authority {
            Some(made) => {
                let (settings, secret) = made.map_err(wrong)?;
                let rooms = (&self.0.store, &self.0.clock, id);
                let connected =
                    operation::providers::connect(&settings, &secret, rooms).map_err(wrong)?;
                published = connected.publisher.map(|publisher| publisher.url().clone());
                let bytes = Zeroizing::new(secret.expose().to_vec());
                (settings.kind(), json!(settings), bytes)
            }
            None => {
                let settings = parse(new.settings)?;
                let key = ApiKey::parse(&api_key).map_err(wrong)?;
                settings.connect(key).map_err(wrong)?;
                let bytes = Zeroizing::new(api_key.trim().as_bytes().to_vec());
                (settings.kind(), json!(settings), bytes)
            }
        };
        let row = Connection {
            id,
            name: new.name,
            kind: kind.to_owned(),
            settings: settings.to_string(),
            sealed_secret: self.0.key_store.seal(
                Context {
                    table: "connection",
                    id: &id.to_string(),
                    kind: "api-key",
                },
                &secret,
            ),
            checked_at: None,
            check_error: None,
            created_at: now,
        };
        let mut tx = self.0.store.write().await?;
        if let Some(url) = published {
            url.check(&self.0.public_urls).map_err(wrong)?;
            let others = operation::published::urls(&mut tx).await?;
            url.check_alone(&others).map_err(wrong)?;
        }
        store::connection::insert(&mut tx, &row).await?;
        let facts = [("name", json!(row.name)), ("settings", settings)];
        let object = format!("connection:{id}");
        record(&mut tx, &caller, now, "connection.create", object, facts).await?;
        tx.commit().await?;
        Ok(Response::new(to_wire(row)?))
    }

    async fn list(
        &self,
        _: Request<wire::ListConnectionsRequest>,
    ) -> Result<Response<wire::ListConnectionsResponse>, Status> {
        let found = store::connection::list(&mut self.0.store.read().await?).await?;
        let connections = found.into_iter().map(to_wire).collect::<Result<_, _>>()?;
        Ok(Response::new(wire::ListConnectionsResponse { connections }))
    }

    async fn get(
        &self,
        request: Request<wire::GetConnectionRequest>,
    ) -> Result<Response<wire::Connection>, Status> {
        let mut read = self.0.store.read().await?;
        let row = names::connection(&mut read, &request.get_ref().connection).await?;
        Ok(Response::new(to_wire(row)?))
    }

    async fn check(
        &self,
        request: Request<wire::CheckConnectionRequest>,
    ) -> Result<Response<wire::CheckConnectionResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let mut read = self.0.store.read().await?;
        let row = names::connection(&mut read, &request.get_ref().connection).await?;
        // No snapshot is held while somebody else's server thinks.
        drop(read);
        let id = row.id.to_string();
        let context = Context {
            table: "connection",
            id: &id,
            kind: "api-key",
        };
        let secret = self.0.key_store.open(context, &row.sealed_secret)?;
        if let Some(settings) = authority_of(&row) {
            let rooms = (&self.0.store, &self.0.clock, row.id);
            let connected = operation::providers::connect(&settings, &Secret::new(secret), rooms)
                .map_err(|error| Refusal::setting(&row.kind, error))?;
            let (error, answer) = authorities::check(&*connected.authority).await;
            self.checked(&caller, &row, error.as_deref()).await?;
            return Ok(Response::new(answer));
        }
        let text = core::str::from_utf8(&secret).map_err(|_| store::Error::Corrupt {
            column: "sealed_secret",
        })?;
        let wrong = |error| Refusal::setting(&row.kind, error);
        let key = ApiKey::parse(text).map_err(wrong)?;
        let provider = settings_of(&row)?.connect(key).map_err(wrong)?;
        let findings = provider.check().await;
        let ok = findings.iter().all(|finding| finding.ok);
        let error = findings
            .iter()
            .find(|finding| !finding.ok)
            .map(|f| f.text.as_str());
        self.checked(&caller, &row, error).await?;
        Ok(Response::new(wire::CheckConnectionResponse {
            ok,
            profiles: Vec::new(),
            findings: findings.into_iter().map(|finding| finding.text).collect(),
        }))
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteConnectionRequest>,
    ) -> Result<Response<wire::DeleteConnectionResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let row = names::connection(&mut tx, &request.get_ref().connection).await?;
        store::connection::delete(&mut tx, row.id).await?;
        let facts = [("name", json!(row.name))];
        let object = format!("connection:{}", row.id);
        record(&mut tx, &caller, now, "connection.delete", object, facts).await?;
        tx.commit().await?;
        Ok(Response::new(wire::DeleteConnectionResponse {}))
    }
}

impl Connections {
    /// Writes down how a check went.
    async fn checked(
        &self,
        caller: &Caller,
        row: &Connection,
        error: Option<&str>,
    ) -> Result<(), Status> {
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        store::connection::set_checked(&mut tx, row.id, error, now).await?;
        let facts = [("name", json!(row.name)), ("ok", json!(error.is_none()))];
        let object = format!("connection:{}", row.id);
        record(&mut tx, caller, now, "connection.check", object, facts).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn parse(settings: Option<wire::connection::Settings>) -> Result<Settings, Refusal> {
    match settings {
        Some(wire::connection::Settings::Sta(sta)) => Ok(Settings::Sta(sta::Settings {
            rest_url: sta.rest_url,
            tenant_code: sta.tenant_code,
            mapping_attribute: sta.mapping_attribute,
            rp_id: sta.rp_id,
            rp_name: sta.rp_name,
            origin: sta.origin,
            trusted_roots: sta.trusted_roots,
        })),
        _ => Err(Refusal::field(
            "connection.settings",
            "nothing",
            "sta, builtin_ca, entrust_ca_gateway or cfssl",
        )),
    }
}

/// As the rows of connections say it.
fn kind_of(settings: Option<&wire::connection::Settings>) -> &'static str {
    match settings {
        Some(wire::connection::Settings::BuiltinCa(_)) => ca::Settings::BUILTIN,
        Some(wire::connection::Settings::EntrustCaGateway(_)) => "entrust-ca-gateway",
        Some(wire::connection::Settings::Cfssl(_)) => "cfssl",
        Some(wire::connection::Settings::Sta(_)) | None => "sta",
    }
}

/// None: it is of another kind.
fn authority_of(row: &Connection) -> Option<ca::Settings> {
    serde_json::from_str(&row.settings).ok()
}

fn settings_of(row: &Connection) -> store::Result<Settings> {
    serde_json::from_str(&row.settings).map_err(|_| store::Error::Corrupt { column: "settings" })
}

fn to_wire(row: Connection) -> Result<wire::Connection, Status> {
    if let Some(settings) = authority_of(&row) {
        return Ok(wire::Connection {
            id: row.id.to_string(),
            name: row.name,
            settings: Some(authorities::to_wire(settings)),
            checked_at_us: row.checked_at.map_or(0, |at| at.0),
            check_error: row.check_error.unwrap_or_default(),
        });
    }
    let settings = match settings_of(&row)? {
        Settings::Sta(sta) => wire::connection::Settings::Sta(wire::Sta {
            rest_url: sta.rest_url,
            tenant_code: sta.tenant_code,
            mapping_attribute: sta.mapping_attribute,
            rp_id: sta.rp_id,
            rp_name: sta.rp_name,
            origin: sta.origin,
            trusted_roots: sta.trusted_roots,
        }),
    };
    Ok(wire::Connection {
        id: row.id.to_string(),
        name: row.name,
        settings: Some(settings),
        checked_at_us: row.checked_at.map_or(0, |at| at.0),
        check_error: row.check_error.unwrap_or_default(),
    })
}
