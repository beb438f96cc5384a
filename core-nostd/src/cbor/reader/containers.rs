//! Arrays and maps: their items one by one, how deep they nest, and keys that come twice.

use super::short::ShortMap;
use super::{Error, Head, Key, Major, Raw, Reader};
use crate::cbor::key::{Member, Rank};

/// Entries of a map that are searched for duplicates when its keys do not ascend. Bounds the
/// work that a hostile message can cause; a canonical map may be longer.
pub const MAX_UNSORTED_ENTRIES: u64 = 256;

impl<'b> Reader<'b> {
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
        let mut short = ShortMap::enter(self);
        let mut map = Map::new();
        loop {
            let key = match short.as_mut().and_then(|short| short.next(self)) {
                Some(key) => key,
                None => {
                    if let Some(short) = short.take() {
                        if short.is_at_end(self) {
                            self.leave();
                            return Ok(());
                        }
                        map = short.any_form(self);
                    }
                    match self.next_key(&mut map)? {
                        Some(key) => key,
                        None => return Ok(()),
                    }
                }
            };
            member(key, self)?;
        }
    }

    /// Reads an array and keeps its bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(in crate::cbor) fn array_raw(&mut self) -> Result<Raw<'b>, Error> {
        self.expect(Major::Array, "an array")?;
        self.raw()
    }

    /// Reads a map and keeps its bytes.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(in crate::cbor) fn map_raw(&mut self) -> Result<Raw<'b>, Error> {
        self.expect(Major::Map, "a map")?;
        self.raw()
    }

    /// Goes on to the next item of an array, into which it goes first. False at the end, which is
    /// left behind.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
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
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn enter(&mut self, head: Head) -> Result<u64, Error> {
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

    pub(super) const fn leave(&mut self) {
        self.levels_left = self.levels_left.saturating_add(1);
    }

    /// Goes on to the next key of a map, into which it goes first; `None` at its end, which is
    /// left behind.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    pub(super) fn next_key(&mut self, map: &mut Map<'b>) -> Result<Option<Key<'b>>, Error> {
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
        member.key().map(Some)
    }

    #[inline]
    pub(in crate::cbor) fn member(&mut self) -> Result<Member<'b>, Error> {
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

    pub(super) fn deeper(&mut self) -> Result<(), Error> {
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
pub(super) struct Map<'b> {
    /// Where the last value begins, as with an array.
    pub(super) value: Option<usize>,
    /// Where the first key begins.
    pub(super) start: usize,
    /// Entries, those of which the key was read and all.
    pub(super) begun: u64,
    pub(super) count: u64,
    /// Of the keys so far.
    pub(super) greatest: Rank<'b>,
}

impl Map<'_> {
    /// A call where code counts, since every map that is read begins so.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn new() -> Self {
        Self {
            start: 0,
            value: None,
            begun: 0,
            count: 0,
            greatest: Rank::default(),
        }
    }
}
