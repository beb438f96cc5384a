mod commands;
mod keys;
mod objects;

use std::vec::Vec;

/// Hexadecimal digits with spaces between them.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}
