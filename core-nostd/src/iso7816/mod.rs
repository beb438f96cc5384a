//! Commands to cards and their answers. ISO/IEC 7816-4 §5.
//!
//! | part | what it does |
//! |---|---|
//! | [`Command`], [`Response`], [`Status`] | one APDU each way |
//! | [`Exchange`] | the reader's side of one command, however many APDUs it takes: sans-IO |
//! | [`Reassembly`], [`Outbox`] | the card's side of command and response chaining: sans-IO |
//! | [`tlv`] | the data objects inside |
//! | [`CardTransport`], [`exchange`] | a blocking client over any reader |
//!
//! ```
//! use keysteward_core::iso7816::{Command, Form, Le, Response, Status};
//!
//! let select = Command {
//!     cla: 0x00,
//!     ins: 0xA4,
//!     p1: 0x04,
//!     p2: 0x00,
//!     data: b"\xA0\x00\x00\x06\x47\x2F\x00\x01",
//!     le: Some(Le::SHORT),
//! };
//! let mut buffer = [0; 16];
//! let apdu = select.encode(Form::Short, &mut buffer)?;
//! assert_eq!(Command::parse(apdu)?, (select, Form::Short));
//!
//! let answer = Response::parse(b"U2F_V2\x90\x00")?;
//! assert_eq!((answer.data, answer.status), (b"U2F_V2".as_slice(), Status::Success));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chaining;
mod command;
mod exchange;
mod outbox;
mod response;
mod status;
pub mod tlv;
mod transport;

#[cfg(test)]
mod tests;

pub use chaining::{Block, Blocks, ChainTooLong, Reassembly};
pub use command::{Command, CommandError, EncodeError, Form, Le, MAX_SHORT_DATA};
pub use exchange::{Exchange, ExchangeError, Framing};
pub use outbox::Outbox;
pub use response::{MAX_SHORT_RESPONSE, Response, ResponseTooShort};
pub use status::Status;
pub use transport::{CardError, CardTransport, exchange};

/// Writes the parts one after the other; `None` when they do not fit.
fn join<'b>(buffer: &'b mut [u8], parts: &[&[u8]]) -> Option<&'b [u8]> {
    let mut len: usize = 0;
    for part in parts {
        let end = len.checked_add(part.len())?;
        buffer.get_mut(len..end)?.copy_from_slice(part);
        len = end;
    }
    buffer.get(..len)
}
