//! The core's flows against other people's firmware, over real CTAPHID packets.
//!
//! | module | what |
//! |---|---|
//! | `opensk` | a key whose firmware is the `opensk` crate, on a thread of its own |
//! | `desk` | the person who plugs it in, and the sessions they hold |
//! | the others | stories, a module per flow |

#![allow(clippy::unwrap_used)]

mod config;
mod credentials;
mod desk;
mod link;
mod opensk;
mod pin;
mod presence;
mod reset;
