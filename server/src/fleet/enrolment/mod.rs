//! How hosts become known, and how they are shut out: what operators do.
//!
//! What agents do is in `service`.

mod join_token;
pub(super) mod service;

use rand::{RngCore as _, rngs::OsRng};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

pub use self::join_token::NewJoinToken;
use super::Fleet;
use crate::{
    audit::{self, Entry, Outcome},
    store::{
        self, HostId, JoinTokenId, Write,
        host::{Host, State},
        join_token::JoinToken,
    },
};

/// Why an operator's request was not carried out. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolmentError {
    /// There is no such host.
    #[error("there is no host {0}")]
    NoHost(HostId),
    /// There is no such join token.
    #[error("there is no join token {0}")]
    NoJoinToken(JoinTokenId),
    /// Only a host that waits can be approved.
    #[error("host {host} is {found}, only a pending one can be approved")]
    NotPending {
        /// Which.
        host: HostId,
        /// Its state.
        found: &'static str,
    },
    /// A value that is not allowed.
    #[error("{field}: found {found}, allowed: {allowed}")]
    Invalid {
        /// Of the request.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Fleet {
    /// Makes a join token. The string is to be shown once; only its hash is kept.
    ///
    /// # Errors
    /// See [`EnrolmentError`].
    pub async fn create_join_token(
        &self,
        actor: &str,
        new: NewJoinToken,
    ) -> Result<(JoinToken, Zeroizing<String>), EnrolmentError> {
        let now = self.0.clock.now();
        let mut secret = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(secret.as_mut_slice());
        let row = new.row(&secret, actor, now)?;
        let mut tx = self.0.store.write().await?;
        store::join_token::insert(&mut tx, &row).await?;
        let facts = [
            ("group", json!(row.host_group)),
            ("uses", json!(row.uses_left)),
            ("needs_approval", json!(row.needs_approval)),
            ("expires_at", json!(row.expires_at.to_string())),
        ];
        let object = format!("join-token:{}", row.id);
        self.record(&mut tx, actor, "join-token.create", object, facts)
            .await?;
        tx.commit().await?;
        let carried =
            keysteward_proto::join_token::JoinToken::new(*secret, self.0.authority.root_sha256());
        Ok((row, carried.encode()))
    }

    /// Takes a join token back. Hosts that used it stay; pending ones still wait.
    ///
    /// # Errors
    /// See [`EnrolmentError`].
    pub async fn revoke_join_token(
        &self,
        actor: &str,
        id: JoinTokenId,
    ) -> Result<JoinToken, EnrolmentError> {
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let found = store::join_token::get(&mut tx, id).await?;
        if found
            .ok_or(EnrolmentError::NoJoinToken(id))?
            .revoked_at
            .is_none()
        {
            store::join_token::set_revoked(&mut tx, id, now).await?;
            let object = format!("join-token:{id}");
            self.record(&mut tx, actor, "join-token.revoke", object, [])
                .await?;
        }
        let row = store::join_token::get(&mut tx, id).await?;
        tx.commit().await?;
        row.ok_or(EnrolmentError::NoJoinToken(id))
    }

    /// Lets a pending host in: it gets its certificate when it asks again.
    ///
    /// # Errors
    /// See [`EnrolmentError`].
    pub async fn approve_host(&self, actor: &str, id: HostId) -> Result<Host, EnrolmentError> {
        let mut tx = self.0.store.write().await?;
        let host = host(&mut tx, id).await?;
        if host.state != State::Pending {
            return Err(EnrolmentError::NotPending {
                host: id,
                found: host.state.as_str(),
            });
        }
        store::host::set_approved(&mut tx, id).await?;
        let facts = [("hostname", json!(host.hostname))];
        self.record(&mut tx, actor, "host.approve", format!("host:{id}"), facts)
            .await?;
        let approved = self::host(&mut tx, id).await?;
        tx.commit().await?;
        Ok(approved)
    }

    /// Shuts a host out for good, and closes its link at once.
    ///
    /// # Errors
    /// See [`EnrolmentError`].
    pub async fn revoke_host(
        &self,
        actor: &str,
        id: HostId,
        reason: &str,
    ) -> Result<Host, EnrolmentError> {
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let before = host(&mut tx, id).await?;
        if before.state != State::Revoked {
            store::host::set_revoked(&mut tx, id, now).await?;
            let facts = [
                ("hostname", json!(before.hostname)),
                ("was", json!(before.state.as_str())),
                ("reason", json!(reason)),
            ];
            self.record(&mut tx, actor, "host.revoke", format!("host:{id}"), facts)
                .await?;
        }
        let revoked = host(&mut tx, id).await?;
        tx.commit().await?;
        self.close(id);
        self.0.registry.forget_duplicate(id);
        Ok(revoked)
    }

    async fn record<const N: usize>(
        &self,
        tx: &mut Write<'_>,
        actor: &str,
        verb: &'static str,
        object: String,
        facts: [(&str, Value); N],
    ) -> store::Result<()> {
        let entry = Entry {
            at: self.0.clock.now(),
            actor: actor.to_owned(),
            verb,
            object,
            operation: None,
            outcome: Outcome::Ok,
            facts: facts
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>(),
        };
        audit::append(tx, entry).await?;
        Ok(())
    }
}

async fn host(tx: &mut Write<'_>, id: HostId) -> Result<Host, EnrolmentError> {
    store::host::get(tx, id)
        .await?
        .ok_or(EnrolmentError::NoHost(id))
}
