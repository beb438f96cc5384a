//! What cards of a type come with from the factory, sealed beside their type.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Context, Error, KeyStore};
use crate::store::card::Applet;

/// Admin key, PIN and PUK of the factory. Not printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct FactorySecrets {
    /// 16, 24 or 32 bytes.
    pub admin_key: Vec<u8>,
    /// As printed in the maker's documentation.
    pub pin: String,
    /// As above.
    pub puk: String,
}

#[derive(Deserialize, Serialize, Zeroize, ZeroizeOnDrop)]
struct Stored {
    admin_key: String,
    pin: String,
    puk: String,
}

impl core::fmt::Debug for FactorySecrets {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FactorySecrets")
    }
}

impl FactorySecrets {
    /// What most makers ship. SP 800-73 has no word on it; it is what they agree on.
    #[must_use]
    pub fn usual(applet: Applet) -> Self {
        Self {
            admin_key: match applet {
                Applet::Piv => [1, 2, 3, 4, 5, 6, 7, 8].repeat(3),
                Applet::Gids => vec![0; 24],
            },
            pin: "123456".into(),
            puk: "12345678".into(),
        }
    }
}

impl KeyStore {
    /// Seals them for the token type with this id.
    #[must_use]
    pub fn seal_factory(&self, token_type: &str, secrets: &FactorySecrets) -> Vec<u8> {
        let stored = Stored {
            admin_key: hex::encode(&secrets.admin_key),
            pin: secrets.pin.clone(),
            puk: secrets.puk.clone(),
        };
        let text = Zeroizing::new(serde_json::to_vec(&stored).unwrap_or_default());
        self.seal(context(token_type), &text)
    }

    /// Opens those of the token type with this id.
    ///
    /// # Errors
    /// [`Error::Sealed`].
    pub fn open_factory(&self, token_type: &str, sealed: &[u8]) -> Result<FactorySecrets, Error> {
        let refused = || Error::Sealed {
            kind: "factory secret".into(),
        };
        let text = self.open(context(token_type), sealed)?;
        let stored: Stored = serde_json::from_slice(&text).map_err(|_| refused())?;
        Ok(FactorySecrets {
            admin_key: hex::decode(&stored.admin_key).map_err(|_| refused())?,
            pin: stored.pin.clone(),
            puk: stored.puk.clone(),
        })
    }
}

fn context(token_type: &str) -> Context<'_> {
    Context {
        table: "token_type",
        id: token_type,
        kind: "factory-secrets",
    }
}
