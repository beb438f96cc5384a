//! The bounded, tolerant reader.

use minicbor::Decoder;
use minicbor::decode;

use super::head::{Head, Major, text_bytes};
use super::{Error, Key, Parse, Raw};

/// Levels of arrays, maps and tags that a message may nest. CTAP 2.3 §8.
pub const MAX_DEPTH: u8 = 4;

/// Entries of a map that are searched for duplicates when its keys do not ascend. Bounds the
/// work that a hostile message can cause; a canonical map may be longer.
pub const MAX_UNSORTED_ENTRIES: u64 = 256;

/// Reads items one after the other, borrowing from the bytes.
#[derive(Clone, Debug)]
pub struct Reader<'b> {
    input: &'b [u8],
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
    pub fn unsigned<T: TryFrom<u64>>(&mut self, expected: &'static str) -> Result<T, Error> {
        let position = self.position;
        let head = self.expect(Major::Unsigned, expected)?;
        let value = self.take(head, Decoder::u64)?;
        T::try_from(value).map_err(|_| Error::OutOfRange { position, expected })
    }

    /// Reads an integer of either sign.
    pub fn integer(&mut self) -> Result<i64, Error> {
        let position = self.position;
        let head = self.peek()?;
        if !matches!(head.major, Major::Unsigned | Major::Negative) {
            return Err(Error::Unexpected {
                position,
                expected: "an integer",
            });
        }
        let value = self.take(head, Decoder::int)?;
        i64::try_from(value).map_err(|_| Error::OutOfRange {
            position,
            expected: "an integer of 64 bits",
        })
    }

    /// Reads `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        let head = self.peek()?;
        self.take(head, Decoder::bool)
            .map_err(|_| Error::Unexpected {
                position: self.position,
                expected: "true or false",
            })
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'b [u8], Error> {
        let head = self.expect(Major::Bytes, "a byte string")?;
        self.take(head, Decoder::bytes)
    }

    /// Reads a byte string of exactly `N` bytes.
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
    pub fn text(&mut self) -> Result<&'b str, Error> {
        let position = self.position;
        let head = self.expect(Major::Text, "text")?;
        if let Ok(text) = self.take(head.clone(), Decoder::str) {
            return Ok(text);
        }
        // Read again for its bytes, which fails where the text passes the end.
        self.take(head, text_bytes)?;
        Err(Error::NotUtf8 { position })
    }

    /// Reads text up to the first byte that is not UTF-8: keys of CTAP 2.0 cut names to 64 bytes
    /// without looking where a character ends.
    pub fn text_prefix(&mut self) -> Result<&'b str, Error> {
        let head = self.expect(Major::Text, "text")?;
        let bytes = self.take(head, text_bytes)?;
        let valid = match core::str::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => bytes.get(..error.valid_up_to()).unwrap_or_default(),
        };
        Ok(core::str::from_utf8(valid).unwrap_or_default())
    }

    /// Reads an array, calling `item` before each of its items. An item that `item` leaves
    /// untouched is skipped.
    pub fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let count = self.open(Major::Array, "an array")?;
        for _ in 0..count {
            self.one(&mut item)?;
        }
        self.close();
        Ok(())
    }

    /// Reads a map, calling `member` with each key, before its value. A value that `member`
    /// leaves untouched is skipped. Refuses a key that comes twice.
    pub fn map(
        &mut self,
        mut member: impl FnMut(Key<'b>, &mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let count = self.open(Major::Map, "a map")?;
        let first_entry = self.clone();
        let mut greatest = None;
        for index in 0..count {
            let position = self.position;
            let key: Key<'b> = self.read()?;
            // A key above all before it cannot be among them.
            if greatest.is_none_or(|greatest| key > greatest) {
                greatest = Some(key);
            } else if index >= MAX_UNSORTED_ENTRIES {
                return Err(Error::TooManyEntries { position });
            } else if first_entry.clone().holds(key, index)? {
                return Err(Error::DuplicateKey { position });
            }
            self.one(&mut |r: &mut Self| member(key, r))?;
        }
        self.close();
        Ok(())
    }

    /// Reads an item of any kind and keeps its bytes.
    pub fn raw(&mut self) -> Result<Raw<'b>, Error> {
        let start = self.position;
        self.skip()?;
        Ok(Raw(self.since(start)))
    }

    /// Passes over an item of any kind, checking all that is inside but its meaning.
    pub fn skip(&mut self) -> Result<(), Error> {
        let head = self.peek()?;
        match head.major {
            Major::Array => self.array(Self::skip),
            Major::Map => self.map(|_, r| r.skip()),
            Major::Tag => {
                self.deeper()?;
                self.skim(head)?;
                self.skip()?;
                self.close();
                Ok(())
            }
            _ => self.skim(head).map(|_| ()),
        }
    }

    /// Passes over the value of a member that nobody here knows, and says so in the log.
    pub fn skip_unknown(&mut self, key: Key<'_>) -> Result<(), Error> {
        match key {
            Key::Int(key) => log::debug!("passing over the unknown member {key:#04x}"),
            Key::Text(key) => log::debug!("passing over an unknown member of {} bytes", key.len()),
            Key::Bytes(_) => log::debug!("passing over a member with a byte string as key"),
        }
        self.skip()
    }

    /// Reads a value, or passes over it when it is well-formed but not what `read` expects.
    /// Newer and older keys differ in such members; the message around them still counts.
    pub fn attempt<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let start = self.clone();
        match read(self) {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                *self = start;
                self.skip()?;
                Ok(None)
            }
        }
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

    pub(super) fn peek(&self) -> Result<Head<'b>, Error> {
        Head::parse(self.input, self.position)
    }

    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        self.input.get(start..self.position).unwrap_or_default()
    }

    /// The items of an array, or the keys and values of a map in turn.
    pub(super) fn items_of(checked: Raw<'b>) -> impl Iterator<Item = Raw<'b>> + use<'b> {
        let mut reader = Self::new(checked.bytes());
        let count = reader.peek().and_then(|head| reader.skim(head));
        (0..count.unwrap_or_default()).map_while(move |_| {
            let start = reader.position;
            reader.pass().ok()?;
            Some(Raw(reader.since(start)))
        })
    }

    /// Calls `item`, and skips what it did not read.
    fn one(&mut self, item: &mut impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let start = self.position;
        item(self)?;
        if self.position == start {
            self.skip()?;
        }
        Ok(())
    }

    /// Whether `key` is among the next `count` entries, which were read once already.
    fn holds(&mut self, key: Key<'b>, count: u64) -> Result<bool, Error> {
        for _ in 0..count {
            if self.read::<Key<'b>>()? == key {
                return Ok(true);
            }
            self.pass()?;
        }
        Ok(false)
    }

    /// Passes over an item that was checked before, without recursion. minicbor's own `skip` would
    /// refuse text that is not UTF-8.
    fn pass(&mut self) -> Result<(), Error> {
        let mut items: u64 = 1;
        while items > 0 {
            let head = self.peek()?;
            let inside = self.skim(head)?;
            items = items.saturating_sub(1).saturating_add(inside);
        }
        Ok(())
    }

    /// Passes over an item up to the items inside it; answers how many they are.
    fn skim(&mut self, head: Head<'b>) -> Result<u64, Error> {
        match head.major {
            Major::Unsigned | Major::Negative => self.take(head, Decoder::int).map(|_| 0),
            Major::Bytes => self.take(head, Decoder::bytes).map(|_| 0),
            Major::Text => self.take(head, text_bytes).map(|_| 0),
            Major::Array => self.count(head),
            Major::Map => self.count(head).map(|entries| entries.saturating_mul(2)),
            Major::Tag => self.take(head, Decoder::tag).map(|_| 1),
            // Floats of 16 bits too, which minicbor cannot read without another library.
            Major::Simple => self.take(head, Decoder::skip).map(|()| 0),
        }
    }

    /// Reads the head of an array or a map: the number of its items or entries.
    fn count(&mut self, head: Head<'b>) -> Result<u64, Error> {
        let position = self.position;
        let count = match head.major {
            Major::Map => self.take(head, Decoder::map)?,
            _ => self.take(head, Decoder::array)?,
        };
        count.ok_or(Error::Malformed { position })
    }

    /// The next item, if it is of the type due.
    fn expect(&self, major: Major, expected: &'static str) -> Result<Head<'b>, Error> {
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

    /// Lets minicbor read. The head is whole and of the type that `read` takes, so what can fail
    /// is a string that goes past the end. A failure leaves the reader where it was.
    fn take<T>(
        &mut self,
        head: Head<'b>,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, decode::Error>,
    ) -> Result<T, Error> {
        let mut decoder = head.decoder;
        let value = read(&mut decoder).map_err(|_| Error::EndOfInput {
            position: self.position,
        })?;
        self.position = decoder.position();
        Ok(value)
    }

    /// Enters an array or a map; answers the number of its items or entries.
    fn open(&mut self, major: Major, expected: &'static str) -> Result<u64, Error> {
        let position = self.position;
        let head = self.expect(major, expected)?;
        let count = self.count(head)?;
        let left = self.input.len().saturating_sub(self.position);
        // An item takes a byte at least, an entry two.
        let least = if major == Major::Map {
            count.saturating_mul(2)
        } else {
            count
        };
        if usize::try_from(least).is_ok_and(|least| least <= left) {
            self.deeper()?;
            Ok(count)
        } else {
            Err(Error::EndOfInput { position })
        }
    }

    fn deeper(&mut self) -> Result<(), Error> {
        self.levels_left = self.levels_left.checked_sub(1).ok_or(Error::TooDeep {
            position: self.position,
        })?;
        Ok(())
    }

    fn close(&mut self) {
        self.levels_left = self.levels_left.saturating_add(1);
    }
}
