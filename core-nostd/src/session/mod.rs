//! What an administrator does with a token, as blocking flows over a link.

mod hid;
mod transport;

pub use crate::ctaphid::Keepalive;
pub use crate::time::Millis;
pub use transport::CtapTransport;
