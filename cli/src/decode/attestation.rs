//! A WebAuthn attestation object. WebAuthn Level 3 §6.5.4.

use keysteward_core::cbor::{self, Raw, Reader};
use keysteward_core::webauthn::attestation::{AttestationObject, Statement};

use super::cbor::Walk;
use super::ctap::fault_of;
use super::node::{Decoded, Fault};
use super::schema::{ATTESTATION_OBJECT, Shape, statement};

pub(super) fn object(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded::new("attestation object", bytes.len());
    let mut walk = Walk::new(bytes, 0);
    decoded.fields = walk.fields(&Shape::Map(ATTESTATION_OBJECT));
    let end = walk.position();
    decoded.found(walk.findings);
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
            if object.fmt == COMPOUND {
                compound(object.att_stmt.bytes(), &mut decoded);
            } else if let Err(error) = object.statement() {
                decoded.wrong(Fault::somewhere(format!("attStmt: {error}")));
            }
        }
        Err(error) => decoded.wrong(fault_of(&error, 0)),
    }
    decoded
}

/// Judges each statement of a compound one. §8.9.
fn compound(att_stmt: &[u8], decoded: &mut Decoded) {
    let mut count = 0_usize;
    let read = Reader::new(att_stmt).array(|r| {
        count = count.saturating_add(1);
        let (mut fmt, mut statement) = (None, None);
        r.map(|label, r| {
            match label {
                _ if label.is("fmt") => fmt = Some(r.read::<&str>()?),
                _ if label.is("attStmt") => statement = Some(r.read::<Raw<'_>>()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        match (fmt, statement) {
            (Some(fmt), Some(statement)) => Statement::parse(fmt, statement).map(drop),
            (None, _) => Err(cbor::Error::Missing {
                member: "fmt of a statement",
            }),
            (_, None) => Err(cbor::Error::Missing {
                member: "attStmt of a statement",
            }),
        }
    });
    match read {
        Err(error) => decoded.wrong(Fault::somewhere(format!("attStmt: {error}"))),
        Ok(()) if count < 2 => decoded.wrong(Fault::somewhere(format!(
            "attStmt: {count} statements, a compound one has two or more"
        ))),
        Ok(()) => {}
    }
}

const COMPOUND: &str = "compound";
