//! Admin keys for a step: named while the transaction is open, derived once it is
//! closed. A card master key may lie in a PKCS #11 token, which takes the time it
//! takes; nobody else's work waits for it.

use core::time::Duration;
use std::sync::Arc;

use keysteward_proto::agent::v1::{AdminProof, CardStep, card_step::Verb};
use tokio::{task::spawn_blocking, time::timeout};

use super::{hosts::AdminKeys, token_step::Unprepared, work::Work};
use crate::{
    key_store::{AdminKey, Error, KeyStore},
    store::{
        card::{AdminKey as Which, Card},
        card_master_key::CardMasterKey,
    },
};

/// The admin keys that a step is answered with, and the one that it gives to the card.
pub(super) struct Wanted {
    generations: Vec<CardMasterKey>,
    card_id: [u8; 16],
    answering: Vec<Source>,
    new: Option<Which>,
}

/// Where an admin key comes from.
pub(super) enum Source {
    Derived(Which),
    Given(AdminKey),
}

impl Wanted {
    pub(super) fn of(work: &Work) -> Self {
        Self {
            generations: work.generations.clone(),
            card_id: work.card.as_ref().map_or([0; 16], |card| card.card_id),
            answering: Vec::new(),
            new: None,
        }
    }

    /// The step asks for the key from there.
    pub(super) fn proof(&mut self, source: Source) -> Result<AdminProof, Unprepared> {
        let algorithm = match &source {
            Source::Derived(which) => {
                self.is_known(*which)?;
                which.cipher.as_str()
            }
            Source::Given(key) => key.cipher().map_or("", |cipher| cipher.as_str()),
        };
        let algorithm = algorithm.to_owned();
        self.answering.push(source);
        Ok(AdminProof {
            algorithm,
            key: Vec::new(),
            asks_caller: true,
        })
    }

    /// The step gives the pending admin key to the card.
    pub(super) fn pending(&mut self, card: &Card) -> Result<Which, Unprepared> {
        let lacks = || Unprepared::Lacks("no admin key was written down".into());
        let pending = card.pending.ok_or_else(lacks)?;
        self.is_known(pending)?;
        self.new = Some(pending);
        Ok(pending)
    }

    fn is_known(&self, which: Which) -> Result<(), Unprepared> {
        let generation = which.generation;
        let known = |row: &CardMasterKey| row.generation == generation;
        if self.generations.iter().any(known) {
            return Ok(());
        }
        Err(Error::NoCardMaster { generation }.into())
    }

    /// Derives them, and puts the one that the card is to get into the step.
    ///
    /// # Errors
    /// When the key store does not give one. Nothing has left then.
    pub(super) async fn derive(
        self,
        keys: &Arc<KeyStore>,
        step: &mut CardStep,
    ) -> Result<AdminKeys, Error> {
        let (answering, new) = ask(keys, move |keys| {
            let derived = |which| keys.admin_key(&self.generations, which, &self.card_id);
            let answering = self.answering.into_iter().map(|source| match source {
                Source::Derived(which) => derived(which),
                Source::Given(key) => Ok(key),
            });
            let answering = answering.collect::<Result<Vec<_>, _>>()?;
            Ok((answering, self.new.map(derived).transpose()?))
        })
        .await?;
        match (&mut step.verb, new) {
            (Some(Verb::ChangeAdminKey(change)), Some(new)) => {
                change.new_key = new.bytes().to_vec();
            }
            (Some(Verb::Personalise(personalise)), Some(new)) => {
                personalise.new_admin_key = new.bytes().to_vec();
            }
            _ => {}
        }
        Ok(AdminKeys(answering))
    }
}

/// Asks the key store on a thread where nobody waits.
///
/// # Errors
/// What it says; and when it says nothing in time.
pub(super) async fn ask<T: Send + 'static>(
    keys: &Arc<KeyStore>,
    question: impl FnOnce(&KeyStore) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let keys = keys.clone();
    match timeout(PATIENCE, spawn_blocking(move || question(&keys))).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::Hsm("its answer was broken off".into())),
        Err(_) => Err(Error::Hsm(format!(
            "no answer within {} s",
            PATIENCE.as_secs()
        ))),
    }
}

/// Shorter than an operation is leased for beyond the time of its step.
const PATIENCE: Duration = Duration::from_secs(60);
