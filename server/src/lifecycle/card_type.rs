//! How a model of smart card is recognised, and what its admin key becomes.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Invalid;
pub use crate::store::card::{Applet, Cipher};
use crate::store::words;

words! {
    /// What becomes of a card's word that it made a key itself.
    Attestation {
        /// Written down beside the certificate, with whether it led to a root.
        Recorded = "recorded",
        /// No certificate without a path to a root of the token type.
        Required = "required",
    }
}

/// An answer to reset, and which of its bits count. ISO 7816-3 section 8.
///
/// Written `3B8F8001` or, with a mask of the same length, `3B8F8001/FFFF00FF`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AtrPattern {
    atr: Vec<u8>,
    mask: Vec<u8>,
}

impl AtrPattern {
    /// Whether `atr` is one of those.
    #[must_use]
    pub fn matches(&self, atr: &[u8]) -> bool {
        atr.len() == self.atr.len()
            && atr
                .iter()
                .zip(&self.atr)
                .zip(&self.mask)
                .all(|((found, wanted), mask)| (found ^ wanted) & mask == 0)
    }
}

/// Not an ATR with a mask.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("2 to 33 bytes in hexadecimal, and after a slash a mask of the same length")]
pub struct NotAnAtr;

impl FromStr for AtrPattern {
    type Err = NotAnAtr;

    fn from_str(text: &str) -> Result<Self, NotAnAtr> {
        let (atr, mask) = match text.split_once('/') {
            Some((atr, mask)) => (atr, Some(mask)),
            None => (text, None),
        };
        let atr = hex::decode(atr).map_err(|_| NotAnAtr)?;
        let mask = match mask {
            Some(mask) => hex::decode(mask).map_err(|_| NotAnAtr)?,
            None => vec![0xFF; atr.len()],
        };
        if !(2..=33).contains(&atr.len()) || mask.len() != atr.len() {
            return Err(NotAnAtr);
        }
        Ok(Self { atr, mask })
    }
}

impl fmt::Display for AtrPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.atr))?;
        if self.mask.iter().all(|byte| *byte == 0xFF) {
            return Ok(());
        }
        write!(f, "/{}", hex::encode_upper(&self.mask))
    }
}

impl Serialize for AtrPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AtrPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A token type's part about cards. Its factory secrets are sealed beside it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CardType {
    /// The applet that we administer.
    pub applet: Applet,
    /// Any of these; empty: every card with the applet.
    pub atrs: Vec<AtrPattern>,
    /// Part of the label that the applet gives; empty: whatever it says.
    pub label: String,
    /// Of the admin key that registering gives to the card.
    pub admin_cipher: Cipher,
    /// Types from before it was asked record.
    #[serde(default = "recorded")]
    pub attestation: Attestation,
}

const fn recorded() -> Attestation {
    Attestation::Recorded
}

/// What a card tells when it is plugged in.
#[derive(Clone, Copy, Debug)]
pub struct SeenCard<'a> {
    /// Its answer to reset.
    pub atr: &'a [u8],
    /// Applets that it has.
    pub applets: &'a [Applet],
    /// Label of the PIV application.
    pub label: &'a str,
}

impl CardType {
    /// Checks every field.
    ///
    /// # Errors
    /// The first one at fault.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.applet == Applet::Gids && self.admin_cipher != Cipher::TripleDes {
            return Err(Invalid::new(
                "token_type.card.admin_cipher",
                self.admin_cipher,
                "3des: GIDS has no other admin key",
            ));
        }
        if self.applet == Applet::Gids && self.attestation == Attestation::Required {
            return Err(Invalid::new(
                "token_type.card.attestation",
                self.attestation,
                "recorded: a GIDS card does not attest keys",
            ));
        }
        if self.label.chars().count() > 64 || self.label.chars().any(char::is_control) {
            return Err(Invalid::new(
                "token_type.card.label",
                format_args!("{:?}", self.label),
                "at most 64 printable characters",
            ));
        }
        Ok(())
    }

    /// Whether a card is of this type.
    #[must_use]
    pub fn recognises(&self, card: SeenCard<'_>) -> bool {
        card.applets.contains(&self.applet)
            && card.label.contains(&self.label)
            && (self.atrs.is_empty() || self.atrs.iter().any(|atr| atr.matches(card.atr)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card_type() -> CardType {
        CardType {
            applet: Applet::Piv,
            atrs: vec!["3B8F80/FFFF00".parse().unwrap()],
            label: "Yubi".into(),
            admin_cipher: Cipher::Aes192,
            attestation: Attestation::Recorded,
        }
    }

    const CARD: SeenCard<'_> = SeenCard {
        atr: &[0x3B, 0x8F, 0x81],
        applets: &[Applet::Gids, Applet::Piv],
        label: "YubiKey PIV",
    };

    #[test]
    fn a_card_is_recognised_by_applet_label_and_the_masked_bits_of_its_atr() {
        assert!(card_type().recognises(CARD));
        for other in [
            SeenCard {
                atr: &[0x3B, 0x8E, 0x81],
                ..CARD
            },
            SeenCard {
                atr: &[0x3B, 0x8F],
                ..CARD
            },
            SeenCard {
                applets: &[Applet::Gids],
                ..CARD
            },
            SeenCard {
                label: "Nitrokey PIV",
                ..CARD
            },
        ] {
            assert!(!card_type().recognises(other), "{other:?}");
        }
        let any = CardType {
            atrs: vec![],
            label: String::new(),
            ..card_type()
        };
        assert!(any.recognises(SeenCard { atr: &[], ..CARD }));
    }

    #[test]
    fn an_atr_is_written_as_people_write_it() {
        for (text, back) in [
            ("3b8f80", Some("3B8F80")),
            ("3B8F80/FFFF00", Some("3B8F80/FFFF00")),
            ("3B8F80/FFFFFF", Some("3B8F80")),
            ("3B", None),
            ("3B8F80/FFFF", None),
            ("3B8", None),
            ("", None),
            ("3B8Fxx", None),
        ] {
            let parsed = text.parse::<AtrPattern>().ok().map(|p| p.to_string());
            assert_eq!(parsed.as_deref(), back, "{text}");
        }
    }

    #[test]
    fn a_gids_card_has_an_admin_key_of_3des_alone() {
        card_type().check().unwrap();
        let mut gids = CardType {
            applet: Applet::Gids,
            ..card_type()
        };
        assert_eq!(
            gids.check().unwrap_err().field,
            "token_type.card.admin_cipher"
        );
        gids.admin_cipher = Cipher::TripleDes;
        gids.check().unwrap();
        gids.label = "a\nb".into();
        assert_eq!(gids.check().unwrap_err().field, "token_type.card.label");
    }

    #[test]
    fn a_gids_card_cannot_be_asked_for_an_attestation() {
        let mut wanted = card_type();
        wanted.attestation = Attestation::Required;
        wanted.check().unwrap();
        (wanted.applet, wanted.admin_cipher) = (Applet::Gids, Cipher::TripleDes);
        let field = "token_type.card.attestation";
        assert_eq!(wanted.check().unwrap_err().field, field);
    }

    #[test]
    fn a_card_type_of_before_records_attestations() {
        let before = r#"{"applet":"piv","atrs":[],"label":"","admin_cipher":"3des"}"#;
        let read: CardType = serde_json::from_str(before).unwrap();
        assert_eq!(read.attestation, Attestation::Recorded);
    }

    #[test]
    fn a_card_type_survives_the_database() {
        let text = serde_json::to_string(&card_type()).unwrap();
        assert!(text.contains("\"3B8F80/FFFF00\""), "{text}");
        assert_eq!(
            serde_json::from_str::<CardType>(&text).unwrap(),
            card_type()
        );
    }
}
