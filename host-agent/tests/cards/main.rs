//! Smart cards as callers of the agent see them: gRPC on the local socket above, a real pcscd with
//! vpcd and cards in software below.
//!
//! | module | about |
//! |---|---|
//! | `reader` | a card on a reader, and the hand that takes it away |
//! | `rsa` | cards with long RSA keys |
//! | `host` | an agent, and somebody who calls it |
//! | `piv` | the life of a PIV card, from personalising to reset |
//! | `gids` | the life of a GIDS card |
//! | `admin` | admin keys that the caller keeps |
//! | `commands` | how many commands a change asks of a card |
//! | `algorithms` | keys and admin keys of each kind |
//! | `held` | another program has the card in a transaction, or would like to |
//! | `hostile` | cards that lie, in each applet |
//! | `retired` | keys that make room for the next ones |
//! | `leases` | one caller at a time; what the host forbids; requests that are wrong |
//! | `pin_tries` | how many tries PIN and PUK have |
//! | `cut_off` | steps that are cut off, and what a look at the card says of them |

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod admin;
mod algorithms;
mod commands;
mod cut_off;
mod gids;
mod held;
mod host;
mod hostile;
mod leases;
#[expect(
    dead_code,
    unreachable_pub,
    reason = "it is a part of another crate, too"
)]
#[path = "../../../tests/src/pcscd.rs"]
mod pcscd;
mod pin_tries;
mod piv;
mod reader;
mod retired;
mod rsa;

/// Tells each story beside a pcscd of its own.
macro_rules! stories {
    ($($story:ident)*) => { $(
        mod $story {
            #[test]
            fn over_pcscd() {
                crate::pcscd::tell(concat!(module_path!(), "::over_pcscd"), || {
                    tokio::runtime::Runtime::new()
                        .unwrap()
                        .block_on(super::$story());
                });
            }
        }
    )* };
}
use stories;
