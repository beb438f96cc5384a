//! An item kept as it came.

use core::fmt;

use super::head::Major;
use super::{BufferFull, Encode, Error, Key, Name, Parse, Reader, Writer};

/// One well-formed item, byte for byte: what a MAC is computed over, or what another layer reads.
/// `Debug` shows the length only, since the bytes may be secret.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Raw<'b>(pub(super) &'b [u8]);

impl<'b> Raw<'b> {
    /// An empty map.
    pub const EMPTY_MAP: Self = Self(&[0xa0]);

    /// Encodes `value` into the front of `buffer`, so that the bytes can be authenticated first
    /// and sent afterwards.
    pub fn encode_in(value: &dyn Encode, buffer: &'b mut [u8]) -> Result<Self, BufferFull> {
        super::encode(value, buffer).map(Self)
    }

    /// A reader at the item. Its depth was bounded when the item was first read.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) const fn reader(self) -> Reader<'b> {
        Reader::with_depth(self.0, u8::MAX)
    }

    /// The items of an array, or the keys and values of a map in turn.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn items(self) -> RawItems<'b> {
        let mut reader = self.reader();
        let left = reader.peek().and_then(|head| reader.skim(head));
        RawItems {
            left: left.unwrap_or_default(),
            reader,
        }
    }

    /// All behind the first byte as text, if it is. Heads of short text are ASCII, so that an
    /// array of it is UTF-8 as a whole, heads and all, and looked through once.
    pub(super) fn texts(self) -> &'b str {
        let behind = self.0.get(1..).unwrap_or_default();
        core::str::from_utf8(behind).unwrap_or_default()
    }

    /// Whether the item is a map.
    pub fn is_map(self) -> bool {
        self.reader()
            .peek()
            .is_ok_and(|head| head.major == Major::Map)
    }

    /// The entries, in the order in which they came, if the item is a map.
    pub fn entries(self) -> impl Iterator<Item = (Key<'b>, Raw<'b>)> + use<'b> {
        let mut items = self.is_map().then(|| self.items());
        core::iter::from_fn(move || {
            let items = items.as_mut()?;
            Some((items.next()?.reader().read().ok()?, items.next()?))
        })
    }

    /// The item's bytes.
    pub const fn bytes(self) -> &'b [u8] {
        self.0
    }
}

/// What is in an array or a map that was checked before.
#[derive(Clone)]
pub(super) struct RawItems<'b> {
    reader: Reader<'b>,
    left: u64,
}

impl Default for RawItems<'_> {
    fn default() -> Self {
        Self {
            reader: Reader::new(&[]),
            left: 0,
        }
    }
}

impl<'b> RawItems<'b> {
    /// The next item, if it is a `T`; it is passed over if not. The outer `None` is the end.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn next_as<T: Parse<'b>>(&mut self) -> Option<Option<T>> {
        let left = self.left.checked_sub(1)?;
        let start = self.reader.place();
        let item = self.reader.read().ok();
        if item.is_none() {
            self.reader.go_back(start);
            self.reader.pass().ok()?;
        }
        self.left = left;
        Some(item)
    }

    /// The next item, if it is short text. `texts` is what [`Raw::texts`] found.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn next_text(&mut self, texts: &'b str) -> Option<&'b str> {
        let left = self.left.checked_sub(1)?;
        let text = self.reader.short_text(texts)?;
        self.left = left;
        Some(text)
    }

    /// The next item of a map, a key, if it is text. It was seen to be UTF-8 with the map.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn next_name(&mut self) -> Option<Option<Name<'b>>> {
        let left = self.left.checked_sub(1)?;
        let name = self.reader.checked_name().ok();
        if name.is_none() {
            self.reader.pass().ok()?;
        }
        self.left = left;
        Some(name)
    }
}

impl<'b> Iterator for RawItems<'b> {
    type Item = Raw<'b>;

    fn next(&mut self) -> Option<Raw<'b>> {
        self.left = self.left.checked_sub(1)?;
        let start = self.reader.position();
        self.reader.pass().ok()?;
        Some(Raw(self.reader.since(start)))
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

impl Encode for Raw<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.raw(*self)
    }
}

impl<'b> Parse<'b> for Raw<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.raw()
    }
}
