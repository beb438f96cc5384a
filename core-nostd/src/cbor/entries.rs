//! Maps from names to values of one type, read entry by entry.

use core::fmt;

use super::raw::{Raw, RawItems};
use super::{BufferFull, Encode, Error, Key, Name, Parse, Reader, Writer};

/// A map with text keys, such as the options of getInfo. Like [`List`](super::List), it borrows
/// the caller's entries or the message's bytes.
#[derive(Clone, Copy)]
pub struct Entries<'a, V>(Source<'a, V>);

#[derive(Clone, Copy)]
enum Source<'a, V> {
    Items(&'a [(&'a str, V)]),
    /// A checked map. Entries with other keys or values may be in it.
    Encoded(Raw<'a>),
}

impl<'a, V> Entries<'a, V> {
    /// A map of these entries, which stand in canonical order: shorter names first, then by
    /// bytes.
    pub const fn new(entries: &'a [(&'a str, V)]) -> Self {
        Self(Source::Items(entries))
    }
}

impl<'a, V: Parse<'a> + Copy> Entries<'a, V> {
    /// Reads a map in which entries with another kind of key or value are passed over.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn read_lenient(r: &mut Reader<'a>) -> Result<Self, Error> {
        r.map_raw().map(|raw| Self(Source::Encoded(raw)))
    }

    /// The entries, in the order in which they came.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn iter(&self) -> impl Iterator<Item = (Name<'a>, V)> + use<'a, V> {
        match self.0 {
            Source::Items(entries) => Iter {
                entries,
                encoded: RawItems::default(),
            },
            Source::Encoded(raw) => Iter {
                entries: &[],
                encoded: raw.items(),
            },
        }
    }

    /// The value under `name`.
    pub fn get(&self, name: &str) -> Option<V> {
        self.iter()
            .find_map(|(key, value)| (key == *name).then_some(value))
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// Of the two, one is empty.
struct Iter<'a, V> {
    entries: &'a [(&'a str, V)],
    /// Keys and values in turn.
    encoded: RawItems<'a>,
}

impl<'a, V: Parse<'a> + Copy> Iterator for Iter<'a, V> {
    type Item = (Name<'a>, V);

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(((name, value), rest)) = self.entries.split_first() {
            self.entries = rest;
            return Some((Name::new(name), *value));
        }
        loop {
            let (name, value) = (self.encoded.next_name()?, self.encoded.next_as()?);
            if let (Some(name), Some(value)) = (name, value) {
                return Some((name, value));
            }
        }
    }
}

impl<'a, V> From<&'a [(&'a str, V)]> for Entries<'a, V> {
    fn from(entries: &'a [(&'a str, V)]) -> Self {
        Self::new(entries)
    }
}

impl<V> Default for Entries<'_, V> {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl<'a, V: Parse<'a>> Parse<'a> for Entries<'a, V> {
    fn read(r: &mut Reader<'a>) -> Result<Self, Error> {
        let start = r.position();
        r.map(|key, r| match key {
            Key::Text(_) => V::read(r).map(|_| ()),
            Key::Int(_) | Key::Bytes(_) => Err(Error::Unexpected {
                position: r.position(),
                expected: "a value under a text key",
            }),
        })?;
        Ok(Self(Source::Encoded(Raw(r.since(start)))))
    }
}

impl<V: Encode> Encode for Entries<'_, V> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self.0 {
            Source::Items(entries) => w.map(|m| {
                entries
                    .iter()
                    .try_for_each(|(name, value)| m.entry(*name, value))
            }),
            Source::Encoded(raw) => w.raw(raw),
        }
    }
}

impl<'a, V: Parse<'a> + Copy + PartialEq> PartialEq for Entries<'a, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, V: Parse<'a> + Copy + Eq> Eq for Entries<'a, V> {}

impl<'a, V: Parse<'a> + Copy + fmt::Debug> fmt::Debug for Entries<'a, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
