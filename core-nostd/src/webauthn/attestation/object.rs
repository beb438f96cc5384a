//! The attestation object, as relying parties get it. WebAuthn Level 3 §6.5.4.

use super::Statement;
use crate::cbor::{self, BufferFull, Encode, Raw, Reader, Writer, required};

/// Levels that an attestation object may nest. `compound` statements (WebAuthn Level 3 §8.9) go
/// one deeper than CTAP2 messages.
const MAX_DEPTH: u8 = 6;

/// An attestation object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttestationObject<'a> {
    /// The format of the statement.
    pub fmt: &'a str,
    /// The statement, as it came; [`statement`](Self::statement) reads it.
    pub att_stmt: Raw<'a>,
    /// [`AuthenticatorData`](crate::webauthn::authenticator_data::AuthenticatorData)
    pub auth_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    /// Reads bytes that hold an attestation object and nothing else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, cbor::Error> {
        let mut reader = Reader::with_depth(bytes, MAX_DEPTH);
        let (mut fmt, mut att_stmt, mut auth_data) = (None, None, None);
        reader.map(|key, r| {
            match key {
                _ if key.is("fmt") => fmt = Some(r.read()?),
                _ if key.is("attStmt") => att_stmt = Some(r.read()?),
                _ if key.is("authData") => auth_data = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        reader.finish()?;
        Ok(Self {
            fmt: required(fmt, "fmt of the attestation object")?,
            att_stmt: required(att_stmt, "attStmt of the attestation object")?,
            auth_data: required(auth_data, "authData of the attestation object")?,
        })
    }

    /// The statement.
    pub fn statement(&self) -> Result<Statement<'a>, cbor::Error> {
        Statement::parse(self.fmt, self.att_stmt)
    }
}

impl Encode for AttestationObject<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry("fmt", self.fmt)?;
            m.entry("attStmt", self.att_stmt)?;
            m.entry("authData", self.auth_data)
        })
    }
}
