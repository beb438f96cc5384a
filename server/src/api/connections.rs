//! `server.v1.Connections`

use keysteward_proto::server::v1::{self as wire, connections_server};
use serde_json::json;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{Rooms, auth::Caller, names, record::record, refusal::Refusal};
use crate::{
    connector::{
        ApiKey,
        idp::{Settings, sta},
    },
    key_store::Context,
    lifecycle::check_name,
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
        let new = request.connection.unwrap_or_default();
        check_name("connection.name", &new.name)?;
        let settings = parse(new.settings)?;
        // Every setting is checked by whoever will use it; nobody is spoken to.
        settings.connect(ApiKey::parse(&api_key)?)?;
        let now = self.0.clock.now();
        let id = ConnectionId::new();
        let row = Connection {
            id,
            name: new.name,
            kind: settings.kind().to_owned(),
            settings: serde_json::to_string(&settings)
                .map_err(|_| Status::internal("the settings cannot be stored"))?,
            sealed_secret: self.0.key_store.seal(
                Context {
                    table: "connection",
                    id: &id.to_string(),
                    kind: "api-key",
                },
                api_key.trim().as_bytes(),
            ),
            checked_at: None,
            check_error: None,
            created_at: now,
        };
        let mut tx = self.0.store.write().await?;
        store::connection::insert(&mut tx, &row).await?;
        let facts = [("name", json!(row.name)), ("settings", json!(settings))];
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
        let text = core::str::from_utf8(&secret).map_err(|_| store::Error::Corrupt {
            column: "sealed_secret",
        })?;
        let provider = settings_of(&row)?.connect(ApiKey::parse(text)?)?;
        let findings = provider.check().await;
        let ok = findings.iter().all(|finding| finding.ok);
        let error = findings
            .iter()
            .find(|finding| !finding.ok)
            .map(|f| f.text.as_str());
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        store::connection::set_checked(&mut tx, row.id, error, now).await?;
        let facts = [("name", json!(row.name)), ("ok", json!(ok))];
        let object = format!("connection:{id}");
        record(&mut tx, &caller, now, "connection.check", object, facts).await?;
        tx.commit().await?;
        Ok(Response::new(wire::CheckConnectionResponse {
            ok,
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
        None => Err(Refusal::field("connection.settings", "nothing", "sta")),
    }
}

fn settings_of(row: &Connection) -> store::Result<Settings> {
    serde_json::from_str(&row.settings).map_err(|_| store::Error::Corrupt { column: "settings" })
}

fn to_wire(row: Connection) -> Result<wire::Connection, Status> {
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
