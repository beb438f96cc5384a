//! An agent on a host with readers: the real pcscd, with vpcd for the readers.
//!
//! | module | what |
//! |---|---|
//! | `host` | an agent beside a pcscd, and somebody who calls it |
//! | `card` | a card, the hand that holds it, and a key on HID |
//! | `coming_and_going` | cards, readers and services that come and go |
//! | `fido` | what an administrator does to a key, at a reader |
//! | `both_sides` | one key that is seen on HID and at a reader |

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

/// Tells each story in a place of its own.
macro_rules! stories {
    ($($story:ident)*) => { $(
        mod $story {
            #[test]
            fn over_pcscd() {
                keysteward_tests::pcscd::tell(concat!(module_path!(), "::over_pcscd"), || {
                    tokio::runtime::Runtime::new()
                        .unwrap()
                        .block_on(super::$story());
                });
            }
        }
    )* };
}

mod both_sides;
mod card;
mod coming_and_going;
mod fido;
mod host;
