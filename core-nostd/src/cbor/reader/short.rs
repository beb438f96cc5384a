//! Short forms: heads of one byte, and map keys that ascend. Messages hold hardly anything else,
//! and with nothing else to think of they are read in a third of the instructions. What is of
//! another form is left to the code that reads every form, and that names the fault if there is
//! one: nothing is accepted here that is refused there.
//!
//! For speed alone, so left out on microcontrollers.

use super::containers::Map;
use super::{Key, Major, Reader, SMALL};
use crate::cbor::Name;
use crate::cbor::head::LAST_IMMEDIATE;
use crate::cbor::key::Rank;
use crate::cbor::name::Words;

/// Where a reader stands in a map of short keys.
#[derive(Clone, Copy)]
pub(super) struct ShortMap {
    /// Where the last value begins.
    value: usize,
    /// Where the first key begins.
    start: usize,
    /// Entries, all and those of which the key was not read yet.
    count: u8,
    left: u8,
    /// The last key, which is the greatest: one more than its initial byte, and the words of text.
    above: u8,
    words: Words,
}

/// What comes next in a map of short keys.
pub(super) enum Next<'b> {
    Key(Key<'b>),
    /// The end of the map, which is left behind.
    End,
    /// Something else, before which the reader still stands.
    AnyForm,
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
            value: usize::MAX,
            start: r.position,
            count,
            left: count,
            above: 0,
            words: Words::NONE,
        })
    }

    #[inline(always)]
    pub(super) fn next<'b>(&mut self, r: &mut Reader<'b>) -> Next<'b> {
        // A value left untouched is to be skipped.
        if self.value == r.position {
            return Next::AnyForm;
        }
        let Some(left) = self.left.checked_sub(1) else {
            r.leave();
            return Next::End;
        };
        let Some(&initial) = r.input.get(r.position) else {
            return Next::AnyForm;
        };
        let after = r.position.wrapping_add(1);
        let (key, words, end) = match initial {
            0x00..=0x17 => (Key::Int(initial.into()), Words::NONE, after),
            0x20..=0x37 => (Key::Int(!i64::from(initial & 0x1f)), Words::NONE, after),
            0x60..=0x77 => {
                let end = after.wrapping_add((initial & 0x1f).into());
                let text = r.input.get(after..end);
                match text.and_then(|text| Some((text, Words::of_ascii(text)?))) {
                    Some((text, words)) => (Key::Text(Name::checked_before(text)), words, end),
                    None => return Next::AnyForm,
                }
            }
            _ => return Next::AnyForm,
        };
        let above = initial.wrapping_add(1);
        if initial < self.above && (above != self.above || words <= self.words) {
            return Next::AnyForm;
        }
        *self = Self {
            value: end,
            left,
            above,
            words,
            ..*self
        };
        r.position = end;
        Next::Key(key)
    }

    /// The same place, for the code that reads every form.
    #[inline(never)]
    pub(super) fn any_form<'b>(self, r: &Reader<'b>) -> Map<'b> {
        let initial = self.above.saturating_sub(1);
        let text = match Major::of(initial) {
            Major::Text => self.value.wrapping_sub((initial & 0x1f).into())..self.value,
            _ => 0..0,
        };
        Map {
            value: Some(self.value),
            start: self.start,
            begun: self.count.saturating_sub(self.left).into(),
            count: self.count.into(),
            greatest: Rank::short(initial, r.input.get(text).unwrap_or_default()),
        }
    }
}

impl<'b> Reader<'b> {
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
    let (mut least, mut greatest) = (0, Words::NONE);
    for _ in 0..count {
        let initial = *input.get(position)?;
        let after = position.wrapping_add(1);
        let (words, end) = match initial {
            0x00..=0x17 | 0x20..=0x37 => (Words::NONE, after),
            0x60..=0x77 => {
                let end = after.wrapping_add((initial & 0x1f).into());
                (Words::of_ascii(input.get(after..end)?)?, end)
            }
            _ => return None,
        };
        let above = initial.wrapping_add(1);
        if initial < least && (above != least || words <= greatest) {
            return None;
        }
        (least, greatest) = (above, words);
        position = end_of_short(input, end, levels_left)?;
    }
    Some(position)
}
