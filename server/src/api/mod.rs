//! The public gRPC surface: converts, authorises, calls the room that decides.
//!
//! ```text
//! listener (TLS) ─> auth (API key, table of access) ─> a file per service ─> rooms
//!                                                          └─> refusal (every error, once)
//! ```

pub mod access;
pub mod auth;
pub mod listener;
pub mod refusal;

mod api_keys;
mod audit;
mod authorities;
mod card_view;
mod cards;
mod connections;
mod hosts;
mod join_tokens;
mod labels;
mod names;
mod operations;
mod page;
mod pins;
mod record;
mod system;
mod template_profiles;
mod templates;
mod token_types;
mod tokens;
mod users;

use std::sync::Arc;

use keysteward_proto::server::v1 as wire;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::{
    connector::ca::builtin::PublishUrl,
    fleet::Fleet,
    key_store::KeyStore,
    operation::Engine,
    store::{Clock, Store},
};

/// What the services call.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// The database.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Secrets at rest.
    pub key_store: Arc<KeyStore>,
    /// Hosts and their links.
    pub fleet: Fleet,
    /// Durable work.
    pub engine: Engine,
    /// Under which addresses the outside finds what CAs inside this server publish.
    pub public_urls: Vec<PublishUrl>,
    /// The server stops: streams that have no end of their own end now.
    pub stopping: CancellationToken,
}

/// Every service, reflection and health included; [`auth::AuthLayer`] goes around them.
///
/// # Errors
/// When the descriptors that this program carries cannot be read.
pub fn routes(rooms: &Rooms) -> Result<Routes, tonic_reflection::server::Error> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(keysteward_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    // "" is the server as a whole; it serves from the moment that it listens.
    let (_, health) = tonic_health::server::health_reporter();
    let mut routes = Routes::builder();
    routes
        .add_service(wire::hosts_server::HostsServer::new(hosts::Hosts(
            rooms.clone(),
        )))
        .add_service(wire::join_tokens_server::JoinTokensServer::new(
            join_tokens::JoinTokens(rooms.clone()),
        ))
        .add_service(wire::token_types_server::TokenTypesServer::new(
            token_types::TokenTypes(rooms.clone()),
        ))
        .add_service(wire::tokens_server::TokensServer::new(tokens::Tokens(
            rooms.clone(),
        )))
        .add_service(wire::operations_server::OperationsServer::new(
            operations::Operations(rooms.clone()),
        ))
        .add_service(wire::pins_server::PinsServer::new(pins::Pins(
            rooms.clone(),
        )))
        .add_service(wire::cards_server::CardsServer::new(cards::Cards(
            rooms.clone(),
        )))
        .add_service(wire::users_server::UsersServer::new(users::Users(
            rooms.clone(),
        )))
        .add_service(wire::connections_server::ConnectionsServer::new(
            connections::Connections(rooms.clone()),
        ))
        .add_service(wire::templates_server::TemplatesServer::new(
            templates::Templates(rooms.clone()),
        ))
        .add_service(wire::audit_server::AuditServer::new(audit::Audit(
            rooms.clone(),
        )))
        .add_service(wire::api_keys_server::ApiKeysServer::new(
            api_keys::ApiKeys(rooms.clone()),
        ))
        .add_service(wire::system_server::SystemServer::new(system::System(
            rooms.clone(),
        )))
        .add_service(reflection)
        .add_service(health);
    Ok(routes.routes())
}

#[cfg(test)]
mod tests;
