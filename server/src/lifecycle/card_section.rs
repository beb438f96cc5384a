//! A template's part about cards: the PIN, and a certificate for each key pair.

use rand::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Alphabet, Custody, Invalid, PinPolicy};
pub use crate::store::certificate::KeyAlgorithm;
use crate::store::{ConnectionId, words};

words! {
    /// When a PIV key wants the PIN.
    PinUse {
        /// Never.
        Never = "never",
        /// Once for as long as the card is powered.
        Once = "once",
        /// Each time.
        Always = "always",
    }
}

words! {
    /// When a PIV key wants a touch.
    TouchUse {
        /// Never.
        Never = "never",
        /// Each time.
        Always = "always",
        /// Once in 15 seconds.
        Cached = "cached",
    }
}

/// A template's part about cards.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CardSection {
    /// Digits of a PIN that is made; 6 to 8.
    pub pin_length: u32,
    /// Who keeps the PIN.
    pub pin_custody: Custody,
    /// One for each key pair: authentication; then signature; then encryption.
    pub certificates: Vec<CertificateSlot>,
}

/// One key pair and its certificate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSlot {
    /// PIV: the key reference in hexadecimal, `9a`. GIDS: the container's number.
    pub container: String,
    /// Of the key.
    pub algorithm: KeyAlgorithm,
    /// The certification authority.
    pub connection: ConnectionId,
    /// Which of its profiles.
    pub profile: String,
    /// What the profile asks for, in the order in which it is to stand. Which names and
    /// placeholders there are is the authority's part of the server to say.
    pub fields: Vec<RequestField>,
    /// When the key wants the PIN; the card's own where absent.
    pub pin_use: Option<PinUse>,
    /// When the key wants a touch; the card's own where absent.
    pub touch_use: Option<TouchUse>,
    /// The one that logon takes.
    pub is_default: bool,
}

/// A field of the request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RequestField {
    /// `cn`, `san:upn`.
    pub name: String,
    /// Text, with placeholders.
    pub value: String,
}

impl CardSection {
    /// Checks every field.
    ///
    /// # Errors
    /// The first one at fault.
    pub fn check(&self) -> Result<(), Invalid> {
        if !CARD_PIN.contains(&self.pin_length) {
            return Err(Invalid::new(
                "template.card.pin_length",
                self.pin_length,
                "6 to 8",
            ));
        }
        if !(1..=SLOTS).contains(&self.certificates.len()) {
            return Err(Invalid::new(
                "template.card.certificates",
                self.certificates.len(),
                "1 to 3: authentication, signature, encryption",
            ));
        }
        let defaults = self.certificates.iter().filter(|slot| slot.is_default);
        let defaults = defaults.count();
        if defaults > 1 {
            return Err(Invalid::new(
                "template.card.certificates.is_default",
                defaults,
                "one certificate that logon takes",
            ));
        }
        for (n, slot) in self.certificates.iter().enumerate() {
            slot.check()?;
            let twice = self.certificates.iter().skip(n + 1);
            if twice.clone().any(|other| other.container == slot.container) {
                return Err(Invalid::new(
                    "template.card.certificates.container",
                    format_args!("{:?} twice", slot.container),
                    "a container of its own for each certificate",
                ));
            }
        }
        Ok(())
    }

    /// The slot of a container.
    #[must_use]
    pub fn slot(&self, container: &str) -> Option<&CertificateSlot> {
        self.certificates.iter().find(|s| s.container == container)
    }

    /// Makes a PIN.
    #[must_use]
    pub fn generate_pin(&self, rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<String> {
        digits(self.pin_length, rng)
    }
}

impl CertificateSlot {
    fn check(&self) -> Result<(), Invalid> {
        let name = self.container.as_str();
        if !is_container(name) {
            return Err(Invalid::new(
                "template.card.certificates.container",
                format_args!("{name:?}"),
                "a PIV key reference (9a, 9c, 9d, 9e, 82 to 95), or the number of a GIDS container \
                 (0 to 15)",
            ));
        }
        if self.profile.trim().is_empty() || self.profile.chars().any(char::is_control) {
            return Err(Invalid::new(
                "template.card.certificates.profile",
                format_args!("{:?}", self.profile),
                "a profile of the certification authority: keysteward connection check",
            ));
        }
        Ok(())
    }
}

/// Checks a PIN or PUK for a card: SP 800-73-4 part 2 section 2.4.3 has 6 to 8
/// digits for the PIN.
///
/// # Errors
/// Names `field`, and how long it is; never the PIN.
pub fn check_card_pin(field: &'static str, pin: &str) -> Result<(), Invalid> {
    let length = u32::try_from(pin.chars().count()).unwrap_or(u32::MAX);
    if CARD_PIN.contains(&length) && pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        format_args!("{length} characters"),
        "6 to 8 digits, as cards have them",
    ))
}

/// A PUK: eight digits, as much as PIV takes.
#[must_use]
pub fn generate_puk(rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<String> {
    digits(8, rng)
}

fn digits(length: u32, rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<String> {
    let policy = PinPolicy {
        length,
        alphabet: Alphabet::Digits,
        custody: Custody::HandOver,
        minimum_length: 0,
        force_change: false,
    };
    policy.generate(rng)
}

fn is_container(name: &str) -> bool {
    let piv = |byte| matches!(byte, 0x9A | 0x9C | 0x9D | 0x9E | 0x82..=0x95);
    let is_piv = name.len() == 2
        && !name.contains(|c: char| c.is_ascii_uppercase() || c == '+')
        && u8::from_str_radix(name, 16).is_ok_and(piv);
    let is_gids = name
        .parse::<u8>()
        .is_ok_and(|n| n < 16 && n.to_string() == name);
    is_piv || is_gids
}

const CARD_PIN: core::ops::RangeInclusive<u32> = 6..=8;
const SLOTS: usize = 3;

#[cfg(test)]
mod tests;
