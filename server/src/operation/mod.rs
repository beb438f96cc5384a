//! The saga engine: durable units of work made of steps; a file per kind.
//!
//! | file | holds |
//! |---|---|
//! | `issue` `hand_over_pin` `suspend` `resume` `revoke` `set_pin` `reset_token` `delete_credentials` | plans: pure, what comes next |
//! | [`plan`] | progress, facts, effects: what plans speak in |
//! | `request` `check` `accept` | what can be asked for; all that is checked before, a file per family; written down |
//! | `engine` | start, watch, reveal; `resolve`: cancel and resolve |
//! | `dispatch` `worker` `decide` | who works when; one operation driven, leased and fenced; what comes next |
//! | `token_step` `idp_step` `look` | what leaves for tokens and providers, and looking what became of it |
//! | `record` `made` `effects` | what came of it, written down |
//! | `recognise` `presence` | from what agents see to tokens of ours |
//! | `reconcile` `outgoing` | journals of hosts; acknowledgements and checkpoints for them |
//! | [`hosts`] [`providers`] | the two doors to the outside |
//! | `published` | what authorities inside this server publish, and where |
//!
//! The promise: an attempt of a step starts at most once on a token; its outcome
//! is never lost once the token has answered; what cannot be known is shown as
//! unknown and never guessed.

pub mod authorities;
pub mod hosts;
mod key_history;
pub mod plan;
pub mod providers;

mod accept;
mod admin_keys;
mod ca_step;
mod card_act;
mod card_authority;
mod card_effects;
mod card_ids;
mod card_masters;
mod card_step;
mod certification_request;
mod change_admin_key;
mod check;
mod decide;
mod delete_containers;
mod delete_credentials;
mod dispatch;
mod effects;
mod engine;
pub(crate) mod enrolment;
mod error;
mod hand_over_pin;
mod idp_step;
mod issue;
mod issue_certificates;
pub(crate) mod issued_list;
mod look;
mod made;
mod outgoing;
mod pins;
mod presence;
pub(crate) mod published;
mod recognise;
mod reconcile;
mod record;
mod refresh_card;
mod register_card;
mod reissue_certificates;
mod request;
mod reset_token;
mod resolve;
mod resume;
mod retire;
mod revoke;
mod revoke_certificates;
mod rotate_puk;
mod set_pin;
mod step;
mod suspend;
mod token_step;
mod trust;
mod unblock_card;
mod unregister;
mod watch;
mod work;
mod worker;

pub use crate::store::operation::{Kind, Operation, State};
pub use authorities::Authorities;
pub use engine::{Engine, Parts, Position, Revealed, Settings, position};
pub use error::Error;
pub use hosts::Hosts;
pub use plan::Progress;
pub use presence::Place;
pub use providers::{Connections, Providers};
pub use request::{Ask, GivenPin, PinOf, Request};
pub use resolve::Resolution;
pub use step::{StepName, Target};
pub use watch::{Prompt, Update, Watch};

use engine::Inner;

#[cfg(test)]
mod tests;
