//! From intent to end: the writes of one attempt.

use std::sync::Arc;

use super::{
    ATTEMPTS, Course, Intent, Journal, JournalError, Memory, Record, State, StepKey, storage,
};
use redb::ReadableTable as _;

/// What [`Journal::begin`] found.
#[derive(Debug)]
pub enum Begun {
    /// Nothing was there. The intent is on disk; go on.
    Fresh(Attempt),
    /// The key was used before.
    Before(Box<Record>),
}

/// Proof that an intent is on disk. Dropped without [`finish`](Self::finish), the attempt is cut
/// off, and a look at the token has to settle it.
#[derive(Debug)]
pub struct Attempt {
    journal: Arc<Journal>,
    key: StepKey,
}

impl Journal {
    /// Writes an intent and syncs it, unless the key was used before. `state` is where it starts:
    /// [`State::Waiting`] or [`State::Started`].
    pub fn begin(
        self: &Arc<Self>,
        key: &StepKey,
        intent: Intent,
        state: State,
        now_us: i64,
    ) -> Result<Begun, JournalError> {
        let before = self.write(|transaction| {
            let mut table = transaction.open_table(ATTEMPTS).map_err(storage)?;
            if let Some(value) = table.get(key.as_tuple()).map_err(storage)? {
                return Record::decode(value.value()).map(Some);
            }
            let record = Record {
                intent,
                state,
                started_at_us: now_us,
                ended_at_us: 0,
                acknowledged_at_us: 0,
            };
            table
                .insert(key.as_tuple(), record.encode()?.as_slice())
                .map_err(storage)?;
            Ok(None)
        });
        if let Some(record) = before? {
            return Ok(Begun::Before(Box::new(record)));
        }
        self.unsettled().insert(key.clone(), Course::Running);
        Ok(Begun::Fresh(Attempt {
            journal: Arc::clone(self),
            key: key.clone(),
        }))
    }

    /// Writes the end that a look at the token found for an attempt that was cut off, and what is
    /// to be remembered or forgotten with it.
    pub fn settle(
        &self,
        key: &StepKey,
        end: State,
        memory: Option<&Memory>,
        now_us: i64,
    ) -> Result<(), JournalError> {
        self.update(key, memory, |record| {
            if !record.state.is_settled() {
                record.state = end;
                record.ended_at_us = now_us;
            }
        })?;
        self.unsettled().remove(key);
        Ok(())
    }

    fn update(
        &self,
        key: &StepKey,
        memory: Option<&Memory>,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), JournalError> {
        self.write(|transaction| {
            if let Some(memory) = memory {
                memory.write(transaction)?;
            }
            let mut table = transaction.open_table(ATTEMPTS).map_err(storage)?;
            let found = table.get(key.as_tuple()).map_err(storage)?;
            let Some(mut record) = found
                .map(|value| Record::decode(value.value()))
                .transpose()?
            else {
                return Ok(());
            };
            change(&mut record);
            table
                .insert(key.as_tuple(), record.encode()?.as_slice())
                .map_err(storage)?;
            Ok(())
        })
    }
}

impl Attempt {
    /// The key it runs under.
    #[must_use]
    pub const fn key(&self) -> &StepKey {
        &self.key
    }

    /// The person has done their part: from here on the token may see bytes.
    pub fn mark_sent(&self) -> Result<(), JournalError> {
        self.journal
            .update(&self.key, None, |record| record.state = State::Started)
    }

    /// Writes the end and syncs it, with what is to be remembered or forgotten. After an error the
    /// attempt counts as cut off.
    pub fn finish(
        self,
        end: State,
        memory: Option<&Memory>,
        now_us: i64,
    ) -> Result<(), JournalError> {
        self.journal.settle(&self.key, end, memory, now_us)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(course) = self.journal.unsettled().get_mut(&self.key) {
            *course = Course::CutOff;
        }
    }
}
