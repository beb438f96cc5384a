//! Tables `token` and `token_history`: security keys and cards, and how they came to be
//! in the state they are in.

mod facts;
mod history;

pub use facts::{CardFacts, Facts, Inspected};
pub use history::{Change, add_change, history};

use sqlx::sqlite::SqliteRow;

use super::{
    Error, HostId, Listed, Micros, Page, Reads, Result, TemplateId, TokenId, TokenTypeId, UserId,
    Write, row, words,
};

words! {
    /// Where a token is in its life. Which moves are allowed is `lifecycle`'s.
    State {
        /// Seen, and of no token type that registers it.
        Unregistered = "unregistered",
        /// Ready to be issued.
        Registered = "registered",
        /// Credentials exist, the PIN has not been handed over.
        Issued = "issued",
        /// The PIN has been handed over, whatever the IdP's own state says.
        Active = "active",
        /// Credentials are on hold at the IdP.
        Suspended = "suspended",
        /// Credentials are gone at the IdP; on the token, as soon as it is seen.
        Revoked = "revoked",
        /// Out of use.
        Retired = "retired",
    }
}

/// A security key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token {
    /// Ours.
    pub id: TokenId,
    /// `vendor:product:serial`; none where the token tells no serial, and is
    /// known again by the credentials that we issued.
    pub identity: Option<String>,
    /// As the link reports it; empty where it reports none.
    pub serial: String,
    /// What the link calls the product.
    pub model: String,
    /// Names the model. CTAP 2.3 section 6.4.
    pub aaguid: [u8; 16],
    /// In software.
    pub is_virtual: bool,
    /// As what it was registered.
    pub token_type_id: Option<TokenTypeId>,
    /// Where it is in its life.
    pub state: State,
    /// Something is on it that only a reset removes, or a PIN that nobody knows.
    pub needs_reset: bool,
    /// To whom it is issued.
    pub user_id: Option<UserId>,
    /// By which template.
    pub template_id: Option<TemplateId>,
    /// Where it was seen last.
    pub host_id: Option<HostId>,
    /// As the agent there called it, from that plug-in to its unplug; never used again.
    pub presence_id: Option<String>,
    /// What it said of itself then.
    pub facts: Facts,
    /// When that was.
    pub last_seen_at: Option<Micros>,
    /// When it was seen first.
    pub created_at: Micros,
}

/// Which tokens to list; `None` is any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs, reason = "the columns")]
pub struct Filter {
    pub state: Option<State>,
    pub user_id: Option<UserId>,
    pub host_id: Option<HostId>,
    pub token_type_id: Option<TokenTypeId>,
}

/// Adds a token.
///
/// # Errors
/// [`Error::Duplicate`] when one with the same identity is known.
pub async fn insert(tx: &mut Write<'_>, new: &Token) -> Result<()> {
    sqlx::query(
        "INSERT INTO token (id, identity, serial, model, aaguid, virtual, token_type_id, state,
             needs_reset, user_id, template_id, host_id, facts, last_seen_at, created_at,
             presence_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(new.id)
    .bind(&new.identity)
    .bind(&new.serial)
    .bind(&new.model)
    .bind(new.aaguid.as_slice())
    .bind(new.is_virtual)
    .bind(new.token_type_id)
    .bind(new.state.as_str())
    .bind(new.needs_reset)
    .bind(new.user_id)
    .bind(new.template_id)
    .bind(new.host_id)
    .bind(row::text_of("facts", &new.facts)?)
    .bind(new.last_seen_at.map(|at| at.0))
    .bind(new.created_at.0)
    .bind(&new.presence_id)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes every column but id, identity and age.
///
/// # Errors
/// When the database does.
pub async fn update(tx: &mut Write<'_>, token: &Token) -> Result<()> {
    sqlx::query(
        "UPDATE token SET serial = $2, model = $3, aaguid = $4, virtual = $5, token_type_id = $6,
             state = $7, needs_reset = $8, user_id = $9, template_id = $10, host_id = $11,
             facts = $12, last_seen_at = $13, presence_id = $14
         WHERE id = $1",
    )
    .bind(token.id)
    .bind(&token.serial)
    .bind(&token.model)
    .bind(token.aaguid.as_slice())
    .bind(token.is_virtual)
    .bind(token.token_type_id)
    .bind(token.state.as_str())
    .bind(token.needs_reset)
    .bind(token.user_id)
    .bind(token.template_id)
    .bind(token.host_id)
    .bind(row::text_of("facts", &token.facts)?)
    .bind(token.last_seen_at.map(|at| at.0))
    .bind(&token.presence_id)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: TokenId) -> Result<Option<Token>> {
    sqlx::query("SELECT * FROM token WHERE id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// By `vendor:product:serial`.
///
/// # Errors
/// When the database does.
pub async fn by_identity(from: &mut impl Reads, identity: &str) -> Result<Option<Token>> {
    sqlx::query("SELECT * FROM token WHERE identity = $1")
        .bind(identity)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// A card without a serial of its own is known by this from now on, unless another is.
///
/// # Errors
/// When the database does.
pub async fn know_as(tx: &mut Write<'_>, id: TokenId, identity: &str) -> Result<()> {
    sqlx::query(
        "UPDATE token SET identity = $2 WHERE id = $1
             AND (identity IS NULL OR identity LIKE 'card:%')
             AND NOT EXISTS (SELECT 1 FROM token WHERE identity = $2)",
    )
    .bind(id)
    .bind(identity)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The token that an agent saw under this name before: from plug-in to unplug it
/// is the same one.
///
/// # Errors
/// When the database does.
pub async fn by_presence(
    from: &mut impl Reads,
    host: HostId,
    presence_id: &str,
) -> Result<Option<Token>> {
    sqlx::query("SELECT * FROM token WHERE host_id = $1 AND presence_id = $2")
        .bind(host)
        .bind(presence_id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// What a person calls a token: an id, the beginning of one (4 characters or
/// more), or a serial. More than one when that is ambiguous; ten at most.
///
/// # Errors
/// When the database does.
pub async fn find(from: &mut impl Reads, named: &str) -> Result<Vec<Token>> {
    let beginning = named.to_ascii_lowercase();
    let is_beginning = beginning.len() >= 4
        && beginning
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    sqlx::query(
        "SELECT * FROM token WHERE (serial = $1 AND serial <> '') OR ($2 AND id LIKE $3)
         ORDER BY id LIMIT 10",
    )
    .bind(named)
    .bind(is_beginning)
    .bind(format!("{beginning}%"))
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Tokens of this model that tell no serial.
///
/// # Errors
/// When the database does.
pub async fn without_identity(from: &mut impl Reads, aaguid: &[u8; 16]) -> Result<Vec<Token>> {
    sqlx::query("SELECT * FROM token WHERE identity IS NULL AND aaguid = $1 ORDER BY id")
        .bind(aaguid.as_slice())
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// A page of tokens.
///
/// # Errors
/// When the database does.
pub async fn list(
    from: &mut impl Reads,
    filter: &Filter,
    page: Page<TokenId>,
) -> Result<Listed<Token, TokenId>> {
    let found = sqlx::query(
        "SELECT * FROM token
         WHERE ($1 IS NULL OR id > $1) AND ($2 IS NULL OR state = $2)
             AND ($3 IS NULL OR user_id = $3) AND ($4 IS NULL OR host_id = $4)
             AND ($5 IS NULL OR token_type_id = $5)
         ORDER BY id LIMIT $6",
    )
    .bind(page.after)
    .bind(filter.state.map(State::as_str))
    .bind(filter.user_id)
    .bind(filter.host_id)
    .bind(filter.token_type_id)
    .bind(page.limit())
    .fetch_all(from.connection())
    .await?;
    let rows = found.iter().map(read).collect::<Result<_>>()?;
    Ok(page.close(rows, |token: &Token| token.id))
}

fn read(found: &SqliteRow) -> Result<Token> {
    let aaguid: Vec<u8> = row::column(found, "aaguid")?;
    Ok(Token {
        id: row::column(found, "id")?,
        identity: row::column(found, "identity")?,
        serial: row::column(found, "serial")?,
        model: row::column(found, "model")?,
        aaguid: aaguid
            .try_into()
            .map_err(|_| Error::Corrupt { column: "aaguid" })?,
        is_virtual: row::column(found, "virtual")?,
        token_type_id: row::column(found, "token_type_id")?,
        state: row::word(found, "state")?,
        needs_reset: row::column(found, "needs_reset")?,
        user_id: row::column(found, "user_id")?,
        template_id: row::column(found, "template_id")?,
        host_id: row::column(found, "host_id")?,
        presence_id: row::column(found, "presence_id")?,
        facts: row::document(found, "facts")?,
        last_seen_at: row::maybe_time(found, "last_seen_at")?,
        created_at: row::time(found, "created_at")?,
    })
}
