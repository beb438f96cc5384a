//! Table `certificate`: key pairs made on cards, and how their certificates stand
//! at the certification authority and on the card.

use sqlx::sqlite::SqliteRow;

use super::{
    CertificateId, ConnectionId, Micros, OperationId, Reads, Result, TokenId, UserId, Write, row,
    words,
};

words! {
    /// What a key pair is made of.
    KeyAlgorithm {
        /// 2048 bits.
        Rsa2048 = "rsa2048",
        /// 3072 bits.
        Rsa3072 = "rsa3072",
        /// 4096 bits.
        Rsa4096 = "rsa4096",
        /// NIST P-256.
        P256 = "p256",
        /// NIST P-384.
        P384 = "p384",
        /// RFC 8032.
        Ed25519 = "ed25519",
    }
}

impl KeyAlgorithm {
    /// How a request for it is signed, in the words of the card interface.
    #[must_use]
    pub const fn signature(self) -> &'static str {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => "rsa-pkcs1-sha256",
            Self::P256 => "ecdsa-sha256",
            Self::P384 => "ecdsa-sha384",
            Self::Ed25519 => "ed25519",
        }
    }
}

words! {
    /// How it stands at the authority.
    State {
        /// The key is on the card; nobody was asked for a certificate.
        KeyMade = "key-made",
        /// The request is signed, and may have been sent.
        Requested = "requested",
        /// The authority takes its time.
        Pending = "pending",
        /// Issued.
        Valid = "valid",
        /// On hold.
        Held = "held",
        /// Revoked.
        Revoked = "revoked",
        /// Never issued.
        Rejected = "rejected",
    }
}

words! {
    /// How it stands on the card.
    OnCard {
        /// The key is there, without a certificate.
        Key = "key",
        /// Key and certificate are there.
        Present = "present",
        /// To be deleted as soon as the card is seen.
        ToDelete = "to-delete",
        /// Gone.
        Deleted = "deleted",
        /// There, and only a reset of the card removes it.
        Unreachable = "unreachable",
        /// Another one took its place.
        Replaced = "replaced",
    }
}

/// A certificate, or what is to become one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Of this row.
    pub id: CertificateId,
    /// On which token.
    pub token_id: TokenId,
    /// Whose.
    pub user_id: UserId,
    /// Made by which operation.
    pub operation_id: OperationId,
    /// Of which authority.
    pub connection_id: ConnectionId,
    /// Where on the card.
    pub container: String,
    /// Of the authority.
    pub profile: String,
    /// Of the key.
    pub algorithm: KeyAlgorithm,
    /// The one that logon takes.
    pub is_default: bool,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// What the card said of the key.
    pub attestation: String,
    /// CertificationRequestInfo while it is being signed; then the request. DER.
    pub request: Vec<u8>,
    /// How it stands at the authority.
    pub state: State,
    /// The authority's name of a request that waits.
    pub enrolment: String,
    /// Hexadecimal, lower case, without leading zeros.
    pub serial: String,
    /// RFC 4514.
    pub issuer: String,
    /// RFC 4514.
    pub subject: String,
    /// When it begins to count.
    pub not_before: Option<Micros>,
    /// When it no longer does.
    pub not_after: Option<Micros>,
    /// X.509; empty until it is issued.
    pub der: Vec<u8>,
    /// Why it is to be revoked; empty: it is not.
    pub revocation: String,
    /// How it stands on the card.
    pub on_card: OnCard,
    /// When the key was made.
    pub created_at: Micros,
    /// When the newest request for it left whose outcome nobody told, until the authority
    /// has been asked for a certificate that is not known here.
    pub lost_at: Option<Micros>,
}

/// A key on a card, and what its certificate is to be asked for.
#[derive(Clone, Debug)]
pub struct Key {
    /// On which token.
    pub token_id: TokenId,
    /// Whose.
    pub user_id: UserId,
    /// Of which operation.
    pub operation_id: OperationId,
    /// Of which authority.
    pub connection_id: ConnectionId,
    /// Where on the card.
    pub container: String,
    /// Of the authority.
    pub profile: String,
    /// Of the key.
    pub algorithm: KeyAlgorithm,
    /// The one that logon takes.
    pub is_default: bool,
    /// SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// What the card said of the key.
    pub attestation: String,
}

impl Certificate {
    /// What is to become one: nobody was asked for it.
    #[must_use]
    pub fn wanted(key: Key, now: Micros) -> Self {
        Self {
            id: CertificateId::new(),
            token_id: key.token_id,
            user_id: key.user_id,
            operation_id: key.operation_id,
            connection_id: key.connection_id,
            container: key.container,
            profile: key.profile,
            algorithm: key.algorithm,
            is_default: key.is_default,
            public_key: key.public_key,
            attestation: key.attestation,
            request: Vec::new(),
            state: State::KeyMade,
            enrolment: String::new(),
            serial: String::new(),
            issuer: String::new(),
            subject: String::new(),
            not_before: None,
            not_after: None,
            der: Vec::new(),
            revocation: String::new(),
            on_card: OnCard::Key,
            created_at: now,
            lost_at: None,
        }
    }

    /// Another one for the same key.
    #[must_use]
    pub fn another(&self, operation: OperationId, now: Micros) -> Self {
        let key = Key {
            token_id: self.token_id,
            user_id: self.user_id,
            operation_id: operation,
            connection_id: self.connection_id,
            container: self.container.clone(),
            profile: self.profile.clone(),
            algorithm: self.algorithm,
            is_default: self.is_default,
            public_key: self.public_key.clone(),
            attestation: self.attestation.clone(),
        };
        Self::wanted(key, now)
    }
}

/// Adds a certificate.
///
/// # Errors
/// When the database does.
pub async fn insert(tx: &mut Write<'_>, new: &Certificate) -> Result<()> {
    sqlx::query(
        "INSERT INTO certificate (id, token_id, user_id, operation_id, connection_id, container,
             profile, algorithm, is_default, public_key, attestation, request, state, enrolment,
             serial, issuer, subject, not_before, not_after, der, revocation, on_card, created_at,
             lost_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22, $23, $24)",
    )
    .bind(new.id)
    .bind(new.token_id)
    .bind(new.user_id)
    .bind(new.operation_id)
    .bind(new.connection_id)
    .bind(&new.container)
    .bind(&new.profile)
    .bind(new.algorithm.as_str())
    .bind(new.is_default)
    .bind(&new.public_key)
    .bind(&new.attestation)
    .bind(&new.request)
    .bind(new.state.as_str())
    .bind(&new.enrolment)
    .bind(&new.serial)
    .bind(&new.issuer)
    .bind(&new.subject)
    .bind(new.not_before.map(|at| at.0))
    .bind(new.not_after.map(|at| at.0))
    .bind(&new.der)
    .bind(&new.revocation)
    .bind(new.on_card.as_str())
    .bind(new.created_at.0)
    .bind(new.lost_at.map(|at| at.0))
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes what changes after the key was made.
///
/// # Errors
/// When the database does.
pub async fn update(tx: &mut Write<'_>, certificate: &Certificate) -> Result<()> {
    sqlx::query(
        "UPDATE certificate SET request = $2, state = $3, enrolment = $4, serial = $5, issuer = $6,
             subject = $7, not_before = $8, not_after = $9, der = $10, revocation = $11,
             on_card = $12, lost_at = $13, container = $14
         WHERE id = $1",
    )
    .bind(certificate.id)
    .bind(&certificate.request)
    .bind(certificate.state.as_str())
    .bind(&certificate.enrolment)
    .bind(&certificate.serial)
    .bind(&certificate.issuer)
    .bind(&certificate.subject)
    .bind(certificate.not_before.map(|at| at.0))
    .bind(certificate.not_after.map(|at| at.0))
    .bind(&certificate.der)
    .bind(&certificate.revocation)
    .bind(certificate.on_card.as_str())
    .bind(certificate.lost_at.map(|at| at.0))
    .bind(&certificate.container)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// By id.
///
/// # Errors
/// When the database does.
pub async fn get(from: &mut impl Reads, id: CertificateId) -> Result<Option<Certificate>> {
    sqlx::query("SELECT * FROM certificate WHERE id = $1")
        .bind(id)
        .fetch_optional(from.connection())
        .await?
        .map(|found| read(&found))
        .transpose()
}

/// Those of a token, oldest first.
///
/// # Errors
/// When the database does.
pub async fn of_token(from: &mut impl Reads, id: TokenId) -> Result<Vec<Certificate>> {
    sqlx::query("SELECT * FROM certificate WHERE token_id = $1 ORDER BY id")
        .bind(id)
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Those with this serial, whoever issued them; ten at most.
///
/// # Errors
/// When the database does.
pub async fn by_serial(from: &mut impl Reads, serial: &str) -> Result<Vec<Certificate>> {
    sqlx::query("SELECT * FROM certificate WHERE serial = $1 AND serial <> '' ORDER BY id LIMIT 10")
        .bind(serial)
        .fetch_all(from.connection())
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Those that are to be revoked and are not; also what the lost answer to a request may have
/// brought.
///
/// # Errors
/// When the database does.
pub async fn waiting_for_revocation(from: &mut impl Reads) -> Result<Vec<Certificate>> {
    sqlx::query(
        "SELECT * FROM certificate
         WHERE revocation <> '' AND state IN ('requested', 'pending', 'valid', 'held') ORDER BY id",
    )
    .fetch_all(from.connection())
    .await?
    .iter()
    .map(read)
    .collect()
}

/// How many there are of these.
///
/// # Errors
/// When the database does.
pub async fn count_waiting_for_revocation(from: &mut impl Reads) -> Result<u64> {
    let found = sqlx::query(
        "SELECT COUNT(*) AS waiting FROM certificate
         WHERE revocation <> '' AND state IN ('requested', 'pending', 'valid', 'held')",
    )
    .fetch_one(from.connection())
    .await?;
    row::count(&found, "waiting")
}

fn read(found: &SqliteRow) -> Result<Certificate> {
    Ok(Certificate {
        id: row::column(found, "id")?,
        token_id: row::column(found, "token_id")?,
        user_id: row::column(found, "user_id")?,
        operation_id: row::column(found, "operation_id")?,
        connection_id: row::column(found, "connection_id")?,
        container: row::column(found, "container")?,
        profile: row::column(found, "profile")?,
        algorithm: row::word(found, "algorithm")?,
        is_default: row::column(found, "is_default")?,
        public_key: row::column(found, "public_key")?,
        attestation: row::column(found, "attestation")?,
        request: row::column(found, "request")?,
        state: row::word(found, "state")?,
        enrolment: row::column(found, "enrolment")?,
        serial: row::column(found, "serial")?,
        issuer: row::column(found, "issuer")?,
        subject: row::column(found, "subject")?,
        not_before: row::maybe_time(found, "not_before")?,
        not_after: row::maybe_time(found, "not_after")?,
        der: row::column(found, "der")?,
        revocation: row::column(found, "revocation")?,
        on_card: row::word(found, "on_card")?,
        created_at: row::time(found, "created_at")?,
        lost_at: row::maybe_time(found, "lost_at")?,
    })
}
