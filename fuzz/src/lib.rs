//! What every target demands beyond not panicking: what was read, written and read again is the
//! same.
//!
//! Run them from the repository's root: `cargo xtask fuzz --time 60 get_info session`. Each has a
//! folder in `corpus`, begun with recorded messages and dialogues.
//!
//! | what is fuzzed | targets |
//! |---|---|
//! | a message, read and written again | one named after each command, `extensions`, `authenticator_data`, `attestation_object`, `attestation_statement`, `tpm`, `ctap1`, `apdu`, `tlv`, `cbor_reader`, `piv`, `gids` |
//! | framing, in both roles | `ctaphid_client`, `ctaphid_device`, `hid_transport`, `apdu_chaining`, `apdu_exchange`, `nfcctap_client`, `nfcctap_device` |
//! | everything done to a token that answers what it likes | `session`, `u2f_session`, `piv_session`, `gids_session` |
//! | a token that is asked what one likes | `authenticator`, `card`, `piv_card`, `gids_card` (a session of ours among the askers) |
//! | X.509, as the server reads and checks it | `certificates` |
//! | the same bytes, or the same requests, given to other people's code | `diff_ciborium`, `diff_ctap_types`, `diff_opensk` |
//!
//! The server's attestation is compiled in by its path: it needs nothing else of the server.

mod admin_key;
mod applet_reader;
/// The server's.
#[path = "../../server/src/attestation/mod.rs"]
#[allow(dead_code, reason = "the server uses what no target does")]
pub mod attestation;
mod card;
mod chip;
mod counter;
pub mod dialogue;
pub mod gids_flow;
pub mod opensk_key;
mod script;
mod token;
pub mod virtual_key;

pub use admin_key::ZeroKey;
pub use applet_reader::{AppletReader, execute};
pub use card::{Gone, ScriptedCard};
pub use chip::Chip;
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
