//! What a card waits for that nobody asks for.

use crate::{
    lifecycle::TokenState,
    operation::{Ask, Inner, Request},
    store::{
        self, TokenId, Write,
        card::{self, Card},
        card_master_key,
        token::{self, Token},
    },
};

impl Inner {
    /// Whether a card waits for something that nobody asks for: a PUK that was told to
    /// somebody, or an admin key of an older generation.
    pub(super) async fn behind(&self, from: &mut Write<'_>, row: &Token) -> store::Result<bool> {
        let Some(card) = card::get(from, row.id).await? else {
            return Ok(false);
        };
        Ok(card.puk_spent || self.has_older_key(from, row, &card).await?)
    }

    async fn has_older_key(
        &self,
        from: &mut Write<'_>,
        row: &Token,
        card: &Card,
    ) -> store::Result<bool> {
        let in_use = !matches!(row.state, TokenState::Unregistered | TokenState::Retired);
        let newest = card_master_key::list(from).await?;
        let newest = newest.last().map(|row| row.generation);
        Ok(in_use && card.admin.is_some_and(|key| Some(key.generation) < newest))
    }

    /// Starts that, unless another operation has the card.
    pub(in crate::operation) async fn move_on(&self, id: TokenId) -> store::Result<()> {
        let mut tx = self.store.write().await?;
        let row = token::get(&mut tx, id).await?;
        let card = card::get(&mut tx, id).await?;
        let (Some(row), Some(card)) = (row, card) else {
            return Ok(());
        };
        let ask = match () {
            () if card.puk_spent => Ask::RotatePuk { token: id },
            () if self.has_older_key(&mut tx, &row, &card).await? => {
                Ask::ChangeAdminKey { token: id }
            }
            () => return Ok(()),
        };
        drop(tx);
        let request = Request {
            id: None,
            ask,
            batch: None,
            valid_for: None,
        };
        match self.accept(&request, "system").await {
            Ok(_) => self.due.notify_one(),
            // It is asked again when the card is seen next.
            Err(why) => tracing::debug!(token = %id, %why, "the card stays as it is"),
        }
        Ok(())
    }
}
