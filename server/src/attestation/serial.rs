//! The serial number in a certificate for one device. WebAuthn Level 3 §8.2.2.
//!
//! The standard leaves open what the bytes are. Makers write text, a number, or the
//! bytes of an identifier; a token tells one of these over USB.

use super::Refusal;

/// What the certificate says, for people; refused where the token says otherwise.
pub(super) fn check(found: &[u8], token: Option<&str>) -> Result<String, Refusal> {
    let certificate = text(found).map_or_else(|| hex::encode(found), str::to_owned);
    match token.map(str::trim).filter(|token| !token.is_empty()) {
        Some(token) if !same(found, token) => Err(Refusal::OtherSerial {
            certificate,
            token: token.to_owned(),
        }),
        _ => Ok(certificate),
    }
}

fn same(found: &[u8], token: &str) -> bool {
    let bare = |digits: &str| digits.trim_start_matches('0').to_ascii_lowercase();
    text(found) == Some(token)
        || bare(&hex::encode(found)) == bare(token)
        || number(found).is_some_and(|number| number.to_string() == bare(token))
}

fn text(found: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(found).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_graphic())
        .then_some(text)
}

fn number(found: &[u8]) -> Option<u128> {
    let mut number = [0; 16];
    let start = number.len().checked_sub(found.len())?;
    number.get_mut(start..)?.copy_from_slice(found);
    Some(u128::from_be_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_the_same_as_text_as_number_and_in_hexadecimal() {
        for (found, token) in [
            (&b"AB-12"[..], "AB-12"),
            (&[0x00, 0xBC, 0x61, 0x4E], "12345678"),
            (&[0x00, 0xBC, 0x61, 0x4E], "00BC614E"),
            (&[0x00, 0xBC, 0x61, 0x4E], "bc614e"),
            (&[0xAA; 20], &"aa".repeat(20)),
        ] {
            assert!(check(found, Some(token)).is_ok(), "{token}");
        }
    }

    #[test]
    fn another_serial_number_is_refused_and_an_unknown_one_is_reported() {
        let found = &[0x00, 0xBC, 0x61, 0x4E];
        assert_eq!(
            check(found, Some("12345679")),
            Err(Refusal::OtherSerial {
                certificate: "00bc614e".to_owned(),
                token: "12345679".to_owned(),
            })
        );
        for unknown in [None, Some(""), Some(" ")] {
            assert_eq!(check(found, unknown).unwrap(), "00bc614e");
        }
        assert_eq!(check(b"AB-12", None).unwrap(), "AB-12");
    }
}
