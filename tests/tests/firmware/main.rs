//! The core's flows against firmware, over real CTAPHID packets: against other
//! people's, and against our own, which has to behave as theirs does.
//!
//! | module | what |
//! |---|---|
//! | `key` | a key on a desk: `opensk`, `fido-authenticator`, or ours |
//! | `desk` | the person who plugs it in, and the sessions they hold |
//! | `interop` | the table of who understands whom, other people's clients among them |
//! | the others | stories, a module per flow; each names the keys it is told of |

#![allow(clippy::unwrap_used)]

/// Tells each story of each of its keys, as a test of its own.
macro_rules! stories {
    ($($story:ident on $keys:tt)*) => { $(stories!(@ $story $keys);)* };
    (@ $story:ident [$($key:ident)*]) => {
        mod $story {
            $(
                #[test]
                fn $key() {
                    super::$story(&crate::key::Key::$key());
                }
            )*
        }
    };
}

mod config;
mod credentials;
mod desk;
mod extensions;
mod fingerprints;
mod identity;
mod interop;
mod key;
mod link;
mod pin;
mod presence;
mod reset;
