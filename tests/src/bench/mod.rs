//! What Keysteward costs, measured in one run on this machine's loopback.
//!
//! | module | measures |
//! |---|---|
//! | [`uplinks`] | the server's memory for each idle link |
//! | [`idle_agent`] | the agent's memory and wake-ups with one idle key |
//! | [`issue`] | how long issuing takes, and how much of that is waiting for the disk |
//! | [`card`] | smart cards: commands, inventories, admin keys, certificates |
//!
//! Nothing here passes or fails by a time: [`report`] puts each figure beside its target or its
//! ratio, and a person reads it.

pub mod card;
pub mod idle_agent;
pub mod issue;
pub mod operator;
pub mod procfs;
pub mod report;
pub mod times;
pub mod uplinks;
