//! The files that Windows' minidriver keeps in the card's data objects, so that Windows and others
//! find what there is. Windows Smart Card Minidriver Specification 7.07.
//!
//! | file | object | module |
//! |---|---|---|
//! | which files there are | A000 DF1F | [`masterfile`] |
//! | what is known of each key | A000 DF20 | [`key_map`] |
//! | `cardid` | A012 DF20 | 16 bytes |
//! | `cardapps` | A010 DF21 | [`CARD_APPS`] |
//! | `cardcf` | A010 DF22 | [`cardcf`] |
//! | `mscp/cmapfile` | A010 DF23 | [`cmapfile`] |
//! | `mscp/kxc00`, `mscp/ksc00` and so on | A010, free ones | [`certificate`] |
//!
//! Numbers are little-endian.

pub mod cardcf;
pub mod certificate;
pub mod cmapfile;
pub mod key_map;
pub mod masterfile;

/// What `cardapps` holds: the name of the one folder.
pub const CARD_APPS: [u8; 8] = *b"mscp\0\0\0\0";

/// Bytes of `cardid`.
pub const CARD_ID: usize = 16;

/// A slice of whole records, and how many there are; `None` where the last is cut.
fn records<const N: usize>(bytes: &[u8]) -> Option<&[[u8; N]]> {
    match bytes.as_chunks() {
        (records, []) => Some(records),
        _ => None,
    }
}

/// A number of two bytes in a record.
fn u16_at(record: &[u8], at: usize) -> u16 {
    let bytes = record.get(at..).and_then(<[u8]>::first_chunk);
    u16::from_le_bytes(bytes.copied().unwrap_or_default())
}

/// Writes bytes into a record, as far as there is room.
fn put_at(record: &mut [u8], at: usize, bytes: &[u8]) {
    let room = record.get_mut(at..).unwrap_or_default();
    for (to, from) in room.iter_mut().zip(bytes) {
        *to = *from;
    }
}
