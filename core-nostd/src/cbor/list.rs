//! Arrays of one type, read item by item.

use core::fmt;

use super::raw::{Raw, RawItems};
use super::reader::SMALL;
use super::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// An array: of the caller's items when it is to be sent, of the message's bytes when it came.
/// Either way it borrows, and has no capacity to overrun.
#[derive(Clone, Copy)]
pub struct List<'a, T>(Source<'a, T>);

#[derive(Clone, Copy)]
enum Source<'a, T> {
    Items(&'a [T]),
    /// A checked array. Items that are not a `T` may be in it.
    Encoded(Raw<'a>),
}

impl<'a, T> List<'a, T> {
    /// A list of these items.
    pub const fn new(items: &'a [T]) -> Self {
        Self(Source::Items(items))
    }
}

impl<'a, T: Parse<'a> + Copy> List<'a, T> {
    /// Reads an array in which items that are not a `T` are passed over, here and by
    /// [`iter`](Self::iter): newer keys name things that this code has no type for.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn read_lenient(r: &mut Reader<'a>) -> Result<Self, Error> {
        r.array_raw().map(|raw| Self(Source::Encoded(raw)))
    }

    /// The items, in order.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        match self.0 {
            Source::Items(items) => Iter {
                items,
                encoded: RawItems::default(),
                texts: "",
            },
            Source::Encoded(raw) => Iter {
                items: &[],
                encoded: raw.items(),
                texts: match !SMALL && T::of_text("").is_some() {
                    true => raw.texts(),
                    false => "",
                },
            },
        }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.iter()
            .fold(0, |count: usize, _| count.saturating_add(1))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether `item` is among them.
    pub fn contains(&self, item: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|one| one == *item)
    }
}

/// Of the first two, one is empty.
struct Iter<'a, T> {
    items: &'a [T],
    encoded: RawItems<'a>,
    /// What [`Raw::texts`] found.
    texts: &'a str,
}

impl<'a, T: Parse<'a> + Copy> Iterator for Iter<'a, T> {
    type Item = T;

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn next(&mut self) -> Option<T> {
        if let Some((item, rest)) = self.items.split_first() {
            self.items = rest;
            return Some(*item);
        }
        if !SMALL && let Some(text) = self.encoded.next_text(self.texts) {
            return T::of_text(text);
        }
        loop {
            if let Some(item) = self.encoded.next_as()? {
                return Some(item);
            }
        }
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(items: &'a [T]) -> Self {
        Self::new(items)
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(items: &'a [T; N]) -> Self {
        Self::new(items)
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl<'a, T: Parse<'a>> Parse<'a> for List<'a, T> {
    fn read(r: &mut Reader<'a>) -> Result<Self, Error> {
        let start = r.position();
        r.array(|r| T::read(r).map(|_| ()))?;
        Ok(Self(Source::Encoded(Raw(r.since(start)))))
    }
}

impl<T: Encode> Encode for List<'_, T> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self.0 {
            Source::Items(items) => w.array(items.iter()),
            Source::Encoded(raw) => w.raw(raw),
        }
    }
}

impl<'a, T: Parse<'a> + Copy + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Parse<'a> + Copy + Eq> Eq for List<'a, T> {}

impl<'a, T: Parse<'a> + Copy + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
