#[cfg(feature = "rust-crypto")]
pub(crate) mod key;
mod messages;
