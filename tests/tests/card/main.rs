//! Smart cards: ours in the hands of other people's clients, over the real pcscd, and what they
//! leave on it in ours.
//!
//! | module | what |
//! |---|---|
//! | `gids` | OpenSC's clients with our GIDS card |
//! | `piv` | OpenSC's and Yubico's clients with our PIV card, and Nitrokey's card with our client |

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

/// Tells each story in a place of its own.
macro_rules! stories {
    ($($story:ident)*) => { $(
        mod $story {
            #[test]
            fn over_pcscd() {
                keysteward_tests::pcscd::tell(concat!(module_path!(), "::over_pcscd"), super::$story);
            }
        }
    )* };
}

mod gids;
mod piv;
