//! The bounded, tolerant reader: items here, arrays and maps in [`containers`], what nobody reads
//! in [`skip`].

mod containers;
mod short;
mod skip;

use super::head::{Head, Major};
use super::key::integer;
use super::{Error, Key, Name, Parse, Raw};

pub use containers::MAX_UNSORTED_ENTRIES;

/// Levels of arrays, maps and tags that a message may nest. CTAP 2.3 §8.
pub const MAX_DEPTH: u8 = 4;

/// On a microcontroller code counts for more than time: what is there for speed alone is left out,
/// here and where `inline` asks for 64 bits.
pub(super) const SMALL: bool = cfg!(not(target_pointer_width = "64"));

/// Reads items one after the other, borrowing from the bytes.
#[derive(Clone, Debug)]
pub struct Reader<'b> {
    input: &'b [u8],
    position: usize,
    levels_left: u8,
}

/// A place that a reader was at.
#[derive(Clone, Copy)]
pub(super) struct Place {
    position: usize,
    levels_left: u8,
}

impl<'b> Reader<'b> {
    /// A reader for a CTAP2 message.
    pub const fn new(input: &'b [u8]) -> Self {
        Self::with_depth(input, MAX_DEPTH)
    }

    /// A reader for what is nested deeper than CTAP2 allows, such as an attestation object.
    pub const fn with_depth(input: &'b [u8], max_depth: u8) -> Self {
        Self {
            input,
            position: 0,
            levels_left: max_depth,
        }
    }

    /// Bytes read so far.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Reads a value of any type that can be parsed.
    pub fn read<T: Parse<'b>>(&mut self) -> Result<T, Error> {
        T::read(self)
    }

    /// Reads an unsigned integer that fits `T`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn unsigned<T: TryFrom<u64>>(&mut self, expected: &'static str) -> Result<T, Error> {
        let position = self.position;
        let value = self.argument(expected)?;
        T::try_from(value).map_err(|_| Error::OutOfRange { position, expected })
    }

    /// Reads an integer of either sign.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn integer(&mut self) -> Result<i64, Error> {
        let position = self.position;
        let head = self.peek()?;
        let value = integer(head.major, head.argument, position)?;
        self.position = head.end;
        Ok(value)
    }

    /// Reads `true` or `false`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn boolean(&mut self) -> Result<bool, Error> {
        let value = match self.input.get(self.position) {
            Some(0xf4) => false,
            Some(0xf5) => true,
            _ => {
                self.peek()?;
                return Err(Error::Unexpected {
                    position: self.position,
                    expected: "true or false",
                });
            }
        };
        self.position = self.position.wrapping_add(1);
        Ok(value)
    }

    /// Reads a byte string.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn bytes(&mut self) -> Result<&'b [u8], Error> {
        let head = self.expect(Major::Bytes, "a byte string")?;
        self.string(head)
    }

    /// Reads a byte string of exactly `N` bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn byte_array<const N: usize>(&mut self) -> Result<&'b [u8; N], Error> {
        let position = self.position;
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|_| Error::Length {
            position,
            expected: N,
            got: bytes.len(),
        })
    }

    /// Reads text.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn text(&mut self) -> Result<&'b str, Error> {
        let head = self.expect(Major::Text, "text")?;
        self.text_of(head)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn name(&mut self) -> Result<Name<'b>, Error> {
        let position = self.position;
        let head = self.expect(Major::Text, "text")?;
        Name::of_utf8(self.string(head)?).ok_or(Error::NotUtf8 { position })
    }

    /// Reads a name of which it is known that it is UTF-8.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn checked_name(&mut self) -> Result<Name<'b>, Error> {
        let head = self.expect(Major::Text, "text")?;
        self.string(head).map(Name::checked_before)
    }

    /// Reads text up to the first byte that is not UTF-8: keys of CTAP 2.0 cut names to 64 bytes
    /// without looking where a character ends.
    pub fn text_prefix(&mut self) -> Result<&'b str, Error> {
        let head = self.expect(Major::Text, "text")?;
        let bytes = self.string(head)?;
        let valid = match core::str::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => bytes.get(..error.valid_up_to()).unwrap_or_default(),
        };
        Ok(core::str::from_utf8(valid).unwrap_or_default())
    }

    /// What `read` makes of the next item, and the item's bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn with_raw<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<(T, Raw<'b>), Error> {
        let start = self.position;
        let value = read(self)?;
        Ok((value, Raw(self.since(start))))
    }

    /// Reads an item of any kind and keeps its bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn raw(&mut self) -> Result<Raw<'b>, Error> {
        let start = self.position;
        self.skip()?;
        Ok(Raw(self.since(start)))
    }

    /// Where the reader stands, to come back to. Less than a clone, which on 64 bits would wait
    /// for what was written to the reader just before.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) const fn place(&self) -> Place {
        Place {
            position: self.position,
            levels_left: self.levels_left,
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) const fn go_back(&mut self, place: Place) {
        self.position = place.position;
        self.levels_left = place.levels_left;
    }

    /// Ends the reading: nothing may follow.
    pub fn finish(self) -> Result<(), Error> {
        if self.position < self.input.len() {
            return Err(Error::TrailingBytes {
                position: self.position,
            });
        }
        Ok(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn peek(&self) -> Result<Head, Error> {
        Head::parse(self.input, self.position)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        self.input.get(start..self.position).unwrap_or_default()
    }

    /// The text whose head this is.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn text_of(&mut self, head: Head) -> Result<&'b str, Error> {
        let position = self.position;
        let bytes = self.string(head)?;
        core::str::from_utf8(bytes).map_err(|_| Error::NotUtf8 { position })
    }

    /// The bytes of the string whose head this is, text or not.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn string(&mut self, head: Head) -> Result<&'b [u8], Error> {
        let length = usize::try_from(head.argument).ok();
        let end = length.and_then(|length| head.end.checked_add(length));
        let found = end.and_then(|end| Some((end, self.input.get(head.end..end)?)));
        let (end, bytes) = found.ok_or(Error::EndOfInput {
            position: self.position,
        })?;
        self.position = end;
        Ok(bytes)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn argument(&mut self, expected: &'static str) -> Result<u64, Error> {
        let head = self.expect(Major::Unsigned, expected)?;
        self.position = head.end;
        Ok(head.argument)
    }

    /// The next item, if it is of the type due.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn expect(&self, major: Major, expected: &'static str) -> Result<Head, Error> {
        let head = self.peek()?;
        if head.major == major {
            Ok(head)
        } else {
            Err(Error::Unexpected {
                position: self.position,
                expected,
            })
        }
    }
}
