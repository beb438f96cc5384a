//! Token verbs straight against an agent on this machine, for the administrator who sits there.

pub(crate) mod card;
pub(crate) mod fido;
pub(crate) mod token;
pub(crate) mod witness;

mod lease;

#[cfg(test)]
mod tests;
