//! The agent as its callers see it: gRPC on the local socket above, virtual security keys below.
//!
//! | module | about |
//! |---|---|
//! | `verbs` | each thing that can be done to a token |
//! | `profiles` | every kind of token with every verb: done, or refused by name |
//! | `user_verification` | tokens that verify their user themselves |
//! | `identity` | who a token is, told to the holder of its persistent token |
//! | `selection` | which of the tokens is meant |
//! | `vendor` | vendors' own commands |
//! | `sensor` | fingers, and the sensor that they are laid on |
//! | `large_blobs` | large blobs, beside those of other programs |
//! | `u2f` | tokens that speak U2F alone |
//! | `leases` | one caller at a time; callers and tokens that vanish |
//! | `faults` | steps that are cut off, and what a look at the token says of them |
//! | `hostile` | tokens that lie |
//! | `killed` | the agent's process is killed in mid-step |
//! | `resets` | unplug, plug in, touch |
//! | `policy` | what the host's settings forbid |
//! | `refusals` | requests that are wrong |
//! | `hosts` | facts, health, watching, the local socket |

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod faults;
mod harness;
mod hostile;
mod hosts;
mod identity;
mod killed;
mod large_blobs;
mod leases;
mod management;
#[expect(
    dead_code,
    unreachable_pub,
    reason = "it is a part of another crate, too"
)]
#[path = "../../../tests/src/pcscd.rs"]
mod pcscd;
mod policy;
mod profiles;
mod refusals;
mod resets;
mod selection;
mod sensor;
mod u2f;
mod user_verification;
mod vendor;
mod verbs;
