//! The service that speaks to the tokens plugged into a host, and serves them to the central server
//! and to the administrator who sits at the machine.
//!
//! | layer | module | does |
//! |---|---|---|
//! | links | [`transport`] | moves 64-byte reports, over hidraw or a local socket; knows no CTAP |
//! | tokens | [`token`] | who is plugged in, one thread for each; leases |
//! | verbs | [`verb`] | a file for each thing that can be done to a token |
//! | memory | [`journal`] | what was begun and how it ended, on disk before anybody hears of it |
//! | interface | [`rpc`] | `keysteward.agent.v1`: converts, and nothing else; async begins here |
//! | way out | [`uplink`] | dials the server and serves [`Agent::routes`](agent::Agent::routes) on that connection |
//!
//! Beside them: [`settings`] (the host's own file, whose policy no server overrides), [`prompt`]
//! (tells the person at the host to touch, unplug, plug in), `local` (the listener for callers on
//! this machine) and [`service`] (being a service of the operating system).
//!
//! One feature, on by default: `hid` reads real keys through hidraw, without libudev. Cards at
//! readers are reached through the system's smart card service.

#![cfg_attr(not(windows), forbid(unsafe_code))] // service::windows has the system's entry point
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::cast_possible_truncation))]

pub mod agent;
mod causes;
mod clock;
pub mod journal;
#[cfg(unix)]
mod local;
pub mod prompt;
pub mod rpc;
pub mod service;
pub mod settings;
pub mod token;
pub mod transport;
pub mod uplink;
pub mod uplink_state;
pub mod verb;
