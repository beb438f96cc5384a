//! Stories that cross every room: server, agent, key, identity provider and operator, each a
//! process of its own.

#![allow(clippy::unwrap_used)]

mod backup;
mod bad_input;
mod batch;
#[cfg(target_os = "linux")]
mod card_faults;
#[cfg(target_os = "linux")]
mod cards;
mod desk;
mod faults;
mod guest;
mod main_job;
#[cfg(target_os = "linux")]
mod one_token;
mod secrets;
