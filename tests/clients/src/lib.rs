//! How a client tells what it could do with the key that is plugged in: a line for each area.
//!
//! `cell: AREA works`, `cell: AREA lacks WHAT` where the client has no such thing, and
//! `cell: AREA fails WHY`.

use anyhow::Result;

/// The key's PIN at first, and after it was changed.
pub const PIN: &str = "314159";
/// See [`PIN`].
pub const NEW_PIN: &str = "271828";
/// Whose credentials are made.
pub const RP_ID: &str = "example.com";

/// Tries one area.
pub fn area(name: &str, attempt: impl FnOnce() -> Result<()>) {
    match attempt() {
        Ok(()) => println!("cell: {name} works"),
        Err(error) => println!(
            "cell: {name} fails {}",
            format!("{error:#}").replace('\n', " ")
        ),
    }
}

/// An area that the client does not have.
pub fn lacks(name: &str, what: &str) {
    println!("cell: {name} lacks {what}");
}
