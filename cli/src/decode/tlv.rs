//! BER-TLV data objects. ISO/IEC 7816-4 §6.3.

use keysteward_core::iso7816::tlv::{self, Objects};

use super::node::{Decoded, Fault, Node, hexadecimal};

pub(super) fn objects(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::new("BER-TLV data objects", bytes.len());
    if bytes.is_empty() {
        decoded.wrong(Fault::at(0, "no bytes: a data object begins with its tag"));
        return decoded;
    }
    let mut faults = Vec::new();
    decoded.fields = nodes(bytes, 0, 0, &mut faults);
    decoded.all_wrong(faults);
    decoded
}

/// The objects in `bytes`, which begin at `base` of the input.
pub(super) fn nodes(bytes: &[u8], base: usize, depth: usize, faults: &mut Vec<Fault>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for object in Objects::new(bytes) {
        match object {
            Ok(object) => nodes.push(node(&object, base, depth, faults)),
            Err(error) => {
                let at = base.saturating_add(error.offset());
                faults.push(Fault::at(at, error.to_string()));
            }
        }
    }
    nodes
}

fn node(object: &tlv::Object<'_>, base: usize, depth: usize, faults: &mut Vec<Fault>) -> Node {
    let offset = base.saturating_add(object.offset);
    let inside = offset.saturating_add(object.header);
    let length = object.header.saturating_add(object.value.len());
    let name = name(object.tag.0);
    let mut node = Node::new(offset, length, name.unwrap_or("object"), "");
    node.key = Some(object.tag.to_string());
    if object.tag.is_constructed() && depth < MAX_DEPTH {
        node.value = format!("{} bytes", object.value.len());
        node.fields = nodes(object.value, inside, depth.saturating_add(1), faults);
    } else {
        node.value = hexadecimal(object.value);
    }
    node
}

/// Tags with one meaning wherever they stand. ISO/IEC 7816-4 §8; SP 800-73-5 part 1, appendix A.
fn name(tag: u32) -> Option<&'static str> {
    Some(match tag {
        0x4F => "application identifier",
        0x50 => "application label",
        0x53 => "discretionary data",
        0x5C => "tag list",
        0x61 => "application template",
        0x62 => "file control parameters",
        0x6F => "file control information",
        0x70 => "certificate",
        0x71 => "certificate info",
        0x79 => "coexistent tag allocation authority",
        0x7C => "dynamic authentication template",
        0x7E => "discovery object",
        0x7F49 => "public key",
        0x7F61 => "biometric information templates",
        0x5F2F => "PIN usage policy",
        0x5FC101 => "card authentication certificate",
        0x5FC102 => "card holder unique identifier",
        0x5FC103 => "fingerprints",
        0x5FC105 => "PIV authentication certificate",
        0x5FC106 => "security object",
        0x5FC107 => "card capability container",
        0x5FC109 => "printed information",
        0x5FC10A => "digital signature certificate",
        0x5FC10B => "key management certificate",
        0x5FC10C => "key history",
        0xFE => "error detection code",
        _ => return None,
    })
}

/// Templates inside templates that are opened.
const MAX_DEPTH: usize = 8;
