//! A host with an agent, security keys to plug into it, and a caller.

mod caller;
mod host;
mod key;
mod lease;
mod requests;

use std::time::{Duration, Instant};

pub(crate) use caller::Caller;
pub(crate) use host::Host;
pub(crate) use key::{Key, made};
pub(crate) use lease::{Done, Lease};
pub(crate) use requests::{delete, key, list, make_credential, set_pin};

pub(crate) const PIN: &str = "314159";
pub(crate) const RP: &str = "login.example.com";
pub(crate) const USER: &[u8] = b"user-1";

/// How long anything may take that needs no person.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    until_async(what, async || holds()).await;
}

pub(crate) async fn until_async(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
