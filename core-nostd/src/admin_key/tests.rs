use super::*;

const COUNTING: [u8; 32] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F,
];

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}

#[test]
fn key_check_values_are_the_known_ones() {
    let degenerate = b"\x01\x02\x03\x04\x05\x06\x07\x08".repeat(3);
    let counting: std::vec::Vec<u8> = (0x01..=0x18).collect();
    for (key, expected) in [
        (&degenerate[..], [0xB0, 0x73, 0xDC]),
        (&[0; 24], [0x8C, 0xA6, 0x4D]),
        (&counting, [0xC7, 0xB6, 0x4C]),
    ] {
        assert_eq!(key_check_value(Cipher::TripleDes, key), Ok(expected));
    }
}

/// The exchange of an offline unblock, recorded at a GIDS card.
#[test]
fn a_recorded_challenge_is_answered() {
    let key: std::vec::Vec<u8> = (0x01..=0x18).collect();
    let mut key = LocalAdminKey::new(Cipher::TripleDes, &key).unwrap();
    let challenge: [u8; 8] = bytes("0557897F8D84407B");
    let answer = key.answer(Cipher::TripleDes, &[], &challenge).unwrap();
    assert_eq!(answer.challenge[..], bytes::<8>("F61E826BC1F2ACE5"));
    assert!(answer.witness.is_empty());
}

/// FIPS 197, appendix C.
#[test]
fn aes_is_that_of_the_standard() {
    let plain: [u8; 16] = bytes("00112233445566778899AABBCCDDEEFF");
    for (cipher, expected) in [
        (Cipher::Aes128, "69C4E0D86A7B0430D8CDB78070B4C55A"),
        (Cipher::Aes192, "DDA97CA4864CDFE06EAF70A0EC0D7191"),
        (Cipher::Aes256, "8EA2B7CA516745BFEAFC49904B496089"),
    ] {
        let mut key = LocalAdminKey::new(cipher, &COUNTING[..cipher.key_len()]).unwrap();
        let enciphered: [u8; 16] = bytes(expected);
        let answer = key.answer(cipher, &enciphered, &plain).unwrap();
        assert_eq!(answer.challenge[..], enciphered, "{cipher}");
        assert_eq!(answer.witness[..], plain, "{cipher}");
    }
}

#[test]
fn a_key_of_another_length_is_refused() {
    for cipher in Cipher::ALL {
        let len = cipher.key_len() - 1;
        let refused = LocalAdminKey::new(cipher, &COUNTING[..len]).err();
        let expected = KeyError::WrongKeyLength { cipher, len };
        assert_eq!(refused, Some(expected));
        assert_eq!(key_check_value(cipher, &COUNTING[..len]), Err(expected));
    }
}

#[test]
fn a_key_answers_its_own_cipher_in_whole_blocks_only() {
    let mut key = LocalAdminKey::new(Cipher::Aes192, &COUNTING[..24]).unwrap();
    let (ours, card) = (Cipher::Aes192, Cipher::TripleDes);
    let other = key.answer(card, &[0; 8], &[]).err();
    assert_eq!(other, Some(KeyError::OtherCipher { key: ours, card }));
    for len in [1, 8, 15, 17] {
        let cut = key.answer(ours, &[0; 17][..len], &[]).err();
        let expected = KeyError::WrongBlockLength { cipher: ours, len };
        assert_eq!(cut, Some(expected));
    }
}

#[test]
fn names_and_identifiers_go_both_ways() {
    for cipher in Cipher::ALL {
        assert_eq!(Cipher::from_name(cipher.name()), Some(cipher));
        assert_eq!(Cipher::from_piv_id(cipher.piv_id()), Some(cipher));
    }
    assert_eq!(Cipher::from_piv_id(0x00), Some(Cipher::TripleDes));
    assert_eq!(Cipher::from_piv_id(0x11), None);
    assert_eq!(Cipher::from_name("des"), None);
}
