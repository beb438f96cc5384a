//! What an answer to reset says in words. ISO/IEC 7816-3 §8.2; historical bytes: ISO/IEC 7816-4 §12.

/// Tag of the card issuer's data, of COMPACT-TLV.
const ISSUER: u8 = 0x5;

/// Historical bytes in COMPACT-TLV, with three bytes of status behind.
const WITH_STATUS: u8 = 0x00;

/// Historical bytes in COMPACT-TLV to the end.
const COMPACT_TLV: u8 = 0x80;

/// Most vendors call their model here.
const SHORTEST_WORD: usize = 3;

/// The card issuer's data, where they are text: by custom, what the card is called.
pub(super) fn issuer(atr: &[u8]) -> Option<&str> {
    let mut left = match historical(atr)?.split_first()? {
        (&COMPACT_TLV, objects) => objects,
        (&WITH_STATUS, rest) => rest.get(..rest.len().checked_sub(3)?)?,
        _ => return None,
    };
    while let Some((&head, rest)) = left.split_first() {
        let (value, further) = rest.split_at_checked((head & 0x0F).into())?;
        if head >> 4 == ISSUER {
            return word(value);
        }
        left = further;
    }
    None
}

/// The bytes that are the issuer's to choose. `None`: it is no answer to reset.
fn historical(atr: &[u8]) -> Option<&[u8]> {
    let (&format, mut left) = atr.get(1..)?.split_first()?;
    let mut interface = format >> 4;
    loop {
        // TA, TB and TC, and TD, which says whether there are further ones.
        let others = (interface & 0b0111).count_ones() as usize;
        left = left.get(others..)?;
        if interface & 0b1000 == 0 {
            return left.get(..(format & 0x0F).into());
        }
        let (&next, rest) = left.split_first()?;
        interface = next >> 4;
        left = rest;
    }
}

fn word(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let is_word = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    (is_word && text.len() >= SHORTEST_WORD).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_called_what_their_issuer_calls_them() {
        for (atr, called) in [
            // As these cards answer, by pcsc-tools' list.
            (
                "3bfd1300008131fe158073c021c057597562694b657940",
                Some("YubiKey"),
            ),
            ("3b8f01805d4e6974726f6b657900000000006a", Some("Nitrokey")),
            // Of ours.
            ("3b8e80018073c021c0584b532d544f4b454eeb", Some("KS-TOKEN")),
            // With three bytes of status.
            ("3b87800100544142439000", None),
            ("3b8880010053414243079000f0", Some("ABC")),
            // No text, too short a one, no such object, another format, no historical bytes.
            ("3b8680018054014142430a", None),
            ("3b8480018052414200", None),
            ("3b848001807300000000", None),
            ("3b8480015053414243", None),
            ("3b80800101", None),
        ] {
            assert_eq!(issuer(&hex::decode(atr).unwrap()), called, "{atr}");
        }
    }

    #[test]
    fn what_is_cut_off_says_nothing() {
        let atr = hex::decode("3bfd1300008131fe158073c021c057597562694b657940").unwrap();
        // The last byte is a check byte.
        for len in 0..atr.len() - 1 {
            assert_eq!(issuer(&atr[..len]), None, "{len} bytes");
        }
    }
}
