//! What every target demands beyond not panicking: what was read, written and read again is the
//! same.
//!
//! Run one from the repository's root: `cargo +nightly fuzz run get_info`. Each has a folder in
//! `corpus`, begun with recorded messages.

mod card;
mod counter;
mod script;
mod token;

pub use card::{Gone, ScriptedCard};
pub use counter::Counter;
pub use script::Script;
pub use token::{ScriptedToken, Unplugged};

use std::fmt::Debug;

use keysteward_core::cbor::{Encode, encode};

/// Room for whatever was read: nothing grows when it is written again, and a fuzzer's inputs are
/// shorter.
pub const ROOM: usize = 1 << 13;

/// Writes what was read. Gives the bytes, for the caller to read again.
pub fn written(message: &dyn Encode) -> Vec<u8> {
    let mut buffer = vec![0; ROOM];
    let length = encode(message, &mut buffer)
        .expect("what was read from fewer bytes fits the buffer")
        .len();
    buffer.truncate(length);
    buffer
}

/// Checks that the second reading is the first.
pub fn assert_same<T: Debug + PartialEq>(
    first: &T,
    second: Result<T, impl Debug + PartialEq>,
    bytes: &[u8],
) {
    match second {
        Ok(second) => assert_eq!(&second, first, "written as {bytes:02x?}"),
        Err(error) => panic!("{first:?} was written as {bytes:02x?}, unreadable: {error:?}"),
    }
}

/// Reads `$bytes` as each of the types; what can be read must survive being written.
#[macro_export]
macro_rules! survive {
    ($bytes:expr => $($type:ty),* $(,)?) => {$(
        if let Ok(first) = <$type as ::keysteward_core::cbor::Parse>::parse($bytes) {
            let again = $crate::written(&first);
            let second = <$type as ::keysteward_core::cbor::Parse>::parse(&again);
            $crate::assert_same(&first, second, &again);
        }
    )*};
}
