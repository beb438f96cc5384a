//! What a card tells of itself, owned.

use keysteward_core::{gids, piv};
use serde::{Deserialize, Serialize};

/// What a card tells without a secret.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct CardFacts {
    /// Answer to reset. ISO/IEC 7816-3 §8.
    pub atr: Vec<u8>,
    /// The system's name of the reader that it lies on.
    pub reader: String,
    /// `None`: it has no such applet.
    pub piv: Option<PivFacts>,
    /// `None`: it has no such applet.
    pub gids: Option<GidsFacts>,
}

/// The PIV applet. SP 800-73-5 part 2; Yubico's extensions where they answered.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct PivFacts {
    /// Of the application property template; empty where it has none.
    pub label: String,
    /// Of the cardholder unique identifier, 16 bytes; empty: none is written.
    pub guid: Vec<u8>,
    /// Empty: it tells none.
    pub version: String,
    /// 0: it tells none. Not unique by itself.
    pub serial: u32,
    /// "3des", "aes128", "aes192", "aes256"; empty: it does not tell.
    pub admin_algorithm: String,
    /// The admin key is the one of the factory.
    pub admin_key_is_default: Option<bool>,
    /// Of the applet.
    pub pin: PinFacts,
    /// What sets the PIN anew.
    pub puk: PinFacts,
}

/// The GIDS applet and its minidriver files.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct GidsFacts {
    /// 16 bytes; empty: the card is not initialised.
    pub card_id: Vec<u8>,
    /// Of the applet.
    pub pin: PinFacts,
    /// What sets the PIN anew.
    pub puk: PinFacts,
    /// What cardcf counts.
    pub pins_freshness: u32,
    /// What cardcf counts.
    pub containers_freshness: u32,
    /// What cardcf counts.
    pub files_freshness: u32,
}

/// A PIN or PUK; what is absent the card does not tell without a try.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct PinFacts {
    /// Wrong tries until it is blocked.
    pub tries_left: Option<u32>,
    /// As many as there are after a right one.
    pub tries: Option<u32>,
    /// It is the one of the factory.
    pub is_default: Option<bool>,
}

impl PinFacts {
    /// No try was used up since it was set or right; `false`: or the card does not tell.
    #[must_use]
    pub fn has_all_tries(&self) -> bool {
        self.tries_left.is_some() && self.tries_left == self.tries
    }
}

impl From<&piv::session::Facts> for PivFacts {
    fn from(told: &piv::session::Facts) -> Self {
        Self {
            label: told.label().to_owned(),
            guid: told.guid.map(Vec::from).unwrap_or_default(),
            version: told.version.map(|one| one.to_string()).unwrap_or_default(),
            serial: told.serial.unwrap_or_default(),
            admin_algorithm: told
                .admin_cipher
                .map(|cipher| cipher.name().to_owned())
                .unwrap_or_default(),
            admin_key_is_default: told.admin_key_is_default,
            pin: told.pin.into(),
            puk: told.puk.into(),
        }
    }
}

impl From<piv::session::PinFacts> for PinFacts {
    fn from(told: piv::session::PinFacts) -> Self {
        Self {
            tries_left: told.left.map(u32::from),
            tries: told.total.map(u32::from),
            is_default: told.is_default,
        }
    }
}

impl From<&gids::session::Facts> for GidsFacts {
    fn from(told: &gids::session::Facts) -> Self {
        let counted = told.card_cf.unwrap_or_default();
        Self {
            card_id: told.card_id.map(Vec::from).unwrap_or_default(),
            pin: told.pin.map(PinFacts::from).unwrap_or_default(),
            puk: told.puk.map(PinFacts::from).unwrap_or_default(),
            pins_freshness: counted.pins.into(),
            containers_freshness: counted.containers.into(),
            files_freshness: counted.files.into(),
        }
    }
}

impl From<gids::pin::Tries> for PinFacts {
    fn from(told: gids::pin::Tries) -> Self {
        Self {
            tries_left: Some(told.left.into()),
            tries: told.limit.map(u32::from),
            is_default: None,
        }
    }
}
