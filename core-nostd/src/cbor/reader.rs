//! The bounded, tolerant reader.

use super::head::{Head, Major};
use super::key::{Member, Rank, integer};
use super::{Error, Key, Parse, Raw};

/// Levels of arrays, maps and tags that a message may nest. CTAP 2.3 §8.
pub const MAX_DEPTH: u8 = 4;

/// Entries of a map that are searched for duplicates when its keys do not ascend. Bounds the
/// work that a hostile message can cause; a canonical map may be longer.
pub const MAX_UNSORTED_ENTRIES: u64 = 256;

/// On a microcontroller code counts for more than time: what is there for speed alone is left out,
/// here and where `inline` asks for 64 bits.
const SMALL: bool = cfg!(not(target_pointer_width = "64"));

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
        let value = self.argument(expected)?;
        T::try_from(value).map_err(|_| Error::OutOfRange { position, expected })
    }

    /// Reads an integer of either sign.
    pub fn integer(&mut self) -> Result<i64, Error> {
        let position = self.position;
        let head = self.peek()?;
        let value = integer(head.major, head.argument, position)?;
        self.position = head.end;
        Ok(value)
    }

    /// Reads `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        let head = self.peek()?;
        let value = match self.input.get(self.position) {
            Some(0xf4) => false,
            Some(0xf5) => true,
            _ => {
                return Err(Error::Unexpected {
                    position: self.position,
                    expected: "true or false",
                });
            }
        };
        self.position = head.end;
        Ok(value)
    }

    /// Reads a byte string.
    pub fn bytes(&mut self) -> Result<&'b [u8], Error> {
        let head = self.expect(Major::Bytes, "a byte string")?;
        self.string(head)
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
        let head = self.expect(Major::Text, "text")?;
        self.text_of(head)
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

    /// Reads an array, calling `item` before each of its items. An item that `item` leaves
    /// untouched is skipped.
    pub fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut array = Array::default();
        while self.next_item(&mut array)? {
            item(self)?;
        }
        Ok(())
    }

    /// Reads a map, calling `member` with each key, before its value. A value that `member`
    /// leaves untouched is skipped. Refuses a key that comes twice.
    pub fn map(
        &mut self,
        mut member: impl FnMut(Key<'b>, &mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut map = Map::new();
        while let Some(key) = self.next_key(&mut map)? {
            member(key, self)?;
        }
        Ok(())
    }

    /// What `read` makes of the next item, and the item's bytes.
    pub(crate) fn with_raw<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<(T, Raw<'b>), Error> {
        let start = self.position;
        let value = read(self)?;
        Ok((value, Raw(self.since(start))))
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
            Major::Array => {
                for _ in 0..self.enter(head)? {
                    self.skip()?;
                }
                self.leave();
                Ok(())
            }
            Major::Map => {
                let mut map = Map::new();
                if SMALL {
                    // What is left untouched is skipped.
                    while self.next_key(&mut map)?.is_some() {}
                    return Ok(());
                }
                while let Some(key) = self.next_member(&mut map)? {
                    key.check()?;
                    self.skip()?;
                }
                Ok(())
            }
            Major::Tag => {
                self.deeper()?;
                self.position = head.end;
                self.skip()?;
                self.leave();
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

    #[cfg_attr(target_pointer_width = "64", inline)]
    pub(super) fn peek(&self) -> Result<Head, Error> {
        Head::parse(self.input, self.position)
    }

    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        self.input.get(start..self.position).unwrap_or_default()
    }

    /// The text whose head this is.
    pub(super) fn text_of(&mut self, head: Head) -> Result<&'b str, Error> {
        let position = self.position;
        let bytes = self.string(head)?;
        core::str::from_utf8(bytes).map_err(|_| Error::NotUtf8 { position })
    }

    /// The bytes of the string whose head this is, text or not.
    #[cfg_attr(target_pointer_width = "64", inline)]
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

    /// Passes over an item that was checked before, without recursion.
    pub(super) fn pass(&mut self) -> Result<(), Error> {
        let mut items: u64 = 1;
        while items > 0 {
            let head = self.peek()?;
            let inside = self.skim(head)?;
            items = items.saturating_sub(1).saturating_add(inside);
        }
        Ok(())
    }

    /// Passes over an item up to the items inside it; answers how many they are.
    pub(super) fn skim(&mut self, head: Head) -> Result<u64, Error> {
        let inside = match head.major {
            Major::Bytes | Major::Text => return self.string(head).map(|_| 0),
            Major::Unsigned | Major::Negative | Major::Simple => 0,
            Major::Array => head.argument,
            Major::Map => head.argument.saturating_mul(2),
            Major::Tag => 1,
        };
        self.position = head.end;
        Ok(inside)
    }

    fn argument(&mut self, expected: &'static str) -> Result<u64, Error> {
        let head = self.expect(Major::Unsigned, expected)?;
        self.position = head.end;
        Ok(head.argument)
    }

    /// The next item, if it is of the type due.
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

    /// Goes on to the next item of an array, into which it goes first. False at the end, which is
    /// left behind.
    fn next_item(&mut self, array: &mut Array) -> Result<bool, Error> {
        match array.item {
            None => {
                let head = self.expect(Major::Array, "an array")?;
                array.left = self.enter(head)?;
            }
            Some(item) if item == self.position => self.skip()?,
            Some(_) => {}
        }
        match array.left.checked_sub(1) {
            None => {
                self.leave();
                Ok(false)
            }
            Some(left) => {
                array.left = left;
                array.item = Some(self.position);
                Ok(true)
            }
        }
    }

    /// Goes into the array or map whose head this is; answers how many items or entries it has.
    fn enter(&mut self, head: Head) -> Result<u64, Error> {
        // An item takes a byte at least, an entry two.
        let least = match head.major {
            Major::Map => head.argument.saturating_mul(2),
            _ => head.argument,
        };
        let left = self.input.len().saturating_sub(head.end);
        if usize::try_from(least).is_ok_and(|least| least <= left) {
            self.position = head.end;
            self.deeper()?;
            Ok(head.argument)
        } else {
            Err(Error::EndOfInput {
                position: self.position,
            })
        }
    }

    const fn leave(&mut self) {
        self.levels_left = self.levels_left.saturating_add(1);
    }

    /// Goes on to the next key of a map; `None` at its end, which is left behind.
    fn next_key(&mut self, map: &mut Map<'b>) -> Result<Option<Key<'b>>, Error> {
        match self.next_member(map)? {
            Some(member) => member.key().map(Some),
            None => Ok(None),
        }
    }

    /// Goes on to the next key of a map, into which it goes first.
    #[cfg_attr(target_pointer_width = "64", inline)]
    fn next_member(&mut self, map: &mut Map<'b>) -> Result<Option<Member<'b>>, Error> {
        match map.value {
            None => {
                let head = self.expect(Major::Map, "a map")?;
                map.count = self.enter(head)?;
                map.start = self.position;
            }
            Some(value) if value == self.position => self.skip()?,
            Some(_) => {}
        }
        if map.begun == map.count {
            self.leave();
            return Ok(None);
        }
        let member = self.member()?;
        // A key above all before it cannot be among them.
        if map.begun > 0 && !member.rank.is_above(&map.greatest) {
            self.search(map, &member)?;
        } else {
            map.greatest = member.rank;
        }
        map.begun = map.begun.saturating_add(1);
        map.value = Some(self.position);
        Ok(Some(member))
    }

    #[inline]
    pub(super) fn member(&mut self) -> Result<Member<'b>, Error> {
        let position = self.position;
        let head = self.peek()?;
        let string: &[u8] = match head.major {
            Major::Bytes | Major::Text => self.string(head)?,
            Major::Unsigned | Major::Negative => {
                self.position = head.end;
                &[]
            }
            _ => {
                return Err(Error::Unexpected {
                    position,
                    expected: "a map key: integer, text or bytes",
                });
            }
        };
        let rank = Rank {
            major: head.major,
            argument: head.argument,
            string,
        };
        Ok(Member { rank, position })
    }

    /// Whether a key that is not above all before it is among them.
    #[cold]
    fn search(&self, map: &Map<'b>, member: &Member<'b>) -> Result<(), Error> {
        let position = member.position;
        if map.begun >= MAX_UNSORTED_ENTRIES {
            return Err(Error::TooManyEntries { position });
        }
        let mut reader = Self {
            position: map.start,
            ..self.clone()
        };
        for _ in 0..map.begun {
            if reader.member()?.rank == member.rank {
                return Err(Error::DuplicateKey { position });
            }
            reader.pass()?;
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), Error> {
        self.levels_left = self.levels_left.checked_sub(1).ok_or(Error::TooDeep {
            position: self.position,
        })?;
        Ok(())
    }
}

/// Where a reader stands in an array.
#[derive(Default)]
struct Array {
    /// Where the last item begins; whoever leaves the reader there wants it skipped. `None` before
    /// the array.
    item: Option<usize>,
    left: u64,
}

/// Where a reader stands in a map.
struct Map<'b> {
    /// Where the last value begins, as with an array.
    value: Option<usize>,
    /// Where the first key begins.
    start: usize,
    /// Entries, those of which the key was read and all.
    begun: u64,
    count: u64,
    /// Of the keys so far.
    greatest: Rank<'b>,
}

impl Map<'_> {
    /// A call where code counts, since every map that is read begins so.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn new() -> Self {
        Self {
            start: 0,
            value: None,
            begun: 0,
            count: 0,
            greatest: Rank::default(),
        }
    }
}
