//! What a look at a card shows, owned.

use serde::{Deserialize, Serialize};

use crate::token::CardFacts;

/// What a look at a card shows.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct CardInspection {
    /// What it tells without a secret.
    pub facts: CardFacts,
    /// Places for keys and certificates that hold something.
    pub containers: Vec<Container>,
}

/// A place for a key and its certificate.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// PIV: the key reference in hexadecimal. GIDS: its number.
    pub name: String,
    /// As `card.proto` spells it; empty: there is no key, or the card does not tell.
    pub algorithm: String,
    /// SubjectPublicKeyInfo, DER; empty: unknown.
    pub public_key: Vec<u8>,
    /// X.509, DER; empty: none.
    pub certificate: Vec<u8>,
    /// `None`: the card does not tell.
    pub made_on_card: Option<bool>,
}
