//! APDUs: a command to a card, or its response. ISO/IEC 7816-4 §5.

use keysteward_core::iso7816::{Command, Form, Response, Status};

use super::node::{Decoded, Fault, Node, hexadecimal};
use super::{Command as Asked, ctap, ctaphid, tlv, u2f};

/// Explains one APDU. With `asked` it is the response to that. Without, bytes that make a whole
/// command are read as one, unless its instruction is unknown here and they end as a response does,
/// in a status word; others are a response if they do.
pub(super) fn apdu(bytes: &[u8], asked: Option<Asked>) -> Decoded {
    let response = Response::parse(bytes)
        .ok()
        .filter(|response| is_status(response.status.into()));
    match (Command::parse(bytes), response) {
        (_, Some(response)) if asked.is_some() => answer(bytes, &response, asked),
        (Ok((command, _)), Some(response)) if instruction(&command).is_none() => {
            answer(bytes, &response, None)
        }
        (Ok((command, form)), _) => request(bytes, &command, form),
        (Err(_), Some(response)) => answer(bytes, &response, None),
        (Err(error), _) => {
            let mut decoded = Decoded::new("APDU", bytes.len());
            let text = format!(
                "neither a command ({error}) nor a response, which ends in a status word such as 9000"
            );
            decoded.wrong(Fault::somewhere(text));
            decoded
        }
    }
}

fn request(bytes: &[u8], command: &Command<'_>, form: Form) -> Decoded {
    let name = instruction(command);
    let what = match name {
        Some(name) => format!("command APDU, {name}"),
        None => "command APDU with an instruction unknown here".into(),
    };
    let mut decoded = Decoded::new(what, bytes.len());
    let byte = |at: usize, name: &str, value: u8| Node::new(at, 1, name, format!("{value:02X}"));
    let mut ins = byte(1, "INS", command.ins);
    match name {
        Some(name) => ins.value = format!("{} ({name})", ins.value),
        None => ins.unknown = true,
    }
    decoded.fields = vec![
        Node::new(0, 1, "CLA", class(command.cla)),
        ins,
        byte(2, "P1", command.p1),
        byte(3, "P2", command.p2),
    ];
    let lc = match (form, command.data.is_empty()) {
        (_, true) => 0,
        (Form::Short, false) => 1,
        (Form::Extended, false) => 3,
    };
    let mut at: usize = 4;
    if lc > 0 {
        decoded
            .fields
            .push(Node::new(at, lc, "Lc", command.data.len().to_string()));
        at = at.saturating_add(lc);
        let mut data = Node::new(at, command.data.len(), "data", hexadecimal(command.data));
        data.fields = inside(command, at, &mut decoded);
        decoded.fields.push(data);
        at = at.saturating_add(command.data.len());
    }
    if let Some(le) = command.le {
        let length = bytes.len().saturating_sub(at);
        let value = format!("at most {} bytes", le.bytes());
        decoded.fields.push(Node::new(at, length, "Le", value));
    }
    decoded
}

/// What the data field of a well-known command holds.
fn inside(command: &Command<'_>, at: usize, decoded: &mut Decoded) -> Vec<Node> {
    match (command.cla & !CHAINING, command.ins) {
        (0x00, 0xA4) if command.p1 == 0x04 => {
            let name = application(command.data).unwrap_or("unknown here");
            let node = Node::new(at, command.data.len(), "application", name);
            match application(command.data) {
                Some(_) => vec![node],
                None => vec![node.unknown()],
            }
        }
        (0x80, 0x10) if command.cla & CHAINING == 0 => decoded
            .nested(ctap::request(command.data), &|offset| {
                offset.saturating_add(at)
            }),
        (0x00, 0x01..=0x03) => match u2f::request(command, at) {
            Ok(fields) => fields,
            Err(fault) => {
                decoded.wrong(fault);
                Vec::new()
            }
        },
        // GET DATA, PUT DATA, GENERAL AUTHENTICATE, GENERATE: data objects, or not at all.
        (_, 0xCB | 0xDB | 0x87 | 0x47) => {
            let mut faults = Vec::new();
            let nodes = tlv::nodes(command.data, at, 0, &mut faults);
            if faults.is_empty() { nodes } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

fn answer(bytes: &[u8], response: &Response<'_>, asked: Option<Asked>) -> Decoded {
    let mut decoded = Decoded::new("response APDU", bytes.len());
    if !response.data.is_empty() || (asked.is_some() && response.status == Status::Success) {
        let mut data = Node::new(0, response.data.len(), "data", hexadecimal(response.data));
        data.fields = answered(response, asked, &mut decoded);
        decoded.fields.push(data);
    }
    let sw = Node::new(response.data.len(), 2, "SW", response.status.to_string());
    decoded.fields.push(sw);
    decoded
}

/// What the data field of a response holds.
fn answered(response: &Response<'_>, asked: Option<Asked>, decoded: &mut Decoded) -> Vec<Node> {
    let data = response.data;
    if u16::from(response.status) == KEEPALIVE
        && let &[status] = data
    {
        return vec![Node::new(0, 1, "status", ctaphid::keepalive(status))];
    }
    let read = match asked {
        Some(asked) if response.status == Status::Success => match asked.ctap2() {
            Some(command) => {
                let inner = ctap::response(data, Some(command));
                decoded.what = format!("response APDU, {}", inner.what);
                return decoded.nested(inner, &|offset| offset);
            }
            None => u2f::response(asked, data),
        },
        _ => {
            let mut faults = Vec::new();
            let objects = tlv::nodes(data, 0, 0, &mut faults);
            return if faults.is_empty() {
                objects
            } else {
                Vec::new()
            };
        }
    };
    read.unwrap_or_else(|fault| {
        decoded.wrong(fault);
        Vec::new()
    })
}

fn class(cla: u8) -> String {
    let kind = match cla {
        0xFF => "reserved",
        _ if cla & 0x80 != 0 => "proprietary",
        _ => "interindustry",
    };
    match cla & CHAINING {
        0 => format!("{cla:02X} ({kind})"),
        _ => format!("{cla:02X} ({kind}, more blocks follow)"),
    }
}

/// ISO/IEC 7816-4 §11; CTAP 2.3 §11.3; U2F raw messages; SP 800-73-5 part 2.
fn instruction(command: &Command<'_>) -> Option<&'static str> {
    Some(match (command.cla & !CHAINING, command.ins) {
        (0x00, 0x01) => "U2F_REGISTER",
        (0x00, 0x02) => "U2F_AUTHENTICATE",
        (0x00, 0x03) => "U2F_VERSION",
        (0x80, 0x10) => "NFCCTAP_MSG",
        (0x80, 0x11) => "NFCCTAP_GETRESPONSE",
        (0x80, 0x12) => "NFCCTAP_CONTROL",
        (_, 0x20) => "VERIFY",
        (_, 0x22) => "MANAGE SECURITY ENVIRONMENT",
        (_, 0x24) => "CHANGE REFERENCE DATA",
        (_, 0x2A) => "PERFORM SECURITY OPERATION",
        (_, 0x2C) => "RESET RETRY COUNTER",
        (_, 0x44) => "ACTIVATE FILE",
        (_, 0x47) => "GENERATE ASYMMETRIC KEY PAIR",
        (_, 0x82) => "EXTERNAL OR MUTUAL AUTHENTICATE",
        (_, 0x84) => "GET CHALLENGE",
        (_, 0x87) => "GENERAL AUTHENTICATE",
        (_, 0x88) => "INTERNAL AUTHENTICATE",
        (_, 0xA4) => "SELECT",
        (_, 0xB0) => "READ BINARY",
        (_, 0xC0) => "GET RESPONSE",
        (_, 0xCA | 0xCB) => "GET DATA",
        (_, 0xD6) => "UPDATE BINARY",
        (_, 0xDA | 0xDB) => "PUT DATA",
        (_, 0xE0) => "CREATE FILE",
        (_, 0xE4) => "DELETE FILE",
        (_, 0xE6) => "TERMINATE DF",
        (0x00, 0xF6) => "Yubico MOVE KEY",
        (0x00, 0xF7) => "Yubico GET METADATA",
        (0x00, 0xF8) => "Yubico GET SERIAL",
        (0x00, 0xF9) => "Yubico ATTEST",
        (0x00, 0xFA) => "Yubico SET PIN RETRIES",
        (0x00, 0xFB) => "Yubico RESET",
        (0x00, 0xFD) => "Yubico GET VERSION",
        (0x00, 0xFE) => "Yubico IMPORT ASYMMETRIC KEY",
        (0x00, 0xFF) => "Yubico SET MANAGEMENT KEY",
        _ => return None,
    })
}

fn application(aid: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 5] = [
        (b"\xA0\x00\x00\x06\x47\x2F\x00\x01", "FIDO"),
        (b"\xA0\x00\x00\x03\x08", "PIV"),
        (b"\xA0\x00\x00\x03\x97\x42\x54\x46\x59", "GIDS"),
        (b"\xD2\x76\x00\x01\x24\x01", "OpenPGP"),
        (b"\xA0\x00\x00\x05\x27", "Yubico"),
    ];
    known
        .into_iter()
        .find_map(|(start, name)| aid.starts_with(start).then_some(name))
}

/// SW1 of every status word there is.
fn is_status(sw: u16) -> bool {
    matches!(sw.to_be_bytes(), [0x61..=0x6F | 0x90..=0x9F, _])
}

/// SW of NFCCTAP_GETRESPONSE while the authenticator is at work. CTAP 2.3 §11.3.7.
const KEEPALIVE: u16 = 0x9100;

/// Bit of CLA: this is not the last block.
const CHAINING: u8 = 0x10;
