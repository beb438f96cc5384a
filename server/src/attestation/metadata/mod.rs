//! FIDO metadata, from a file: which models there are, their roots, and which of
//! them were broken. FIDO Metadata Service 3.1.
//!
//! ```text
//!  file ─> JWS ─> certificates of the header ─> the root of the settings
//!           └───> signature ─> payload ─> entries by AAGUID and key identifier
//! ```
//!
//! Nothing is fetched. A file with any fault is refused whole, when the server
//! starts; one whose next update is overdue still reads, and the settings say
//! whether it is believed.

mod entry;
mod error;
mod jws;

pub use entry::Listed;
pub use error::MetadataFault;

use super::{Refusal, certificate::Certificate, key::sha1, trust::Root};
pub(super) use entry::Entry;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use std::collections::HashMap;
use uuid::Uuid;

/// A blob whose signature leads to its root.
#[derive(Debug)]
pub struct Metadata {
    number: u64,
    next_update: Date,
    stale: Stale,
    entries: Vec<Entry>,
    by_aaguid: HashMap<[u8; 16], usize>,
    by_key_identifier: HashMap<[u8; 20], usize>,
}

/// What becomes of metadata whose next update is overdue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stale {
    /// They are not believed.
    #[default]
    Refuse,
    /// They are believed, and the log says that they are old.
    Warn,
}

/// Who signs the metadata.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Its certificate must lead to one of these.
    pub roots: &'a [Root],
    /// And be for this name: the root is that of a public CA, which certifies others too.
    pub name: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    no: u64,
    next_update: String,
    #[serde(borrow)]
    entries: Vec<entry::Wire<'a>>,
}

impl Metadata {
    /// Reads a blob, and believes it where it is signed by `signer`.
    ///
    /// # Errors
    /// What is wrong with it. Nothing of it is kept then.
    pub fn read(
        blob: &[u8],
        signer: Signer<'_>,
        stale: Stale,
        now: Timestamp,
    ) -> Result<Self, MetadataFault> {
        let payload = jws::verify(blob, signer, now)?;
        let payload: Payload<'_> =
            serde_json::from_slice(&payload).map_err(|error| MetadataFault::Payload {
                why: error.to_string(),
            })?;
        let next_update = payload
            .next_update
            .parse()
            .map_err(|_| MetadataFault::NextUpdate {
                found: payload.next_update.clone(),
            })?;
        let mut metadata = Self {
            number: payload.no,
            next_update,
            stale,
            entries: Vec::with_capacity(payload.entries.len()),
            by_aaguid: HashMap::new(),
            by_key_identifier: HashMap::new(),
        };
        for (index, wire) in payload.entries.into_iter().enumerate() {
            metadata.add(wire).map_err(|why| MetadataFault::Entry {
                number: index + 1,
                why,
            })?;
        }
        Ok(metadata)
    }

    /// `no`: grows with each blob.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// When the next blob is due at the latest.
    #[must_use]
    pub const fn next_update(&self) -> Date {
        self.next_update
    }

    /// Models of FIDO2 and U2F keys.
    #[must_use]
    pub const fn models(&self) -> usize {
        self.entries.len()
    }

    /// Whether the next update is overdue.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        today(now) > self.next_update
    }

    /// # Errors
    /// Where it is stale and stale metadata are refused.
    pub fn check_fresh(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.stale == Stale::Refuse && self.is_stale(now) {
            return Err(Refusal::StaleMetadata {
                next_update: self.next_update,
            });
        }
        Ok(())
    }

    /// The entry of a model; of a U2F key, which has no AAGUID, by its certificate.
    pub(super) fn find(&self, aaguid: &[u8; 16], leaf: Option<&Certificate<'_>>) -> Option<&Entry> {
        let index = if *aaguid == [0; 16] {
            self.by_key_identifier.get(&identifier(leaf?))
        } else {
            self.by_aaguid.get(aaguid)
        };
        self.entries.get(*index?)
    }

    pub(super) fn key_identifier(certificate: &Certificate<'_>) -> String {
        hex::encode(identifier(certificate))
    }

    fn add(&mut self, wire: entry::Wire<'_>) -> Result<(), String> {
        let names = wire.names()?;
        if names.is_empty() {
            // Of a UAF authenticator, which is no key.
            return Ok(());
        }
        let index = self.entries.len();
        self.entries.push(wire.read()?);
        for name in names {
            let (twice, name) = match name {
                entry::Name::Aaguid(aaguid) => (
                    self.by_aaguid.insert(aaguid, index).is_some(),
                    Uuid::from_bytes(aaguid).to_string(),
                ),
                entry::Name::KeyIdentifier(identifier) => (
                    self.by_key_identifier.insert(identifier, index).is_some(),
                    hex::encode(identifier),
                ),
            };
            if twice {
                return Err(format!("it is the second one for {name}"));
            }
        }
        Ok(())
    }
}

/// RFC 5280 section 4.2.1.2, method 1.
fn identifier(certificate: &Certificate<'_>) -> [u8; 20] {
    sha1(&certificate.x509.public_key().subject_public_key.data)
}

fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}
