//! Cardholder unique identifier. SP 800-73-5 part 1 §3.1.2; TIG SCEPACS 2.2 for the FASC-N.
//!
//! Windows and others take its GUID for the card's name, and remember what they read from a card
//! by it: who changes what is on the card writes another GUID.

use super::Malformed;
use crate::iso7816::tlv::{EncodeError, Objects, Tag, template};

/// Cardholder unique identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chuid<'a> {
    /// 30: federal agency smart credential number.
    pub fasc_n: &'a [u8],
    /// 34: the card's own number, an UUID or zeros.
    pub guid: &'a [u8; 16],
    /// 35: year, month and day, as eight digits.
    pub expiry: &'a [u8; 8],
}

impl<'a> Chuid<'a> {
    /// Of a card that is no federal agency's.
    #[must_use]
    pub const fn new(guid: &'a [u8; 16]) -> Self {
        Self {
            fasc_n: &NON_FEDERAL,
            guid,
            expiry: b"20501231",
        }
    }

    /// Reads an object's content. Members that are not in the standard any more, and a signature,
    /// are passed over.
    pub fn parse(content: &'a [u8]) -> Result<Self, Malformed> {
        let (mut fasc_n, mut guid, mut expiry) = ([].as_slice(), None, b"00000000");
        for object in Objects::new(content) {
            let object = object.map_err(|_| Malformed)?;
            match object.tag {
                FASC_N => fasc_n = object.value,
                GUID => guid = Some(object.value.try_into().map_err(|_| Malformed)?),
                EXPIRY => expiry = object.value.try_into().map_err(|_| Malformed)?,
                _ => {}
            }
        }
        Ok(Self {
            fasc_n,
            guid: guid.ok_or(Malformed)?,
            expiry,
        })
    }

    /// Encodes an object's content into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        let fields = [
            (FASC_N, self.fasc_n),
            (GUID, self.guid.as_slice()),
            (EXPIRY, self.expiry.as_slice()),
            (SIGNATURE, &[]),
            (CHECK, &[]),
        ];
        template(None, &fields, buffer)
    }
}

/// Federal agency smart credential number: what is in the 25 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FascN {
    /// Agency, system and credential: 4, 4 and 6 digits.
    pub agency: u16,
    /// Which system of the agency issued it.
    pub system: u16,
    /// Which of the system's credentials.
    pub credential: u32,
    /// Credential series: a digit.
    pub series: u8,
    /// Individual credential issue: a digit.
    pub issue: u8,
    /// Person identifier: 10 digits.
    pub person: u64,
    /// Organisational category: a digit.
    pub category: u8,
    /// Organisational identifier: 4 digits.
    pub organisation: u16,
    /// Person's association with the organisation: a digit.
    pub association: u8,
}

impl FascN {
    /// Encodes: 40 characters of five bits, four of a digit and odd parity, least significant
    /// first; fields that do not fit their digits lose the leading ones.
    #[must_use]
    pub fn encode(&self) -> [u8; 25] {
        let mut bits = Bits::default();
        bits.character(START);
        bits.digits(self.agency.into(), 4);
        bits.character(SEPARATOR);
        bits.digits(self.system.into(), 4);
        bits.character(SEPARATOR);
        bits.digits(self.credential.into(), 6);
        bits.character(SEPARATOR);
        bits.digits(self.series.into(), 1);
        bits.character(SEPARATOR);
        bits.digits(self.issue.into(), 1);
        bits.character(SEPARATOR);
        bits.digits(self.person, 10);
        bits.digits(self.category.into(), 1);
        bits.digits(self.organisation.into(), 4);
        bits.digits(self.association.into(), 1);
        bits.character(END);
        // The check is the parity of all characters, column by column.
        bits.character(bits.check);
        bits.bytes
    }
}

#[derive(Default)]
struct Bits {
    bytes: [u8; 25],
    len: usize,
    check: u8,
}

impl Bits {
    fn digits(&mut self, number: u64, count: u32) {
        for place in (0..count).rev() {
            let divisor = 10_u64.saturating_pow(place);
            let digit = number.checked_div(divisor).unwrap_or(0) % 10;
            self.character(u8::try_from(digit).unwrap_or(0));
        }
    }

    fn character(&mut self, value: u8) {
        self.check ^= value;
        let odd = value.count_ones() & 1 == 0;
        for place in 0..4_u8 {
            self.bit((value >> place) & 1 == 1);
        }
        self.bit(odd);
    }

    fn bit(&mut self, one: bool) {
        if one && let Some(byte) = self.bytes.get_mut(self.len >> 3) {
            *byte |= 0x80 >> (self.len & 7);
        }
        self.len = self.len.saturating_add(1);
    }
}

/// Number of a card that no federal agency issued: nines all over.
pub const NON_FEDERAL: [u8; 25] = [
    0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08,
    0x42, 0x10, 0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB,
];

const FASC_N: Tag = Tag(0x30);
const GUID: Tag = Tag(0x34);
const EXPIRY: Tag = Tag(0x35);
const SIGNATURE: Tag = Tag(0x3E);
const CHECK: Tag = Tag(0xFE);
const START: u8 = 0x0B;
const SEPARATOR: u8 = 0x0D;
const END: u8 = 0x0F;
