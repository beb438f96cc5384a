//! The id that a card gives: a PIV card's GUID, a GIDS card's cardid. It is written
//! down before the card is asked to take it, since the card may give it without anybody
//! having heard that it does; until then the card is known by the one before, too.

use rand::{RngCore as _, rngs::OsRng};
use uuid::Builder;

use super::work::Work;
use crate::store::{self, Store, TokenId, Write, card};

/// For a card that is registered.
pub(super) async fn first(tx: &mut Write<'_>, work: &mut Work) -> store::Result<Vec<u8>> {
    let own = work.card.as_ref().map(|card| card.card_id.to_vec());
    next(tx, work, own.unwrap_or_default()).await
}

/// For a card whose contents change: Windows sees by it that they did.
pub(super) async fn another(tx: &mut Write<'_>, work: &mut Work) -> store::Result<Vec<u8>> {
    next(tx, work, fresh()).await
}

/// A card was taken for this one that is blank: it did not get the id that this one was
/// to get. Whichever did is not this one from now on.
pub(super) async fn not_given(store: &Store, token: TokenId) -> store::Result<()> {
    let mut tx = store.write().await?;
    if let Some(mut row) = card::get(&mut tx, token).await?
        && !row.next_id.is_empty()
    {
        row.next_id = fresh();
        card::put(&mut tx, &row).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn next(tx: &mut Write<'_>, work: &mut Work, made: Vec<u8>) -> store::Result<Vec<u8>> {
    let Some(row) = &mut work.card else {
        return Ok(made);
    };
    // An attempt that was cut off may have given it.
    if row.next_id.is_empty() {
        row.next_id = made;
        card::put(tx, row).await?;
    }
    Ok(row.next_id.clone())
}

fn fresh() -> Vec<u8> {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    Builder::from_random_bytes(bytes)
        .as_uuid()
        .as_bytes()
        .to_vec()
}
