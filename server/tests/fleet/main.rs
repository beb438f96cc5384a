//! Agents and server on real TLS over loopback: enrolment, the reverse link and
//! each of its traps, renewal, revocation.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod agent;
mod door;
mod enrolment;
mod identity;
mod link;
mod proxy;
mod renewal;
mod server;
mod step;
mod token;
