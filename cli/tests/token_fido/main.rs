//! `keysteward token fido`, typed as a person types it: the command line as a process of its own,
//! a real agent at its local socket, virtual keys below.
//!
//! | module | about |
//! |---|---|
//! | `desk` | the machine: an agent, keys, and what is typed |
//! | `pins` | PINs and what a key demands; keys that have none |
//! | `credentials` | making, naming, deleting; without a PIN by a persistent token |
//! | `fingerprints` | fingers with live feedback, and a finger in the place of the PIN |
//! | `large_blobs` | data that credentials carry |
//! | `keys` | which key is which, what it is, and what is only a vendor's |

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod credentials;
mod desk;
mod fingerprints;
mod keys;
mod large_blobs;
mod pins;
