//! What a PIN made at issue looks like, and who keeps it.

use rand::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Invalid;
use crate::store::words;

words! {
    /// What PINs are made of.
    Alphabet {
        /// 0 to 9.
        Digits = "digits",
        /// Letters and digits that nobody takes for one another.
        Alphanumeric = "alphanumeric",
    }
}

words! {
    /// Who keeps the PIN once the token is in use.
    Custody {
        /// The user alone.
        HandOver = "hand-over",
        /// The user and this server.
        Escrow = "escrow",
    }
}

/// A template's part about PINs. CTAP 2.3 section 6.5.1: 4 code points to 63 bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PinPolicy {
    /// Characters of the PIN made at issue.
    pub length: u32,
    /// What it is made of.
    pub alphabet: Alphabet,
    /// Who keeps it.
    pub custody: Custody,
    /// Set on the token (setMinPINLength); 0 leaves it as it is.
    pub minimum_length: u32,
    /// The user must choose another before first use, where the token can force it.
    pub force_change: bool,
}

impl PinPolicy {
    /// Checks every field.
    ///
    /// # Errors
    /// The first one at fault.
    pub fn check(&self) -> Result<(), Invalid> {
        if !PIN_LENGTH.contains(&self.length) {
            return Err(Invalid::new("template.pin.length", self.length, "4 to 63"));
        }
        let minimum = self.minimum_length;
        if minimum != 0 && !(*PIN_LENGTH.start()..=self.length).contains(&minimum) {
            return Err(Invalid::new(
                "template.pin.minimum_length",
                minimum,
                format!("0 (as it is), or 4 to pin.length ({})", self.length),
            ));
        }
        if self.force_change && self.custody == Custody::Escrow {
            return Err(Invalid::new(
                "template.pin.force_change",
                true,
                "false with custody escrow: the server would not know the user's choice",
            ));
        }
        Ok(())
    }

    /// Checks a PIN of somebody's own choice.
    ///
    /// # Errors
    /// Names `field`, and how long it is; never the PIN.
    pub fn check_pin(&self, field: &'static str, pin: &str) -> Result<(), Invalid> {
        check_pin(field, pin, self.minimum_length)
    }

    /// Makes a PIN.
    #[must_use]
    pub fn generate(&self, rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<String> {
        let alphabet: &[u8] = match self.alphabet {
            Alphabet::Digits => b"0123456789",
            Alphabet::Alphanumeric => b"23456789abcdefghjkmnpqrstuvwxyz",
        };
        let length = usize::try_from(self.length).unwrap_or(0);
        loop {
            // Reserved at once: a string that grows leaves copies behind.
            let mut pin = Zeroizing::new(String::with_capacity(length));
            while pin.len() < length {
                let letter = alphabet.get(below(rng, alphabet.len())).copied();
                pin.extend(letter.map(char::from));
            }
            if !is_obvious(&pin) {
                return pin;
            }
        }
    }
}

/// Checks a PIN against the bounds of every token: at least four characters
/// (and `minimum_length`), 63 bytes at most, no NUL at its end.
///
/// # Errors
/// Names `field`, and how long it is; never the PIN.
pub fn check_pin(field: &'static str, pin: &str, minimum_length: u32) -> Result<(), Invalid> {
    let length = pin.chars().count();
    let minimum = minimum_length.max(*PIN_LENGTH.start());
    let long_enough = u32::try_from(length).is_ok_and(|length| length >= minimum);
    if long_enough && pin.len() <= 63 && !pin.ends_with('\0') {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        format_args!("{length} characters in {} bytes", pin.len()),
        format!("{minimum} characters or more, in 63 bytes at most, not ending in NUL"),
    ))
}

/// Without bias: values that do not fill a whole round are drawn again.
fn below(rng: &mut impl RngCore, bound: usize) -> usize {
    let bound = u32::try_from(bound).unwrap_or(1);
    let whole = u32::MAX - u32::MAX % bound;
    loop {
        let drawn = rng.next_u32();
        if drawn < whole {
            return usize::try_from(drawn % bound).unwrap_or(0);
        }
    }
}

/// One character only, or a run up or down: tokens may refuse it, and people guess it.
fn is_obvious(pin: &str) -> bool {
    let steps: Vec<i32> = pin
        .as_bytes()
        .windows(2)
        .filter_map(|pair| match pair {
            [first, second] => Some(i32::from(*second) - i32::from(*first)),
            _ => None,
        })
        .collect();
    [-1, 0, 1]
        .iter()
        .any(|step| steps.iter().all(|s| s == step))
}

const PIN_LENGTH: core::ops::RangeInclusive<u32> = 4..=63;

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    fn policy() -> PinPolicy {
        PinPolicy {
            length: 6,
            alphabet: Alphabet::Digits,
            custody: Custody::HandOver,
            minimum_length: 6,
            force_change: true,
        }
    }

    #[test]
    fn a_policy_that_no_token_could_meet_is_refused_by_field() {
        policy().check().unwrap();
        type Spoil = fn(&mut PinPolicy);
        let cases: [(Spoil, &str); 5] = [
            (|p| p.length = 3, "template.pin.length"),
            (|p| p.length = 64, "template.pin.length"),
            (|p| p.minimum_length = 3, "template.pin.minimum_length"),
            (|p| p.minimum_length = 7, "template.pin.minimum_length"),
            (|p| p.custody = Custody::Escrow, "template.pin.force_change"),
        ];
        for (spoil, field) in cases {
            let mut policy = policy();
            spoil(&mut policy);
            assert_eq!(policy.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn made_pins_keep_to_length_and_alphabet_and_are_not_obvious() {
        let mut rng = StdRng::seed_from_u64(1);
        for alphabet in [Alphabet::Digits, Alphabet::Alphanumeric] {
            for length in [4, 6, 63] {
                let policy = PinPolicy {
                    alphabet,
                    length,
                    ..policy()
                };
                for _ in 0..200 {
                    let pin = policy.generate(&mut rng);
                    assert_eq!(pin.len(), length as usize);
                    assert!(!is_obvious(&pin));
                    let digits = pin.bytes().all(|b| b.is_ascii_digit());
                    assert!(digits || alphabet == Alphabet::Alphanumeric);
                    assert!(!pin.contains(['l', '1', 'o', '0', 'i']) || digits);
                }
            }
        }
    }

    #[test]
    fn runs_and_repetitions_are_obvious() {
        for (pin, obvious) in [
            ("1234", true),
            ("987654", true),
            ("0000", true),
            ("1235", false),
            ("1212", false),
        ] {
            assert_eq!(is_obvious(pin), obvious, "{pin}");
        }
    }

    #[test]
    fn a_chosen_pin_is_measured_in_characters_and_bytes_and_never_shown() {
        let long = "x".repeat(64);
        for (pin, good) in [
            ("314159", true),
            ("31415", false),
            ("äöüßéè", true),
            (long.as_str(), false),
            ("31415\0", false),
        ] {
            let checked = policy().check_pin("new_pin", pin);
            assert_eq!(checked.is_ok(), good, "{pin}");
            if let Err(refused) = checked {
                assert_eq!(refused.field, "new_pin");
                assert!(!refused.to_string().contains(pin));
            }
        }
        assert!(check_pin("new_pin", "314", 0).is_err());
    }
}
