//! Short forms: heads of one byte (of a message's own members also of two), and map keys that
//! ascend. Messages hold hardly anything else, and with nothing else to think of they are read in
//! a third of the instructions. What is of another form is left to the code that reads every form,
//! and that names the fault if there is one: nothing is accepted here that is refused there.
//!
//! For speed alone, so left out on microcontrollers.

use super::containers::Map;
use super::{Key, Major, Reader, SMALL};
use crate::cbor::Name;
use crate::cbor::head::LAST_IMMEDIATE;
use crate::cbor::key::Rank;
use crate::cbor::name::is_short_ascii;

/// Where a reader stands in a map of short keys.
pub(super) struct ShortMap {
    /// Where the first key begins.
    start: usize,
    /// Where the last value begins, and the last key ends.
    value: usize,
    /// Entries, all and those of which the key was not read yet.
    count: u8,
    left: u8,
    /// One more than the initial byte of the last key, which is the greatest.
    above: u8,
}

impl ShortMap {
    /// Goes into the map that comes next, if its head is short.
    #[inline(always)]
    pub(super) fn enter(r: &mut Reader<'_>) -> Option<Self> {
        if SMALL {
            return None;
        }
        let count = match *r.input.get(r.position)? {
            head @ 0xa0..=0xb7 => head & 0x1f,
            _ => return None,
        };
        r.levels_left = r.levels_left.checked_sub(1)?;
        r.position = r.position.wrapping_add(1);
        Some(Self {
            start: r.position,
            value: usize::MAX,
            count,
            left: count,
            above: 0,
        })
    }

    /// The next key, if it is short and above all before it. Where not, the reader stays.
    #[inline(always)]
    pub(super) fn next<'b>(&mut self, r: &mut Reader<'b>) -> Option<Key<'b>> {
        // A value left untouched is to be skipped.
        if self.value == r.position {
            return None;
        }
        let left = self.left.checked_sub(1)?;
        let initial = *r.input.get(r.position)?;
        let after = r.position.wrapping_add(1);
        let (key, end) = match initial {
            0x00..=0x17 => (Key::Int(initial.into()), after),
            0x20..=0x37 => (Key::Int(!i64::from(initial & 0x1f)), after),
            // The later members of getInfo.
            TWO_BYTES => match *r.input.get(after)? {
                key @ 24.. => (Key::Int(key.into()), after.wrapping_add(1)),
                _ => return None,
            },
            0x60..=0x77 => {
                let end = after.wrapping_add((initial & 0x1f).into());
                let text = r.input.get(after..end)?;
                if !is_short_ascii(text) {
                    return None;
                }
                (Key::Text(Name::checked_before(text)), end)
            }
            _ => return None,
        };
        if initial < self.above && !is_greater(r.input, initial, self.above, end, self.value) {
            return None;
        }
        self.left = left;
        self.above = initial.wrapping_add(1);
        self.value = end;
        r.position = end;
        Some(key)
    }

    /// Whether the reader, which stands where there is no next key, stands at the end of the map.
    #[inline(always)]
    pub(super) fn is_at_end(&self, r: &Reader<'_>) -> bool {
        self.left == 0 && self.value != r.position
    }

    /// The same place, for the code that reads every form.
    #[inline(never)]
    pub(super) fn any_form<'b>(&self, r: &Reader<'b>) -> Map<'b> {
        let initial = self.above.saturating_sub(1);
        let last = last(r.input, initial, self.value).unwrap_or_default();
        let greatest = match (initial, last) {
            (TWO_BYTES, [argument, ..]) => Rank {
                major: Major::Unsigned,
                argument: (*argument).into(),
                string: &[],
            },
            _ => Rank::short(initial, last),
        };
        Map {
            value: Some(self.value),
            start: self.start,
            begun: self.count.saturating_sub(self.left).into(),
            count: self.count.into(),
            greatest,
        }
    }
}

/// The initial byte of integers from 24 to 255.
const TWO_BYTES: u8 = 0x18;

/// Whether a key whose initial byte is not above those before is greater all the same: both are
/// text of one length, or integers from 24 to 255. They end at `end` and, the one before it, at
/// `end_before`.
#[inline(always)]
fn is_greater(input: &[u8], initial: u8, above: u8, end: usize, end_before: usize) -> bool {
    if initial.wrapping_add(1) != above {
        return false;
    }
    match (last(input, initial, end), last(input, initial, end_before)) {
        // Hardly ever the same.
        (Some([this, ..]), Some([before, ..])) if this != before => this > before,
        (this, before) => this > before,
    }
}

/// What follows the initial byte of a key that ends there: of text all of it, of an integer from
/// 24 to 255 that integer, of others nothing.
#[inline(always)]
fn last(input: &[u8], initial: u8, end: usize) -> Option<&[u8]> {
    let length = match initial {
        TWO_BYTES => 1,
        0x60..=0x77 => usize::from(initial & 0x1f),
        _ => 0,
    };
    input.get(end.wrapping_sub(length)..end)
}

impl<'b> Reader<'b> {
    /// Reads the next item if it is short text. `texts` is what lies behind the first byte.
    #[inline(always)]
    pub(in crate::cbor) fn short_text(&mut self, texts: &'b str) -> Option<&'b str> {
        let head = *texts.as_bytes().get(self.position.wrapping_sub(1))?;
        let length = match head {
            0x60..=0x77 => usize::from(head & 0x1f),
            _ => return None,
        };
        let end = self.position.wrapping_add(length);
        let text = texts.get(self.position..end)?;
        self.position = end.wrapping_add(1);
        Some(text)
    }

    /// Reads a map of one known form, all of it in short forms: `before`, an integer, `behind`.
    /// `None` if the map is of another form; the reader then stays. For a map that messages repeat.
    #[inline(always)]
    pub(crate) fn integer_between(&mut self, before: &[u8], behind: &[u8]) -> Option<i64> {
        // Into the map and out of it.
        self.levels_left.checked_sub(1)?;
        let start = self.position;
        let rest = self.input.get(start..)?;
        rest.strip_prefix(before)?;
        self.position = start.wrapping_add(before.len());
        let integer = self.integer().ok();
        let rest = self.input.get(self.position..).unwrap_or_default();
        if integer.is_none() || !rest.starts_with(behind) {
            self.position = start;
            return None;
        }
        self.position = self.position.wrapping_add(behind.len());
        integer
    }

    /// Passes over an item of short forms alone.
    #[inline(always)]
    pub(super) fn skip_short(&mut self) -> Option<()> {
        self.position = end_of_short(self.input, self.position, self.levels_left)?;
        Some(())
    }
}

/// Where the item at `position` ends, if all of it is short.
#[inline(always)]
fn end_of_short(input: &[u8], position: usize, levels_left: u8) -> Option<usize> {
    let initial = *input.get(position)?;
    let argument = initial & 0x1f;
    let after = position.wrapping_add(1);
    if argument > LAST_IMMEDIATE {
        return end_of_long_string(input, after, initial);
    }
    match initial >> 5 {
        0 | 1 | 7 => Some(after),
        2 | 3 => end_of_string(input, after, argument.into()),
        4 => end_of_items(input, after, argument, levels_left.checked_sub(1)?),
        5 => end_of_entries(input, after, argument, levels_left.checked_sub(1)?),
        _ => None,
    }
}

/// Hashes, keys, signatures and certificates.
#[inline(always)]
fn end_of_long_string(input: &[u8], position: usize, initial: u8) -> Option<usize> {
    match initial {
        0x58 | 0x78 => {
            let length = *input.get(position)?;
            end_of_string(input, position.wrapping_add(1), length.into())
        }
        0x59 | 0x79 => {
            let length = input.get(position..)?.first_chunk()?;
            let length = u16::from_be_bytes(*length);
            end_of_string(input, position.wrapping_add(2), length.into())
        }
        _ => None,
    }
}

#[inline(always)]
fn end_of_string(input: &[u8], position: usize, length: usize) -> Option<usize> {
    let end = position.wrapping_add(length);
    (end <= input.len()).then_some(end)
}

fn end_of_items(input: &[u8], mut position: usize, count: u8, levels_left: u8) -> Option<usize> {
    for _ in 0..count {
        position = end_of_short(input, position, levels_left)?;
    }
    Some(position)
}

fn end_of_entries(input: &[u8], mut position: usize, count: u8, levels_left: u8) -> Option<usize> {
    let (mut above, mut end_before) = (0, 0);
    for _ in 0..count {
        let initial = *input.get(position)?;
        let after = position.wrapping_add(1);
        let end = match initial {
            0x00..=0x17 | 0x20..=0x37 => after,
            0x60..=0x77 => {
                let end = after.wrapping_add((initial & 0x1f).into());
                if !is_short_ascii(input.get(after..end)?) {
                    return None;
                }
                end
            }
            _ => return None,
        };
        if initial < above && !is_greater(input, initial, above, end, end_before) {
            return None;
        }
        (above, end_before) = (initial.wrapping_add(1), end);
        position = end_of_short(input, end, levels_left)?;
    }
    Some(position)
}
