//! CTAP2 messages: a command byte or a status byte, and a map. CTAP 2.3 §6.

use keysteward_core::cbor::{self, Parse};
use keysteward_core::ctap2::{
    self, Status, authenticator_config, bio_enrollment, client_pin, credential_management,
    get_assertion, get_info, large_blobs, make_credential,
};

use super::cbor::Walk;
use super::node::{Decoded, Fault, Node};
use super::schema::{self, Shape};

pub(super) fn request(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::new("CTAP2 request", bytes.len());
    let Some((&code, parameters)) = bytes.split_first() else {
        decoded.wrong(Fault::at(
            0,
            "no bytes: a request begins with its command byte",
        ));
        return decoded;
    };
    let command = ctap2::Command::from(code);
    let name = name(command);
    let mut first = Node::new(0, 1, "command", format!("0x{code:02X} ({name})"));
    decoded.what = format!("{name} request");
    if matches!(command, ctap2::Command::Other(_)) {
        first.unknown = true;
        decoded.what = format!("request with the unknown command 0x{code:02X}");
    }
    decoded.fields.push(first);
    let shape = schema::request(command);
    body(&mut decoded, parameters, shape, known(command));
    if shape.is_some() || !parameters.is_empty() {
        verdict(&mut decoded, read_request(command, parameters));
    }
    decoded
}

pub(super) fn response(bytes: &[u8], command: Option<ctap2::Command>) -> Decoded {
    let mut decoded = Decoded::new("CTAP2 response", bytes.len());
    let Some((&code, map)) = bytes.split_first() else {
        decoded.wrong(Fault::at(
            0,
            "no bytes: a response begins with its status byte",
        ));
        return decoded;
    };
    let mut first = Node::new(0, 1, "status", schema::status(code));
    let status = Status::from(code);
    first.unknown = matches!(status, Status::Other(_));
    decoded.fields.push(first);
    if let Some(command) = command {
        decoded.what = format!("{} response", name(command));
    }
    let shape = command.and_then(schema::response);
    let expected = command.is_some_and(known);
    body(&mut decoded, map, shape, expected);
    match command {
        _ if status != Status::Ok && !map.is_empty() => {
            decoded.wrong(Fault::at(1, "a refusal carries nothing after its status"));
        }
        Some(command) if !map.is_empty() => verdict(&mut decoded, read_response(command, map)),
        Some(
            ctap2::Command::GetInfo | ctap2::Command::MakeCredential | ctap2::Command::GetAssertion,
        ) if status == Status::Ok => {
            decoded.wrong(Fault::at(1, "the map is missing"));
        }
        _ => {}
    }
    decoded
}

/// Walks what follows the first byte. `known`: a command of which all is known, so that bytes
/// without a shape are bytes too many.
fn body(decoded: &mut Decoded, bytes: &[u8], shape: Option<Shape>, known: bool) {
    if bytes.is_empty() {
        return;
    }
    if shape.is_none() && known {
        let message = format!("{} bytes follow, where nothing is due", bytes.len());
        decoded.wrong(Fault::at(1, message));
    }
    let mut walk = Walk::new(bytes, 1);
    let map = walk.item("parameters", &shape.unwrap_or(Shape::Any));
    let end = walk.position();
    decoded.found(walk.findings);
    match map.fields.is_empty() {
        false => decoded.fields.extend(map.fields),
        true => decoded.fields.push(map),
    }
    if end < bytes.len() {
        let message = format!("{} bytes follow the map", bytes.len().saturating_sub(end));
        decoded.wrong(Fault::at(end.saturating_add(1), message));
    }
}

/// What the core, which the agent and the server read with, says of the same bytes. Where the
/// walk found a fault already, it has named it more closely.
fn verdict(decoded: &mut Decoded, read: Result<(), cbor::Error>) {
    match read {
        Err(error) if decoded.valid => decoded.wrong(fault_of(&error, 1)),
        _ => {}
    }
}

fn read_request(command: ctap2::Command, map: &[u8]) -> Result<(), cbor::Error> {
    use ctap2::Command as C;
    match command {
        C::MakeCredential => make_credential::Request::parse(map).map(drop),
        C::GetAssertion => get_assertion::Request::parse(map).map(drop),
        C::ClientPin => client_pin::Request::parse(map).map(drop),
        C::BioEnrollment | C::BioEnrollmentPreview => bio_enrollment::Request::parse(map).map(drop),
        C::CredentialManagement | C::CredentialManagementPreview => {
            credential_management::Request::parse(map).map(drop)
        }
        C::LargeBlobs => large_blobs::Request::parse(map).map(drop),
        C::AuthenticatorConfig => authenticator_config::Request::parse(map).map(drop),
        _ => Ok(()),
    }
}

fn read_response(command: ctap2::Command, map: &[u8]) -> Result<(), cbor::Error> {
    use ctap2::Command as C;
    match command {
        C::GetInfo => get_info::Response::parse(map).map(drop),
        C::MakeCredential => make_credential::Response::parse(map).map(drop),
        C::GetAssertion | C::GetNextAssertion => get_assertion::Response::parse(map).map(drop),
        C::ClientPin => client_pin::Response::parse(map).map(drop),
        C::BioEnrollment | C::BioEnrollmentPreview => {
            bio_enrollment::Response::parse(map).map(drop)
        }
        C::CredentialManagement | C::CredentialManagementPreview => {
            credential_management::Response::parse(map).map(drop)
        }
        C::LargeBlobs => large_blobs::Response::parse(map).map(drop),
        _ => Ok(()),
    }
}

/// The place that the core's parser names, in the input that begins `base` bytes earlier.
pub(super) fn fault_of(error: &cbor::Error, base: usize) -> Fault {
    let error = error.at_offset(base);
    let text = error.to_string();
    match error.position() {
        Some(position) => Fault::at(position, text),
        None => Fault::somewhere(text),
    }
}

fn known(command: ctap2::Command) -> bool {
    !matches!(command, ctap2::Command::Other(_))
}

/// The command's name in the specification, without "authenticator".
pub(super) fn name(command: ctap2::Command) -> &'static str {
    use ctap2::Command as C;
    match command {
        C::MakeCredential => "makeCredential",
        C::GetAssertion => "getAssertion",
        C::GetInfo => "getInfo",
        C::ClientPin => "clientPIN",
        C::Reset => "reset",
        C::GetNextAssertion => "getNextAssertion",
        C::BioEnrollment => "bioEnrollment",
        C::CredentialManagement => "credentialManagement",
        C::Selection => "selection",
        C::LargeBlobs => "largeBlobs",
        C::AuthenticatorConfig => "authenticatorConfig",
        C::BioEnrollmentPreview => "bioEnrollment preview",
        C::CredentialManagementPreview => "credentialManagement preview",
        C::Other(_) => "unknown",
    }
}
