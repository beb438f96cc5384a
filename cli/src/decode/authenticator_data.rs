//! Authenticator data. WebAuthn Level 3 §6.1.

use super::cbor::Walk;
use super::node::{Fault, Findings, Node, hexadecimal};
use super::schema::{EXTENSIONS, Shape};

/// What `bytes`, which begin at `base` of the input, say.
pub(super) fn fields(bytes: &[u8], base: usize, findings: &mut Findings) -> Vec<Node> {
    let mut reader = Reader {
        rest: bytes,
        offset: base,
        fields: Vec::new(),
    };
    if let Err(fault) = reader.read(findings) {
        findings.faults.push(fault);
    }
    reader.fields
}

struct Reader<'b> {
    rest: &'b [u8],
    offset: usize,
    fields: Vec<Node>,
}

impl<'b> Reader<'b> {
    fn read(&mut self, findings: &mut Findings) -> Result<(), Fault> {
        self.bytes("rpIdHash", 32)?;
        let flags = self.flags()?;
        let count = self.take("signCount", 4)?;
        let value = count
            .iter()
            .fold(0_u64, |all, &byte| all << 8 | u64::from(byte));
        self.push("signCount", 4, value.to_string());
        if flags & AT != 0 {
            let start = self.offset;
            let before = std::mem::take(&mut self.fields);
            let read = self.attested_credential(findings);
            let inside = std::mem::replace(&mut self.fields, before);
            let length = self.offset.saturating_sub(start);
            self.fields
                .push(Node::new(start, length, "attestedCredentialData", "").with(inside));
            read?;
        }
        if flags & ED != 0 {
            self.cbor("extensions", &EXTENSIONS, findings);
        }
        match self.rest {
            [] => Ok(()),
            rest => Err(Fault::at(
                self.offset,
                format!("{} bytes follow the authenticator data", rest.len()),
            )),
        }
    }

    fn flags(&mut self) -> Result<u8, Fault> {
        let flags = self.take("flags", 1)?.first().copied().unwrap_or_default();
        let set: Vec<&str> = FLAGS
            .iter()
            .filter(|(bit, _)| flags & bit != 0)
            .map(|(_, name)| *name)
            .collect();
        self.push("flags", 1, format!("0x{flags:02X}: {}", set.join(", ")));
        if flags & BS != 0 && flags & BE == 0 {
            return Err(Fault::at(
                self.offset.saturating_sub(1),
                "BS is set and BE is not: backed up, but not eligible for backup",
            ));
        }
        Ok(flags)
    }

    fn attested_credential(&mut self, findings: &mut Findings) -> Result<(), Fault> {
        self.bytes("aaguid", 16)?;
        let length = self.take("credentialIdLength", 2)?;
        let length = length
            .iter()
            .fold(0, |all, &byte| all << 8 | usize::from(byte));
        self.push("credentialIdLength", 2, length.to_string());
        self.bytes("credentialId", length)?;
        self.cbor("credentialPublicKey", &Shape::CoseKey, findings);
        Ok(())
    }

    /// An item that only CBOR delimits.
    fn cbor(&mut self, name: &str, shape: &Shape, findings: &mut Findings) {
        let mut walk = Walk::new(self.rest, self.offset);
        let node = walk.item(name, shape);
        let length = walk.position();
        findings.append(walk.findings);
        self.fields.push(node);
        self.rest = self.rest.get(length..).unwrap_or_default();
        self.offset = self.offset.saturating_add(length);
    }

    fn bytes(&mut self, name: &str, length: usize) -> Result<(), Fault> {
        let bytes = self.take(name, length)?;
        self.push(name, length, hexadecimal(bytes));
        Ok(())
    }

    fn take(&mut self, name: &str, length: usize) -> Result<&'b [u8], Fault> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            let message = format!(
                "the authenticator data end: {name} takes {length} bytes, {} are left",
                self.rest.len()
            );
            return Err(Fault::at(self.offset, message));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(length);
        Ok(bytes)
    }

    /// The field whose `length` bytes were just taken.
    fn push(&mut self, name: &str, length: usize, value: String) {
        let start = self.offset.saturating_sub(length);
        self.fields.push(Node::new(start, length, name, value));
    }
}

const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;
const ED: u8 = 0x80;
const FLAGS: [(u8, &str); 8] = [
    (0x01, "UP"),
    (0x02, "reserved 0x02"),
    (0x04, "UV"),
    (BE, "BE"),
    (BS, "BS"),
    (0x20, "reserved 0x20"),
    (AT, "AT"),
    (ED, "ED"),
];
