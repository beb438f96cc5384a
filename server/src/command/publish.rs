//! `[publish]`: that the certificates of CAs inside this server are checked where they say.

use anyhow::Context as _;

use crate::{connector::ca::builtin::PublishUrl, settings::Publish};

/// Refuses an address that stands in certificates and that nobody would answer at.
///
/// # Errors
/// Names the connection and the setting.
pub(super) fn check(
    in_certificates: &[(String, PublishUrl)],
    publish: Option<&Publish>,
) -> anyhow::Result<()> {
    let served = publish.map_or(&[][..], |publish| &publish.urls);
    for (name, url) in in_certificates {
        url.check(served).with_context(|| {
            format!("nobody could check the certificates of the connection {name:?}")
        })?;
    }
    Ok(())
}
