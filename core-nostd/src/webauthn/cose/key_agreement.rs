//! COSE_Key of a PIN/UV auth protocol.

use super::key::ec2;
use super::members::{EC2, Members};
use super::{Algorithm, Curve};
use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer, required};

/// The public key of one side of a PIN/UV auth protocol: on P-256, with both coordinates.
/// CTAP 2.3 §6.5.6. Not checked to lie on the curve; that is for the cryptography to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyAgreementKey<'a> {
    /// Big-endian.
    pub x: &'a [u8; 32],
    /// Big-endian.
    pub y: &'a [u8; 32],
}

impl Encode for KeyAgreementKey<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        ec2(w, Algorithm::EcdhEsHkdf256, Curve::P256, self.x, self.y)
    }
}

impl<'b> Parse<'b> for KeyAgreementKey<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let position = r.position();
        let members = Members::read(r)?;
        let curve = members.curve.and_then(Curve::from_identifier);
        if members.key_type != Some(EC2) || curve != Some(Curve::P256) {
            return Err(Error::OutOfRange {
                position,
                expected: "a COSE key on P-256",
            });
        }
        // The algorithm is a label only, and old keys put others there.
        Ok(Self {
            x: required(coordinate(members.second), "x (-2) of the COSE key")?,
            y: required(coordinate(members.third), "y (-3) of the COSE key")?,
        })
    }
}

fn coordinate(bytes: Option<&[u8]>) -> Option<&[u8; 32]> {
    bytes?.try_into().ok()
}
