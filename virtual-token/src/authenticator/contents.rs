//! What the control socket shows.

use super::Authenticator;
use crate::firmware::{Contents, StoredCredential};
use crate::storage::Storage;
use keysteward_core::crypto::Crypto;
use std::ops::ControlFlow;

impl<S: Storage, C: Crypto> Authenticator<S, C> {
    /// What is stored, as far as it is no secret; credentials with the oldest first. What cannot
    /// be read is left out, and the reason logged.
    pub fn contents(&self) -> Contents {
        let mut credentials = Vec::new();
        let read = self.visit_stored(&mut |_, stored| {
            let shown = StoredCredential {
                rp_id: stored.rp.id.into(),
                credential_id: stored.id.to_vec(),
                user_id: stored.user.id.to_vec(),
            };
            credentials.push((stored.made, shown));
            ControlFlow::Continue(())
        });
        if let Err(status) = read {
            log::error!("the credentials cannot be shown: {status}");
        }
        credentials.sort_by_key(|&(made, _)| made);
        Contents {
            credentials: credentials.into_iter().map(|(_, shown)| shown).collect(),
            pin_set: self.owner.pin.is_some(),
            pin_retries: self.owner.pin_retries,
        }
    }
}
