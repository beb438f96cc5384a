//! Table `card`: what a token is as a smart card, and which admin key opens it.

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;

use super::{Error, Micros, Reads, Result, TokenId, Write, row, words};

words! {
    /// A card edge.
    Applet {
        /// NIST SP 800-73.
        Piv = "piv",
        /// Generic Identity Device Specification, with the minidriver's files.
        Gids = "gids",
    }
}

words! {
    /// What an admin key is a key of.
    Cipher {
        /// Three keys, 24 bytes.
        TripleDes = "3des",
        /// 16 bytes.
        Aes128 = "aes128",
        /// 24 bytes.
        Aes192 = "aes192",
        /// 32 bytes.
        Aes256 = "aes256",
    }
}

impl Cipher {
    /// Bytes of a key.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::TripleDes | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Bytes of a block.
    #[must_use]
    pub const fn block_length(self) -> usize {
        match self {
            Self::TripleDes => 8,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
        }
    }
}

/// A smart card.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Card {
    /// Which token it is.
    pub token_id: TokenId,
    /// The applet that we administer.
    pub applet: Applet,
    /// Its admin keys are derived from it.
    pub card_id: [u8; 16],
    /// What it gave as its own id when it was seen last; empty: none.
    pub shown_id: Vec<u8>,
    /// What it was last asked to give from then on, and may give; empty: nothing.
    pub next_id: Vec<u8>,
    /// The admin key it has; none: that of the factory.
    pub admin: Option<AdminKey>,
    /// The admin key it is to get, or has got in an attempt that was cut off.
    pub pending: Option<AdminKey>,
    /// Its PUK was told to somebody.
    pub puk_spent: bool,
    /// What is in it.
    pub containers: Vec<Container>,
    /// When somebody looked.
    pub inspected_at: Option<Micros>,
    /// When it was first taken for a card of ours.
    pub created_at: Micros,
}

/// Which of the keys that are derived for a card.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AdminKey {
    /// Of the card master key.
    pub generation: u32,
    /// What it is a key of.
    pub cipher: Cipher,
}

/// A container, as the card told of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[allow(
    missing_docs,
    reason = "agent.v1.Container, member by member; bytes as hexadecimal"
)]
pub struct Container {
    pub name: String,
    pub algorithm: String,
    pub public_key: String,
    pub certificate: String,
    pub made_on_card: Option<bool>,
}

/// Writes a card in the place of the one of the same token.
///
/// # Errors
/// When the database does.
pub async fn put(tx: &mut Write<'_>, card: &Card) -> Result<()> {
    sqlx::query(
        "INSERT INTO card (token_id, applet, card_id, shown_id, admin_generation, admin_cipher,
             pending_generation, pending_cipher, puk_spent, containers, inspected_at, created_at,
             next_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (token_id) DO UPDATE SET shown_id = $4, admin_generation = $5,
             admin_cipher = $6, pending_generation = $7, pending_cipher = $8, puk_spent = $9,
             containers = $10, inspected_at = $11, next_id = $13",
    )
    .bind(card.token_id)
    .bind(card.applet.as_str())
    .bind(card.card_id.as_slice())
    .bind(&card.shown_id)
    .bind(card.admin.map(|key| key.generation))
    .bind(card.admin.map(|key| key.cipher.as_str()))
    .bind(card.pending.map(|key| key.generation))
    .bind(card.pending.map(|key| key.cipher.as_str()))
    .bind(card.puk_spent)
    .bind(row::text_of("containers", &card.containers)?)
    .bind(card.inspected_at.map(|at| at.0))
    .bind(card.created_at.0)
    .bind(&card.next_id)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The card that a token is.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: TokenId) -> Result<Option<Card>> {
    sqlx::query("SELECT * FROM card WHERE token_id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// The card that gave this id last, or may give it by now; none where two did.
///
/// # Errors
/// When the database does.
pub async fn by_shown_id(from: &mut impl Reads, id: &[u8]) -> Result<Option<Card>> {
    let either = "SELECT * FROM card WHERE $1 <> x'' AND (shown_id = $1 OR next_id = $1) LIMIT 2";
    let found = sqlx::query(either)
        .bind(id)
        .fetch_all(from.connection())
        .await?;
    match found.as_slice() {
        [one] => read(one).map(Some),
        _ => Ok(None),
    }
}

/// Every card, by token.
///
/// # Errors
/// When the database does.
pub async fn list(from: &mut impl Reads) -> Result<Vec<Card>> {
    sqlx::query("SELECT * FROM card ORDER BY token_id")
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// It is no card of ours any more.
///
/// # Errors
/// When the database does.
pub async fn delete(tx: &mut Write<'_>, id: TokenId) -> Result<()> {
    sqlx::query("DELETE FROM card WHERE token_id = $1")
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn read(found: &SqliteRow) -> Result<Card> {
    let card_id: Vec<u8> = row::column(found, "card_id")?;
    Ok(Card {
        token_id: row::column(found, "token_id")?,
        applet: row::word(found, "applet")?,
        card_id: card_id
            .try_into()
            .map_err(|_| Error::Corrupt { column: "card_id" })?,
        shown_id: row::column(found, "shown_id")?,
        next_id: row::column(found, "next_id")?,
        admin: key(found, "admin_generation", "admin_cipher")?,
        pending: key(found, "pending_generation", "pending_cipher")?,
        puk_spent: row::column(found, "puk_spent")?,
        containers: row::document(found, "containers")?,
        inspected_at: row::maybe_time(found, "inspected_at")?,
        created_at: row::time(found, "created_at")?,
    })
}

fn key(
    found: &SqliteRow,
    generation: &'static str,
    cipher: &'static str,
) -> Result<Option<AdminKey>> {
    let Some(generation) = row::column::<Option<u32>>(found, generation)? else {
        return Ok(None);
    };
    let cipher = row::word(found, cipher)?;
    Ok(Some(AdminKey { generation, cipher }))
}
