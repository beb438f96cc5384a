//! `keysteward.agent.v1`: a file for each service. Converts, and nothing else.
//!
//! The upper edge of the agent. The same services answer the central server, through the uplink,
//! and callers on this machine, through the local socket.

pub(crate) mod caller;
pub(crate) mod cards;
pub(crate) mod fido;
pub(crate) mod host;
pub(crate) mod journal;
pub(crate) mod lease;
mod opening;
mod progress;
mod refusal;
mod step;
pub(crate) mod tokens;
