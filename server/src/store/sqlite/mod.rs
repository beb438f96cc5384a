//! Opening a SQLite file: write-ahead log, `synchronous=FULL`, foreign keys, migrations.
//!
//! Migrations go forward only. A file that a newer release has migrated is refused.

use std::{borrow::Cow, path::Path, time::Duration};

use sqlx::{
    SqlSafeStr as _, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Error, Result};

/// The writer's pool of one, and the readers'.
pub(super) async fn open(path: &Path) -> Result<(SqlitePool, SqlitePool)> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An outcome that a token has given must survive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is erased is overwritten, sealed as it was.
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(WAIT)
        .connect_with(options.clone())
        .await?;
    migrate(&writer, MIGRATIONS).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(WAIT)
        .connect_with(options.create_if_missing(false).read_only(true))
        .await?;
    Ok((writer, readers))
}

/// `VACUUM INTO`: a consistent copy without stopping the writer.
pub(super) async fn copy(readers: &SqlitePool, path: &Path) -> Result<()> {
    if path.exists() {
        return Err(Error::File {
            path: path.to_owned(),
            source: std::io::ErrorKind::AlreadyExists.into(),
        });
    }
    let name = path.to_str().ok_or_else(|| Error::File {
        path: path.to_owned(),
        source: std::io::ErrorKind::InvalidInput.into(),
    })?;
    sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(readers)
        .await?;
    Ok(())
}

async fn migrate(writer: &SqlitePool, known: &[(i64, &'static str, &'static str)]) -> Result<()> {
    let migrations = known
        .iter()
        .map(|&(version, description, sql)| {
            Migration::new(
                version,
                Cow::Borrowed(description),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
        .run(writer)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(found) => Error::NewerSchema {
                found,
                known: known.last().map_or(0, |last| last.0),
            },
            other => Error::Migration(other),
        })
}

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "begin", include_str!("migrations/0001_begin.sql")),
    (2, "cards", include_str!("migrations/0002_cards.sql")),
    (
        3,
        "answered challenges",
        include_str!("migrations/0003_answered_challenges.sql"),
    ),
    (4, "next id", include_str!("migrations/0004_next_id.sql")),
    (
        5,
        "lost answer",
        include_str!("migrations/0005_lost_answer.sql"),
    ),
];

const READERS: u32 = 4;
const BUSY: Duration = Duration::from_secs(5);
const WAIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_older_releases_wrote_is_there_after_each_migration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .foreign_keys(true);
        let old = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .unwrap();
        migrate(&old, &MIGRATIONS[..1]).await.unwrap();
        for row in [
            "INSERT INTO connection VALUES ('c', 'sta', 'sta', '{}', x'', NULL, NULL, 1)",
            "INSERT INTO template VALUES ('t', 'staff', 'c', '{}', 2)",
            "INSERT INTO token (id, serial, model, aaguid, virtual, state, template_id, facts,
                 created_at)
             VALUES ('k', 's', 'm', x'00', 0, 'issued', 't', '{}', 3)",
        ] {
            sqlx::query(row).execute(&old).await.unwrap();
        }
        old.close().await;
        let (writer, _readers) = open(&path).await.unwrap();
        let found: (String, Option<String>) =
            sqlx::query_as("SELECT name, connection_id FROM template WHERE id = 't'")
                .fetch_one(&writer)
                .await
                .unwrap();
        assert_eq!(found, ("staff".into(), Some("c".into())));
        let held = sqlx::query("DELETE FROM template").execute(&writer).await;
        assert!(held.is_err(), "a token refers to it, as before");
        let broken = sqlx::query("PRAGMA foreign_key_check")
            .fetch_all(&writer)
            .await
            .unwrap();
        assert!(broken.is_empty());
    }
}
