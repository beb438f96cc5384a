//! Table `credential`: what was made on tokens, and how it stands at the IdP.

use sqlx::sqlite::SqliteRow;

use super::{
    ConnectionId, CredentialId, Error, Micros, OperationId, Reads, Result, TokenId, UserId, Write,
    row, words,
};

words! {
    /// How it stands on the token.
    OnToken {
        /// There.
        Present = "present",
        /// There, and to be deleted as soon as the token is seen.
        ToDelete = "to-delete",
        /// Gone.
        Deleted = "deleted",
        /// There, and only a reset removes it.
        Unreachable = "unreachable",
    }
}

/// A credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// Of this row.
    pub id: CredentialId,
    /// On which token.
    pub token_id: TokenId,
    /// Whose.
    pub user_id: UserId,
    /// Made by which operation.
    pub operation_id: OperationId,
    /// For which IdP.
    pub connection_id: ConnectionId,
    /// For which relying party.
    pub rp_id: String,
    /// WebAuthn's credential id.
    pub credential_id: Vec<u8>,
    /// COSE_Key, as the token gave it.
    pub public_key: Vec<u8>,
    /// Of the token, as attested.
    pub aaguid: [u8; 16],
    /// When it was made.
    pub sign_count: u32,
    /// As the token gave it.
    pub attestation_object: Vec<u8>,
    /// The JSON whose hash the token signed.
    pub client_data: Vec<u8>,
    /// In it.
    pub origin: String,
    /// How it is called at the IdP.
    pub friendly_name: String,
    /// What the attestation proved: `packed, rooted in "..."`; empty until checked.
    pub attestation: String,
    /// The user's id at the IdP.
    pub idp_user_id: Option<String>,
    /// Its own id at the IdP.
    pub idp_authenticator_id: Option<String>,
    /// As the IdP said last: `pending`, `active`, `suspended`, `absent`.
    pub idp_state: Option<String>,
    /// How it stands on the token.
    pub on_token: OnToken,
    /// When it was made.
    pub created_at: Micros,
}

/// Adds a credential.
///
/// # Errors
/// [`Error::Duplicate`] for a credential id that is known.
pub async fn insert(tx: &mut Write<'_>, new: &Credential) -> Result<()> {
    sqlx::query(
        "INSERT INTO credential (id, token_id, user_id, operation_id, connection_id, rp_id,
             credential_id, public_key, aaguid, sign_count, attestation_object, client_data,
             origin, friendly_name, attestation, idp_user_id, idp_authenticator_id, idp_state,
             on_token, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20)",
    )
    .bind(new.id)
    .bind(new.token_id)
    .bind(new.user_id)
    .bind(new.operation_id)
    .bind(new.connection_id)
    .bind(&new.rp_id)
    .bind(&new.credential_id)
    .bind(&new.public_key)
    .bind(new.aaguid.as_slice())
    .bind(new.sign_count)
    .bind(&new.attestation_object)
    .bind(&new.client_data)
    .bind(&new.origin)
    .bind(&new.friendly_name)
    .bind(&new.attestation)
    .bind(&new.idp_user_id)
    .bind(&new.idp_authenticator_id)
    .bind(&new.idp_state)
    .bind(new.on_token.as_str())
    .bind(new.created_at.0)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes what changes after it was made: attestation, IdP, token.
///
/// # Errors
/// When the database does.
pub async fn update(tx: &mut Write<'_>, credential: &Credential) -> Result<()> {
    sqlx::query(
        "UPDATE credential SET attestation = $2, idp_user_id = $3, idp_authenticator_id = $4,
             idp_state = $5, on_token = $6
         WHERE id = $1",
    )
    .bind(credential.id)
    .bind(&credential.attestation)
    .bind(&credential.idp_user_id)
    .bind(&credential.idp_authenticator_id)
    .bind(&credential.idp_state)
    .bind(credential.on_token.as_str())
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Removes the row of a credential that nobody was ever told of.
///
/// # Errors
/// When the database does.
pub async fn delete(tx: &mut Write<'_>, id: CredentialId) -> Result<()> {
    sqlx::query("DELETE FROM credential WHERE id = $1")
        .bind(id)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Those of a token, oldest first.
///
/// # Errors
/// When the database does.
pub async fn of_token(from: &mut impl Reads, id: TokenId) -> Result<Vec<Credential>> {
    sqlx::query("SELECT * FROM credential WHERE token_id = $1 ORDER BY id")
        .bind(id)
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// By WebAuthn's credential id.
///
/// # Errors
/// When the database does.
pub async fn by_credential_id(from: &mut impl Reads, id: &[u8]) -> Result<Option<Credential>> {
    sqlx::query("SELECT * FROM credential WHERE credential_id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

fn read(found: &SqliteRow) -> Result<Credential> {
    let aaguid: Vec<u8> = row::column(found, "aaguid")?;
    Ok(Credential {
        id: row::column(found, "id")?,
        token_id: row::column(found, "token_id")?,
        user_id: row::column(found, "user_id")?,
        operation_id: row::column(found, "operation_id")?,
        connection_id: row::column(found, "connection_id")?,
        rp_id: row::column(found, "rp_id")?,
        credential_id: row::column(found, "credential_id")?,
        public_key: row::column(found, "public_key")?,
        aaguid: aaguid
            .try_into()
            .map_err(|_| Error::Corrupt { column: "aaguid" })?,
        sign_count: row::column(found, "sign_count")?,
        attestation_object: row::column(found, "attestation_object")?,
        client_data: row::column(found, "client_data")?,
        origin: row::column(found, "origin")?,
        friendly_name: row::column(found, "friendly_name")?,
        attestation: row::column(found, "attestation")?,
        idp_user_id: row::column(found, "idp_user_id")?,
        idp_authenticator_id: row::column(found, "idp_authenticator_id")?,
        idp_state: row::column(found, "idp_state")?,
        on_token: row::word(found, "on_token")?,
        created_at: row::time(found, "created_at")?,
    })
}
