//! The messages of U2F, as APDUs carry them. FIDO U2F Raw Message Formats 1.2; CTAP 2.3 §7.

use keysteward_core::ctap1::{self, Request, authenticate, register};
use keysteward_core::iso7816::Command;

use super::Command as Asked;
use super::certificate;
use super::node::{Fault, Node, hexadecimal};

/// Which command this is, where it is one.
pub(super) const fn command(command: &Command<'_>) -> Option<Asked> {
    Some(match (command.cla, command.ins) {
        (0x00, 0x01) => Asked::U2fRegister,
        (0x00, 0x02) => Asked::U2fAuthenticate,
        (0x00, 0x03) => Asked::U2fVersion,
        _ => return None,
    })
}

/// What the data field of a command holds, which begins at `at` of the input.
pub(super) fn request(command: &Command<'_>, at: usize) -> Result<Vec<Node>, Fault> {
    let request = Request::parse(command)
        .map_err(|status| Fault::at(at, format!("a key answers this with {status}")))?;
    let mut fields = Fields::from(at);
    match request {
        Request::Version => {}
        Request::Register(request) => {
            fields.push("challenge parameter", request.challenge);
            fields.push("application parameter", request.application);
        }
        Request::Authenticate(request) => {
            fields.push("challenge parameter", request.challenge);
            fields.push("application parameter", request.application);
            fields.named("key handle length", 1, request.key_handle.len().to_string());
            fields.push("key handle", request.key_handle);
        }
    }
    Ok(fields.nodes)
}

/// What a key answered with SW 9000.
pub(super) fn response(asked: Asked, data: &[u8]) -> Result<Vec<Node>, Fault> {
    let mut fields = Fields::from(0);
    match asked {
        Asked::U2fRegister => {
            let response = register::Response::parse(data).map_err(fault)?;
            fields.named("reserved", 1, "05".into());
            let point = [&[0x04], response.x.as_slice(), response.y.as_slice()].concat();
            fields.push("user public key", &point);
            fields.named(
                "key handle length",
                1,
                response.key_handle.len().to_string(),
            );
            fields.push("key handle", response.key_handle);
            let at = fields.at;
            let length = response.certificate.len();
            fields.named("attestation certificate", length, format!("{length} bytes"));
            if let Some(node) = fields.nodes.last_mut() {
                node.fields = certificate::fields(response.certificate, at)?;
            }
            fields.push("signature", response.signature);
        }
        Asked::U2fAuthenticate => {
            let response = authenticate::Response::parse(data).map_err(fault)?;
            fields.named(
                "user presence",
                1,
                format!("0x{:02X}", response.user_presence),
            );
            fields.named("counter", 4, response.counter.to_string());
            fields.push("signature", response.signature);
        }
        _ => match std::str::from_utf8(data) {
            Ok(version) => fields.named("version", data.len(), format!("{version:?}")),
            Err(_) => return Err(Fault::at(0, "a version that is not text")),
        },
    }
    Ok(fields.nodes)
}

/// Fields one behind the other.
struct Fields {
    at: usize,
    nodes: Vec<Node>,
}

impl Fields {
    const fn from(at: usize) -> Self {
        Self {
            at,
            nodes: Vec::new(),
        }
    }

    fn push(&mut self, name: &str, bytes: &[u8]) {
        self.named(name, bytes.len(), hexadecimal(bytes));
    }

    fn named(&mut self, name: &str, length: usize, value: String) {
        self.nodes.push(Node::new(self.at, length, name, value));
        self.at = self.at.saturating_add(length);
    }
}

fn fault(error: ctap1::Error) -> Fault {
    Fault::somewhere(error.to_string())
}
