//! Attestation statements. WebAuthn Level 3 §8.

use crate::cbor::{BufferFull, Encode, Error, Key, List, Raw, Reader, Writer, required};
use crate::webauthn::cose::Algorithm;

/// Format `packed`, WebAuthn Level 3 §8.2.
pub const PACKED: &str = "packed";
/// Format `fido-u2f`, WebAuthn Level 3 §8.6.
pub const FIDO_U2F: &str = "fido-u2f";
/// Format `none`, WebAuthn Level 3 §8.7.
pub const NONE: &str = "none";

/// An attestation statement. Certificates are X.509 in DER, the signer's first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Statement<'a> {
    /// Nothing is said.
    None,
    /// Signed by the maker's key, or by the credential itself.
    Packed {
        /// Of the signature.
        alg: Algorithm,
        /// Over authenticator data and client data hash.
        sig: &'a [u8],
        /// Not empty; absent when the credential signed (self attestation).
        x5c: Option<List<'a, &'a [u8]>>,
    },
    /// Of a U2F key, or of a CTAP2 key answering as one.
    FidoU2f {
        /// Over the U2F registration data.
        sig: &'a [u8],
        /// One certificate.
        x5c: List<'a, &'a [u8]>,
    },
    /// Of a format that is for the host to read, carried through as it came.
    Other {
        /// The format.
        fmt: &'a str,
        /// The statement.
        att_stmt: Raw<'a>,
    },
}

impl<'a> Statement<'a> {
    /// Reads a statement of the format.
    pub fn parse(fmt: &'a str, att_stmt: Raw<'a>) -> Result<Self, Error> {
        match fmt {
            NONE => Ok(Self::None),
            PACKED => Self::parse_packed(att_stmt),
            FIDO_U2F => Self::parse_fido_u2f(att_stmt),
            _ => Ok(Self::Other { fmt, att_stmt }),
        }
    }

    /// The format.
    pub const fn fmt(&self) -> &'a str {
        match self {
            Self::None => NONE,
            Self::Packed { .. } => PACKED,
            Self::FidoU2f { .. } => FIDO_U2F,
            Self::Other { fmt, .. } => fmt,
        }
    }

    /// The certificates, the signer's first; none where the format has none, or is not read here.
    pub fn certificates(&self) -> List<'a, &'a [u8]> {
        match self {
            Self::Packed { x5c, .. } => x5c.unwrap_or_default(),
            Self::FidoU2f { x5c, .. } => *x5c,
            Self::None | Self::Other { .. } => List::default(),
        }
    }

    fn parse_packed(att_stmt: Raw<'a>) -> Result<Self, Error> {
        let (mut alg, mut sig, mut x5c) = (None, None, None);
        let mut ecdaa = false;
        Reader::new(att_stmt.bytes()).map(|key, r| {
            match key {
                Key::Text("alg") => alg = Some(r.read()?),
                Key::Text("sig") => sig = Some(r.read()?),
                Key::Text("x5c") => x5c = Some(certificates(r)?),
                Key::Text("ecdaaKeyId") => ecdaa = true,
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        if ecdaa {
            // Withdrawn from WebAuthn; without x5c it would pass for self attestation.
            let fmt = PACKED;
            return Ok(Self::Other { fmt, att_stmt });
        }
        Ok(Self::Packed {
            alg: required(alg, "alg of the packed statement")?,
            sig: required(sig, "sig of the packed statement")?,
            x5c,
        })
    }

    fn parse_fido_u2f(att_stmt: Raw<'a>) -> Result<Self, Error> {
        let (mut sig, mut x5c) = (None, None);
        Reader::new(att_stmt.bytes()).map(|key, r| {
            match key {
                Key::Text("sig") => sig = Some(r.read()?),
                Key::Text("x5c") => x5c = Some(certificates(r)?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self::FidoU2f {
            sig: required(sig, "sig of the fido-u2f statement")?,
            x5c: required(x5c, "x5c of the fido-u2f statement")?,
        })
    }
}

/// The map alone; the format stands beside it in the message.
impl Encode for Statement<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::None => w.raw(Raw::EMPTY_MAP),
            Self::Packed { alg, sig, x5c } => w.map(|m| {
                m.entry("alg", alg)?;
                m.entry("sig", sig)?;
                m.optional("x5c", *x5c)
            }),
            Self::FidoU2f { sig, x5c } => w.map(|m| {
                m.entry("sig", sig)?;
                m.entry("x5c", x5c)
            }),
            Self::Other { att_stmt, .. } => w.raw(*att_stmt),
        }
    }
}

fn certificates<'b>(r: &mut Reader<'b>) -> Result<List<'b, &'b [u8]>, Error> {
    let position = r.position();
    let certificates: List<'b, &'b [u8]> = r.read()?;
    if certificates.is_empty() {
        return Err(Error::OutOfRange {
            position,
            expected: "at least one certificate",
        });
    }
    Ok(certificates)
}
