//! Whole operations, in process: a simulated key behind a scripted host, a
//! provider with STA's rules, a database in a file, an engine that can die.

mod agreement;
mod ca;
pub(in crate::operation) mod card;
mod cards;
mod crash;
mod fault;
mod fence;
mod hand_over;
mod host;
mod idp;
mod issue;
mod key;
mod people;
mod recognition;
mod restore;
mod revoke;
mod suspend;
mod waiting;
mod world;
