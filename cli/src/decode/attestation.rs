//! A WebAuthn attestation object. WebAuthn Level 3 §6.5.4.

use keysteward_core::webauthn::attestation::AttestationObject;

use super::cbor::Walk;
use super::ctap::fault_of;
use super::node::{Decoded, Fault};
use super::schema::{ATTESTATION_OBJECT, Shape, statement};

pub(super) fn object(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::new("attestation object", bytes.len());
    let mut walk = Walk::new(bytes, 0);
    decoded.fields = walk.fields(&Shape::Map(ATTESTATION_OBJECT));
    let end = walk.position();
    decoded.all_wrong(walk.faults);
    if end < bytes.len() {
        let message = format!(
            "{} bytes follow the object",
            bytes.len().saturating_sub(end)
        );
        decoded.wrong(Fault::at(end, message));
    }
    match AttestationObject::parse(bytes) {
        Ok(object) => {
            decoded.what = match statement(object.fmt) {
                Some(section) => format!("attestation object, {} ({section})", object.fmt),
                None => format!("attestation object of the unknown format {:?}", object.fmt),
            };
            if let Err(error) = object.statement() {
                decoded.wrong(Fault::somewhere(format!("attStmt: {error}")));
            }
        }
        Err(error) => decoded.wrong(fault_of(&error, 0)),
    }
    decoded
}
