//! What the tests that cross crates stand on.
//!
//! | module | is |
//! |---|---|
//! | [`firmware`] | other people's security keys |
//! | [`guest`] | another machine with a real kernel |
//! | [`site`] | one installation, every party a process of its own |

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so and ends"
)]

pub mod firmware;
pub mod guest;
pub mod site;
