//! Table `user`: the people tokens are issued to.

use sqlx::sqlite::SqliteRow;

use super::{Error, Listed, Micros, Page, Reads, Result, UserId, Write, row};

/// A person.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "server.v1.User, member by member")]
pub struct User {
    pub id: UserId,
    /// Unique but for case.
    pub user_name: String,
    pub mail: String,
    pub given_name: String,
    pub sn: String,
    pub sam_account_name: Option<String>,
    pub user_principal_name: Option<String>,
    pub display_name: String,
    /// Where the row comes from: `file`.
    pub source: String,
    /// The user handle of their credentials: random, says nothing about them.
    pub webauthn_id: [u8; 32],
    pub created_at: Micros,
}

/// What an import did with a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Imported {
    /// The user name was new.
    Created,
    /// Something differed.
    Updated,
    /// Nothing did.
    Unchanged,
}

/// Adds the user, or brings the one with this user name up to date; its id,
/// handle and age stay.
///
/// # Errors
/// When the database does.
pub async fn import(tx: &mut Write<'_>, user: &User) -> Result<Imported> {
    if let Some(mut old) = by_user_name(tx, &user.user_name).await? {
        let new = User {
            id: old.id,
            webauthn_id: old.webauthn_id,
            created_at: old.created_at,
            ..user.clone()
        };
        if new == old {
            return Ok(Imported::Unchanged);
        }
        old = new;
        sqlx::query(
            "UPDATE user SET user_name = $2, mail = $3, given_name = $4, sn = $5,
                 sam_account_name = $6, user_principal_name = $7, display_name = $8, source = $9
             WHERE id = $1",
        )
        .bind(old.id)
        .bind(&old.user_name)
        .bind(&old.mail)
        .bind(&old.given_name)
        .bind(&old.sn)
        .bind(&old.sam_account_name)
        .bind(&old.user_principal_name)
        .bind(&old.display_name)
        .bind(&old.source)
        .execute(tx.connection())
        .await?;
        return Ok(Imported::Updated);
    }
    sqlx::query(
        "INSERT INTO user (id, user_name, mail, given_name, sn, sam_account_name,
             user_principal_name, display_name, source, webauthn_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(user.id)
    .bind(&user.user_name)
    .bind(&user.mail)
    .bind(&user.given_name)
    .bind(&user.sn)
    .bind(&user.sam_account_name)
    .bind(&user.user_principal_name)
    .bind(&user.display_name)
    .bind(&user.source)
    .bind(user.webauthn_id.as_slice())
    .bind(user.created_at.0)
    .execute(tx.connection())
    .await?;
    Ok(Imported::Created)
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: UserId) -> Result<Option<User>> {
    sqlx::query("SELECT * FROM user WHERE id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// By user name, whatever its case.
///
/// # Errors
/// When the database does.
pub async fn by_user_name(from: &mut impl Reads, name: &str) -> Result<Option<User>> {
    sqlx::query("SELECT * FROM user WHERE user_name = $1")
        .bind(name)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// Everyone with this address, whatever its case; two people may share one.
///
/// # Errors
/// When the database does.
pub async fn by_mail(from: &mut impl Reads, mail: &str) -> Result<Vec<User>> {
    sqlx::query("SELECT * FROM user WHERE LOWER(mail) = LOWER($1) ORDER BY id")
        .bind(mail)
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// A page of users; `contains` is part of user name, mail or display name.
///
/// # Errors
/// When the database does.
pub async fn list(
    from: &mut impl Reads,
    contains: Option<&str>,
    page: Page<UserId>,
) -> Result<Listed<User, UserId>> {
    // Escaped, so that a '%' is looked for and not a wildcard.
    let pattern = contains.map(|part| {
        let part = part.replace('\\', "\\\\").replace('%', "\\%");
        format!("%{}%", part.replace('_', "\\_"))
    });
    let found = sqlx::query(
        "SELECT * FROM user
         WHERE ($1 IS NULL OR id > $1) AND ($2 IS NULL OR user_name LIKE $2 ESCAPE '\\'
             OR mail LIKE $2 ESCAPE '\\' OR display_name LIKE $2 ESCAPE '\\')
         ORDER BY id LIMIT $3",
    )
    .bind(page.after)
    .bind(pattern)
    .bind(page.limit())
    .fetch_all(from.connection())
    .await?;
    let rows = found.iter().map(read).collect::<Result<_>>()?;
    Ok(page.close(rows, |user: &User| user.id))
}

fn read(found: &SqliteRow) -> Result<User> {
    let handle: Vec<u8> = row::column(found, "webauthn_id")?;
    Ok(User {
        id: row::column(found, "id")?,
        user_name: row::column(found, "user_name")?,
        mail: row::column(found, "mail")?,
        given_name: row::column(found, "given_name")?,
        sn: row::column(found, "sn")?,
        sam_account_name: row::column(found, "sam_account_name")?,
        user_principal_name: row::column(found, "user_principal_name")?,
        display_name: row::column(found, "display_name")?,
        source: row::column(found, "source")?,
        webauthn_id: handle.try_into().map_err(|_| Error::Corrupt {
            column: "webauthn_id",
        })?,
        created_at: row::time(found, "created_at")?,
    })
}
