//! Nested data objects, written: the templates in commands to cards, and the DER of public keys.
//! ISO/IEC 8825-1; for reading see [`tlv`](crate::iso7816::tlv).
//!
//! ```
//! use keysteward_core::der::{Item, encode};
//!
//! let template = Item::Template(0xAC, &[Item::Value(0x80, &[0x07]), Item::Value(0x83, &[0x81])]);
//! let mut buffer = [0; 16];
//! assert_eq!(encode(&[template], &mut buffer)?, b"\xAC\x06\x80\x01\x07\x83\x01\x81");
//! # Ok::<(), keysteward_core::iso7816::tlv::EncodeError>(())
//! ```

use crate::iso7816::tlv::{EncodeError, MAX_VALUE};

/// A data object to be written, and what is in it. Values may be secrets: no `Debug`.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "its values may be secrets")]
pub enum Item<'a> {
    /// A tag and its value.
    Value(u32, &'a [u8]),
    /// A tag and the objects inside.
    Template(u32, &'a [Item<'a>]),
    /// INTEGER: an unsigned number, big-endian, however many zeros are in front of it.
    Unsigned(&'a [u8]),
    /// BIT STRING of whole bytes, which are objects again.
    BitString(&'a [Item<'a>]),
}

/// Longest SubjectPublicKeyInfo of an RSA key of 4,096 bits, in bytes, with an exponent of 32 bits.
pub const MAX_RSA_PUBLIC_KEY_INFO: usize = 552;

/// Writes the objects one after the other into the front of `buffer`. Lengths take as few bytes as
/// they can.
pub fn encode<'b>(items: &[Item<'_>], buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
    if length_of(items) > MAX_VALUE {
        return Err(EncodeError::ValueTooLong);
    }
    let mut sink = Sink { buffer, len: 0 };
    sink.put_all(items)?;
    let Sink { buffer, len } = sink;
    buffer.get(..len).ok_or(EncodeError::BufferFull)
}

/// SubjectPublicKeyInfo of an RSA key, both numbers big-endian. RFC 8017 appendix A.1, RFC 5280.
pub fn rsa_public_key_info<'b>(
    modulus: &[u8],
    public_exponent: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], EncodeError> {
    let algorithm = [Item::Value(OID, RSA_ENCRYPTION), Item::Value(NULL, &[])];
    let numbers = [Item::Unsigned(modulus), Item::Unsigned(public_exponent)];
    let key = [Item::Template(SEQUENCE, &numbers)];
    let info = [Item::Template(SEQUENCE, &algorithm), Item::BitString(&key)];
    encode(&[Item::Template(SEQUENCE, &info)], buffer)
}

impl Item<'_> {
    const fn tag(&self) -> u32 {
        match *self {
            Self::Value(tag, _) | Self::Template(tag, _) => tag,
            Self::Unsigned(_) => INTEGER,
            Self::BitString(_) => BIT_STRING,
        }
    }

    fn value_len(&self) -> usize {
        match *self {
            Self::Value(_, value) => value.len(),
            Self::Template(_, items) => length_of(items),
            Self::Unsigned(number) => {
                let (sign, digits) = positive(number);
                sign.len().saturating_add(digits.len())
            }
            Self::BitString(items) => length_of(items).saturating_add(1),
        }
    }
}

fn length_of(items: &[Item<'_>]) -> usize {
    items.iter().fold(0, |all, item| {
        let value = item.value_len();
        let head = tag_bytes(item.tag()).saturating_add(length_bytes(value));
        all.saturating_add(head).saturating_add(value)
    })
}

const fn tag_bytes(tag: u32) -> usize {
    match tag {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFF_FFFF => 3,
        _ => 4,
    }
}

const fn length_bytes(length: usize) -> usize {
    match length {
        0..=0x7F => 1,
        0x80..=0xFF => 2,
        0x100..=0xFFFF => 3,
        _ => 4,
    }
}

/// The zero that keeps a number positive, where it needs one, and the number's own bytes.
fn positive(number: &[u8]) -> (&'static [u8], &[u8]) {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..).unwrap_or_default();
    match digits {
        [0..=0x7F, ..] => (&[], digits),
        _ => (&[0], digits),
    }
}

struct Sink<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl Sink<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let end = self.len.saturating_add(bytes.len());
        self.buffer
            .get_mut(self.len..end)
            .filter(|room| room.len() == bytes.len())
            .ok_or(EncodeError::BufferFull)?
            .copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    fn put_all(&mut self, items: &[Item<'_>]) -> Result<(), EncodeError> {
        items.iter().try_for_each(|item| self.put_item(item))
    }

    fn put_item(&mut self, item: &Item<'_>) -> Result<(), EncodeError> {
        let tag = item.tag().to_be_bytes();
        self.put(last(&tag, tag_bytes(item.tag())))?;
        let length = item.value_len();
        // No more than three bytes, as MAX_VALUE has it.
        let bytes = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        match length_bytes(length) {
            1 => self.put(last(&bytes, 1))?,
            2 => self.put(&[0x81]).and_then(|()| self.put(last(&bytes, 1)))?,
            3 => self.put(&[0x82]).and_then(|()| self.put(last(&bytes, 2)))?,
            _ => self.put(&[0x83]).and_then(|()| self.put(last(&bytes, 3)))?,
        }
        match *item {
            Item::Value(_, value) => self.put(value),
            Item::Template(_, items) => self.put_all(items),
            Item::Unsigned(number) => {
                let (sign, digits) = positive(number);
                self.put(sign)?;
                self.put(digits)
            }
            Item::BitString(items) => {
                self.put(&[0])?;
                self.put_all(items)
            }
        }
    }
}

fn last(bytes: &[u8; 4], count: usize) -> &[u8] {
    bytes
        .get(bytes.len().saturating_sub(count)..)
        .unwrap_or_default()
}

const INTEGER: u32 = 0x02;
const BIT_STRING: u32 = 0x03;
const NULL: u32 = 0x05;
const OID: u32 = 0x06;
const SEQUENCE: u32 = 0x30;
/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::tlv::{self, Objects, Tag};
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn numbers_are_positive_and_as_short_as_they_can_be() {
        for (number, expected) in [
            (&b""[..], &b"\x02\x01\x00"[..]),
            (b"\x00\x00", b"\x02\x01\x00"),
            (b"\x7F", b"\x02\x01\x7F"),
            (b"\x80", b"\x02\x02\x00\x80"),
            (b"\x00\x01\x00\x01", b"\x02\x03\x01\x00\x01"),
        ] {
            let mut buffer = [0; 8];
            let encoded = encode(&[Item::Unsigned(number)], &mut buffer);
            assert_eq!(encoded, Ok(expected));
        }
    }

    /// The same key, as `openssl rsa -pubout -outform der` writes it.
    #[test]
    fn a_public_key_is_written_as_openssl_does() {
        let mut modulus = [0xA5; 64];
        modulus[63] = 0x01;
        let mut buffer = [0; MAX_RSA_PUBLIC_KEY_INFO];
        let info = rsa_public_key_info(&modulus, &[0x01, 0x00, 0x01], &mut buffer).unwrap();
        let head = "305c300d06092a864886f70d0101010500034b003048024100";
        let mut expected = hex::decode(head).unwrap();
        expected.extend(modulus);
        expected.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        assert_eq!(info, expected);
    }

    #[test]
    fn the_longest_public_key_fits_and_no_longer_one() {
        let mut buffer = [0; MAX_RSA_PUBLIC_KEY_INFO];
        let (modulus, exponent) = ([0xFF; 512], [0xFF; 4]);
        let info = rsa_public_key_info(&modulus, &exponent, &mut buffer).unwrap();
        assert_eq!(info.len(), MAX_RSA_PUBLIC_KEY_INFO);
        let mut short = [0; MAX_RSA_PUBLIC_KEY_INFO - 1];
        let refused = rsa_public_key_info(&modulus, &exponent, &mut short);
        assert_eq!(refused, Err(EncodeError::BufferFull));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_data_objects(
            tag in prop::sample::select(vec![0x53_u32, 0x7F49, 0x5F_C102, 0x30]),
            length in prop::sample::select(vec![0_usize, 1, 127, 128, 255, 256, 65_535, 65_536]),
        ) {
            let value = vec![0xA5; length];
            let inner = [Item::Value(tag, &value), Item::Unsigned(&[0x80])];
            let mut buffer = vec![0; length + 32];
            let bytes = encode(&[Item::Template(0x70, &inner)], &mut buffer).unwrap();
            let outer: Result<Vec<_>, tlv::Error> = Objects::new(bytes).collect();
            let outer = outer.unwrap();
            prop_assert_eq!(outer.len(), 1);
            let found = Objects::new(outer[0].value).find(Tag(tag)).unwrap().unwrap();
            prop_assert_eq!(found.value, &value[..]);
            let number = Objects::new(outer[0].value).find(Tag(INTEGER)).unwrap().unwrap();
            prop_assert_eq!(number.value, &[0, 0x80][..]);
        }
    }
}
