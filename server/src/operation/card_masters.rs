//! Makes generations of the card master key: the key first, then its row, and never
//! inside somebody else's transaction. A PKCS #11 token takes its time, and a key
//! that it made does not go away because a transaction does.

use std::sync::Arc;

use serde_json::{Map, json};
use tokio::{sync::Mutex, task::spawn_blocking};

use super::Error;
use crate::{
    audit::{self, Entry, Outcome},
    key_store::{self, KeyStore},
    store::{
        self, Clock, Store,
        card_master_key::{self, CardMasterKey},
    },
};

/// Makes them. Clones share it.
#[derive(Clone)]
pub(super) struct CardMasters {
    store: Store,
    keys: Arc<KeyStore>,
    clock: Clock,
    /// One at a time: each is numbered after the one before.
    alone: Arc<Mutex<()>>,
}

impl CardMasters {
    pub(super) fn new(store: Store, keys: Arc<KeyStore>, clock: Clock) -> Self {
        Self {
            store,
            keys,
            clock,
            alone: Arc::default(),
        }
    }

    /// The next generation. Goes on when the caller goes away: a key without a row
    /// would be left behind.
    ///
    /// # Errors
    /// When it is not made; [`Error::Unrecorded`] says which key is left when it is
    /// not written down.
    pub(super) async fn make(&self, comment: &str, actor: &str) -> Result<CardMasterKey, Error> {
        let (own, comment, actor) = (self.clone(), comment.to_owned(), actor.to_owned());
        unbroken(async move {
            let _alone = own.alone.lock().await;
            own.make_alone(&comment, &actor).await
        })
        .await
    }

    /// The first generation, unless there is one.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub(super) async fn make_first(&self, comment: &str, actor: &str) -> Result<(), Error> {
        let (own, comment, actor) = (self.clone(), comment.to_owned(), actor.to_owned());
        unbroken(async move {
            let _alone = own.alone.lock().await;
            let mut read = own.store.read().await?;
            let known = card_master_key::list(&mut read).await?;
            drop(read);
            if known.is_empty() {
                own.make_alone(&comment, &actor).await?;
            }
            Ok(())
        })
        .await
    }

    async fn make_alone(&self, comment: &str, actor: &str) -> Result<CardMasterKey, Error> {
        let mut read = self.store.read().await?;
        let newest = card_master_key::list(&mut read).await?;
        drop(read);
        let newest = newest.last().map_or(0, |row| row.generation);
        let generation = newest.saturating_add(1);
        let now = self.clock.now();
        let (keys, by) = (self.keys.clone(), actor.to_owned());
        let said = comment.to_owned();
        let making = spawn_blocking(move || keys.new_card_master(generation, &said, &by, now));
        let made = making.await.map_err(|_| broken_off())??;
        match self.write_down(&made).await {
            Ok(()) => Ok(made),
            Err(why) if made.label.is_empty() => Err(why.into()),
            Err(why) => Err(Error::Unrecorded {
                label: made.label,
                why,
            }),
        }
    }

    async fn write_down(&self, made: &CardMasterKey) -> store::Result<()> {
        let mut tx = self.store.write().await?;
        card_master_key::insert(&mut tx, made).await?;
        let mut facts = Map::new();
        facts.insert("generation".into(), json!(made.generation));
        facts.insert("custody".into(), json!(made.custody));
        facts.insert("comment".into(), json!(made.comment));
        let entry = Entry {
            at: made.created_at,
            actor: made.created_by.clone(),
            verb: "card-master-key.create",
            object: format!("card-master-key:{}", made.generation),
            operation: None,
            outcome: Outcome::Ok,
            facts,
        };
        audit::append(&mut tx, entry).await?;
        tx.commit().await
    }
}

async fn unbroken<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.map_err(|_| broken_off())?
}

fn broken_off() -> Error {
    key_store::Error::Hsm("making a key was broken off".into()).into()
}
