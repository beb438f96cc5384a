//! Byte strings and texts, with what other formats put into them.

use keysteward_core::ctap2::large_blobs::array::HASH_LENGTH;
use minicbor::decode::Decoder;
use sha2::{Digest as _, Sha256};

use super::head::head_and_body;
use super::{Stopped, Walk};
use crate::decode::node::{Fault, Node, hexadecimal};
use crate::decode::schema::{self, Shape};
use crate::decode::{authenticator_data, certificate, tpm};

impl<'b> Walk<'b> {
    pub(super) fn byte_string(&mut self, node: &mut Node, shape: &Shape) -> Result<(), Stopped> {
        let bytes = self.take(Decoder::bytes)?;
        let inside = self
            .base
            .saturating_add(self.position().saturating_sub(bytes.len()));
        match shape {
            Shape::AuthenticatorData => {
                node.value = format!("{} bytes", bytes.len());
                node.fields = authenticator_data::fields(bytes, inside, &mut self.findings);
            }
            Shape::Certificate => {
                self.structure(node, bytes.len(), certificate::fields(bytes, inside));
            }
            Shape::TpmCertInfo => self.structure(node, bytes.len(), tpm::cert_info(bytes, inside)),
            Shape::TpmPublicArea => {
                self.structure(node, bytes.len(), tpm::public_area(bytes, inside));
            }
            Shape::LargeBlobArray => {
                node.value = hexadecimal(bytes);
                self.large_blob_array(node, bytes, inside);
            }
            Shape::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => node.value = format!("{text:?}"),
                Err(_) => node.value = hexadecimal(bytes),
            },
            Shape::Sized(size) if bytes.len() != *size => {
                node.value = hexadecimal(bytes);
                let message = format!("{} bytes, {size} are due", bytes.len());
                self.fault_at(node.offset, message);
            }
            _ => node.value = hexadecimal(bytes),
        }
        self.expect(node, shape, shape.takes_bytes());
        Ok(())
    }

    /// A byte string that another format fills.
    fn structure(&mut self, node: &mut Node, length: usize, read: Result<Vec<Node>, Fault>) {
        node.value = format!("{length} bytes");
        match read {
            Ok(fields) => node.fields = fields,
            Err(fault) => self.findings.faults.push(fault),
        }
    }

    /// The array, where the bytes are a whole one with its hash; a fragment is left closed.
    fn large_blob_array(&mut self, node: &mut Node, bytes: &[u8], inside: usize) {
        let at = bytes.len().saturating_sub(HASH_LENGTH);
        let (array, hash) = bytes.split_at(at);
        if !Sha256::digest(array).starts_with(hash) || hash.len() < HASH_LENGTH {
            return;
        }
        let mut walk = Walk::new(array, inside);
        let entries = walk.item("array", &schema::LARGE_BLOBS);
        let end = inside.saturating_add(array.len());
        self.findings.append(walk.findings);
        let hash = Node::new(end, hash.len(), "hash", hexadecimal(hash));
        node.fields = vec![entries, hash];
    }

    pub(super) fn text(&mut self, node: &mut Node, shape: &Shape) -> Result<(), Stopped> {
        let start = self.position();
        match self.decoder.str() {
            Ok(text) => node.value = format!("{text:?}"),
            Err(_) => {
                // Either it goes past the end, or it is no UTF-8: bytes still have a length.
                self.decoder.set_position(start);
                let bytes = self.text_bytes()?;
                node.value = format!("{:?}", String::from_utf8_lossy(bytes));
                self.fault_at(node.offset, "text that is not UTF-8");
            }
        }
        self.expect(node, shape, matches!(shape, Shape::Text));
        Ok(())
    }

    fn text_bytes(&mut self) -> Result<&'b [u8], Stopped> {
        let start = self.position();
        let bytes = self.bytes.get(start..).and_then(head_and_body);
        match bytes {
            Some((taken, body)) => {
                self.decoder.set_position(start.saturating_add(taken));
                Ok(body)
            }
            None => self.stop("the bytes end inside this text"),
        }
    }
}
