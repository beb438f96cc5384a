//! Heads of items and keys of maps, as canonical CBOR has them. CTAP 2.3 §8.

/// The bytes that the number in an item's head takes there, and those that would do; `None` where
/// it takes no more than it needs.
pub(super) fn longer_than_needed(item: &[u8]) -> Option<(u64, usize, usize)> {
    let (length, number) = head(item)?;
    let shortest = match number {
        0..=23 => 1,
        24..=0xFF => 2,
        0x100..=0xFFFF => 3,
        0x1_0000..=0xFFFF_FFFF => 5,
        _ => 9,
    };
    (length > shortest).then_some((number, length, shortest))
}

/// The bytes of an item's head and the number in it; none where simple values and floating point
/// numbers have a form of their own.
fn head(item: &[u8]) -> Option<(usize, u64)> {
    let (&first, rest) = item.split_first()?;
    match (first >> 5, first & 0x1f) {
        (7, _) => None,
        (_, short @ 0..=23) => Some((1, short.into())),
        (_, 24) => Some((2, (*rest.first()?).into())),
        (_, 25) => Some((3, u16::from_be_bytes(*rest.first_chunk()?).into())),
        (_, 26) => Some((5, u32::from_be_bytes(*rest.first_chunk()?).into())),
        (_, 27) => Some((9, u64::from_be_bytes(*rest.first_chunk()?))),
        _ => None,
    }
}

/// The length of a text item with its head, and its bytes.
pub(super) fn head_and_body(item: &[u8]) -> Option<(usize, &[u8])> {
    let (head, length) = head(item)?;
    let end = usize::try_from(length).ok()?.checked_add(head)?;
    Some((end, item.get(head..end)?))
}

/// What the keys of a map are sorted by: type, length, bytes.
pub(super) fn order(key: &[u8]) -> (u8, usize, &[u8]) {
    (key.first().map_or(0, |first| first >> 5), key.len(), key)
}
