//! The messages of CTAP2, a file per command. The message layer, on [`cbor`]; knows
//! neither transports nor sessions. CTAP 2.3 §6 and §8.
//!
//! A request is a command byte and, where the command has parameters, a map. A response is a
//! status byte and, when the status is [`Status::Ok`] and there is something to say, a map.
//!
//! | command | request | response |
//! |---|---|---|
//! | [`get_info`] | no parameters | [`get_info::Response`] |
//! | [`make_credential`] | [`make_credential::Request`] | [`make_credential::Response`] |
//! | [`get_assertion`] | [`get_assertion::Request`] | [`get_assertion::Response`] |
//! | getNextAssertion | no parameters | [`get_assertion::Response`] |
//! | [`client_pin`] | [`client_pin::Request`] | [`client_pin::Response`] |
//! | [`bio_enrollment`] | [`bio_enrollment::Request`] | [`bio_enrollment::Response`] |
//! | [`credential_management`] | [`credential_management::Request`] | [`credential_management::Response`] |
//! | [`large_blobs`] | [`large_blobs::Request`] | [`large_blobs::Response`] |
//! | [`authenticator_config`] | [`authenticator_config::Request`] | no map |
//! | reset, selection | no parameters | no map |
//!
//! ```
//! use keysteward_core::cbor::Parse;
//! use keysteward_core::ctap2::{self, Command, Status, client_pin};
//!
//! let question = client_pin::Request::new(client_pin::Subcommand::PinRetries);
//! let mut buffer = [0; 64];
//! let request = ctap2::request(Command::ClientPin, Some(&question), &mut buffer)?;
//! assert_eq!(request, [0x06, 0xa1, 0x02, 0x01]);
//!
//! let (status, map) = ctap2::response(&[0x00, 0xa1, 0x03, 0x08])?;
//! assert_eq!(status, Status::Ok);
//! assert_eq!(client_pin::Response::parse(map)?.pin_retries, Some(8));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authenticator_config;
pub mod bio_enrollment;
pub mod client_pin;
mod command;
mod credential;
pub mod credential_management;
pub mod extension;
pub mod get_assertion;
pub mod get_info;
mod large_blob_key;
pub mod large_blobs;
pub mod make_credential;
mod status;
pub mod subcommand;

#[cfg(test)]
mod tests;

pub use command::Command;
pub use credential::{
    PUBLIC_KEY, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
};
pub use large_blob_key::LargeBlobKey;
pub use status::Status;

use core::fmt;

use crate::cbor::{self, BufferFull, Encode};

/// Encodes a request into the front of `buffer`.
pub fn request<'b>(
    command: Command,
    parameters: Option<&dyn Encode>,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], BufferFull> {
    message(command.into(), parameters, buffer)
}

/// Parts a response into its status and its map, which is empty where there is none.
pub fn response(bytes: &[u8]) -> Result<(Status, &[u8]), EmptyMessage> {
    let (&status, map) = bytes.split_first().ok_or(EmptyMessage)?;
    Ok((status.into(), map))
}

/// The token's half of [`request`]: parts it into the command and its parameters.
pub fn parse_request(bytes: &[u8]) -> Result<(Command, &[u8]), EmptyMessage> {
    let (&command, parameters) = bytes.split_first().ok_or(EmptyMessage)?;
    Ok((command.into(), parameters))
}

/// The token's half of [`response`]: encodes it into the front of `buffer`.
pub fn encode_response<'b>(
    status: Status,
    map: Option<&dyn Encode>,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], BufferFull> {
    message(status.into(), map, buffer)
}

/// A message without even its first byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EmptyMessage;

impl fmt::Display for EmptyMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is empty, not even a command or status byte")
    }
}

impl core::error::Error for EmptyMessage {}

fn message<'b>(
    first: u8,
    map: Option<&dyn Encode>,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], BufferFull> {
    let (head, room) = buffer.split_first_mut().ok_or(BufferFull)?;
    *head = first;
    let length = match map {
        Some(map) => cbor::encode(map, room)?.len(),
        None => 0,
    };
    buffer.get(..=length).ok_or(BufferFull)
}
