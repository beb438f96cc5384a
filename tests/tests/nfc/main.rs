//! Cards over the real pcscd, with vpcd for a reader: our client with our card, and other people's
//! client with it.
//!
//! | module | what |
//! |---|---|
//! | `reader` | a card for each story, and the hand that holds it |
//! | `sessions` | what an administrator does to a key, over a reader |
//! | `cables` | cards and services that come and go |
//! | `python_fido2` | other people's client |

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

mod cables;
mod python_fido2;
mod reader;
mod sessions;
