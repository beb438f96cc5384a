//! Serial numbers of certificates. RFC 5280 section 4.1.2.2.

use std::fmt;

/// A positive serial number: its bytes, without leading zeros.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// From the big-endian bytes of an INTEGER, or of its magnitude.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Self(bytes.get(zeros..).unwrap_or_default().to_vec())
    }

    /// From hexadecimal digits in either case, with or without colons.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut digits = text.trim().replace(':', "");
        if digits.is_empty() || digits.len() > LONGEST {
            return None;
        }
        if !digits.len().is_multiple_of(2) {
            digits.insert(0, '0');
        }
        Some(Self::from_bytes(&hex::decode(digits).ok()?))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As cfssl writes it.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        // Long division, a digit at a time: numbers have 20 bytes at most.
        let mut digits = vec![0_u32];
        for byte in &self.0 {
            let mut carry = u32::from(*byte);
            for digit in &mut digits {
                let value = *digit * 256 + carry;
                *digit = value % 10;
                carry = value / 10;
            }
            while carry > 0 {
                digits.push(carry % 10);
                carry /= 10;
            }
        }
        digits
            .iter()
            .rev()
            .filter_map(|digit| char::from_digit(*digit, 10))
            .collect()
    }
}

/// Lower-case hexadecimal, as CA Gateway writes it.
impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// Twice what the standard allows: some CAs count more.
const LONGEST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form_however_it_is_written() {
        let serial = Serial::from_bytes(&[0, 0x59, 0x12, 0xBD, 0x91]);
        for text in [
            "5912bd91",
            "5912BD91",
            "005912bd91",
            "59:12:bd:91",
            " 5912bd91\n",
        ] {
            assert_eq!(Serial::from_hex(text).as_ref(), Some(&serial), "{text}");
        }
        assert_eq!(serial.to_string(), "5912bd91");
        assert_eq!(Serial::from_hex("f"), Some(Serial::from_bytes(&[15])));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "0x12", "12 34", "g", &"1".repeat(81)] {
            assert_eq!(Serial::from_hex(text), None, "{text}");
        }
    }

    #[test]
    fn a_decimal_number_is_the_same_number() {
        for (hex, decimal) in [
            ("00", "0"),
            ("0a", "10"),
            ("5912bd91", "1494400401"),
            ("ffffffffffffffff", "18446744073709551615"),
            (
                "0100000000000000000000000000000000",
                "340282366920938463463374607431768211456",
            ),
        ] {
            assert_eq!(Serial::from_hex(hex).unwrap().to_decimal(), decimal);
        }
    }
}
