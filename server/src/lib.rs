//! The central server of Keysteward.
//!
//! ```text
//! api ─> operation ─> { lifecycle, fleet, connector, attestation, key_store, audit } ─> store
//! ```
//!
//! - [`api`]: the public gRPC surface, and nothing that decides.
//! - [`operation`]: durable units of work made of steps; a file per kind.
//! - [`lifecycle`]: tokens, templates and states as pure data and rules.
//! - [`fleet`]: the uplinks of agents: accept, registry, calls, events.
//! - [`connector`]: outside systems, a file per vendor.
//! - [`attestation`]: what a token proves about itself.
//! - [`key_store`]: secrets at rest.
//! - [`audit`]: the hash-chained record and its verifier.
//! - [`store`]: the database.
//!
//! Beside them: [`settings`], [`telemetry`], [`backup`], and [`command`], which wires it all.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod attestation;
pub mod audit;
pub mod backup;
pub mod command;
pub mod connector;
pub mod fleet;
pub mod key_store;
pub mod lifecycle;
pub mod operation;
pub mod settings;
pub mod store;
pub mod telemetry;
