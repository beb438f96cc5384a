//! What the tests that cross crates stand on.
//!
//! | module | is |
//! |---|---|
//! | [`firmware`] | other people's security keys |
//! | [`guest`] | another machine with a real kernel |

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

pub mod firmware;
pub mod guest;
