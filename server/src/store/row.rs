//! Columns to values: words, documents, times, flags.

use core::str::FromStr;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{ColumnIndex, Decode, Row as _, Sqlite, Type, sqlite::SqliteRow};

use super::{Error, Micros, Result};

/// A column of a type that the database knows.
pub(super) fn column<'r, T>(row: &'r SqliteRow, name: &'static str) -> Result<T>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
    &'static str: ColumnIndex<SqliteRow>,
{
    row.try_get(name).map_err(|error| match error {
        sqlx::Error::ColumnDecode { .. } => Error::Corrupt { column: name },
        other => other.into(),
    })
}

/// A word of a closed list.
pub(super) fn word<T: FromStr>(row: &SqliteRow, name: &'static str) -> Result<T> {
    let text: &str = column(row, name)?;
    text.parse().map_err(|_| Error::Corrupt { column: name })
}

/// A JSON document.
pub(super) fn document<T: DeserializeOwned>(row: &SqliteRow, name: &'static str) -> Result<T> {
    let text: &str = column(row, name)?;
    serde_json::from_str(text).map_err(|_| Error::Corrupt { column: name })
}

/// Text of a document, for binding.
pub(super) fn text_of<T: Serialize>(name: &'static str, document: &T) -> Result<String> {
    serde_json::to_string(document).map_err(|_| Error::Corrupt { column: name })
}

pub(super) fn time(row: &SqliteRow, name: &'static str) -> Result<Micros> {
    column(row, name).map(Micros)
}

pub(super) fn maybe_time(row: &SqliteRow, name: &'static str) -> Result<Option<Micros>> {
    Ok(column::<Option<i64>>(row, name)?.map(Micros))
}

pub(super) fn count(row: &SqliteRow, name: &'static str) -> Result<u64> {
    let number: i64 = column(row, name)?;
    u64::try_from(number).map_err(|_| Error::Corrupt { column: name })
}

/// A closed list of words: one spelling for the database, the interface and people.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As written in the database and the public interface.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = crate::store::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(crate::store::UnknownWord { allowed: &[$($word),*] }),
                }
            }
        }
    };
}
pub(crate) use words;

/// A word that is not in the list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("allowed are {}", allowed.join(", "))]
pub struct UnknownWord {
    /// The list.
    pub allowed: &'static [&'static str],
}
