//! Attestation statements. WebAuthn Level 3 §8.

use crate::cbor::{BufferFull, Encode, Error, List, Raw, Reader, Writer, required};
use crate::webauthn::cose::Algorithm;

/// Format `packed`, WebAuthn Level 3 §8.2.
pub const PACKED: &str = "packed";
/// Format `fido-u2f`, WebAuthn Level 3 §8.6.
pub const FIDO_U2F: &str = "fido-u2f";
/// Format `none`, WebAuthn Level 3 §8.7.
pub const NONE: &str = "none";
/// Format `tpm`, WebAuthn Level 3 §8.3.
pub const TPM: &str = "tpm";
/// Format `android-key`, WebAuthn Level 3 §8.4.
pub const ANDROID_KEY: &str = "android-key";
/// Format `apple`, WebAuthn Level 3 §8.8.
pub const APPLE: &str = "apple";

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
    /// By a Trusted Platform Module.
    Tpm {
        /// [`tpm::VERSION`](super::tpm::VERSION)
        ver: &'a str,
        /// Of the signature.
        alg: Algorithm,
        /// Over `cert_info`
        sig: &'a [u8],
        /// Not empty; the TPM's first.
        x5c: List<'a, &'a [u8]>,
        /// [`tpm::CertInfo`](super::tpm::CertInfo)
        cert_info: &'a [u8],
        /// [`tpm::PublicArea`](super::tpm::PublicArea)
        pub_area: &'a [u8],
    },
    /// By the credential, whose certificate an Android keystore made.
    AndroidKey {
        /// Of the signature.
        alg: Algorithm,
        /// Over authenticator data and client data hash
        sig: &'a [u8],
        /// Not empty; the credential's first. Its extension 1.3.6.1.4.1.11129.2.1.17 holds the
        /// client data hash.
        x5c: List<'a, &'a [u8]>,
    },
    /// By a certificate for the credential, without a signature.
    Apple {
        /// Not empty; the credential's first. Its extension 1.2.840.113635.100.8.2 holds the
        /// hash of authenticator data and client data hash.
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
            PACKED | FIDO_U2F | TPM | ANDROID_KEY | APPLE => {
                let members = Members::read(fmt, att_stmt)?;
                if members.ecdaa {
                    // Withdrawn from WebAuthn; without x5c it would pass for self attestation.
                    return Ok(Self::Other { fmt, att_stmt });
                }
                Self::of_members(fmt, &members)
            }
            _ => Ok(Self::Other { fmt, att_stmt }),
        }
    }

    /// One of the formats that are read here.
    fn of_members(fmt: &str, members: &Members<'a>) -> Result<Self, Error> {
        Ok(match fmt {
            PACKED => Self::Packed {
                alg: required(members.alg, "alg of the packed statement")?,
                sig: required(members.sig, "sig of the packed statement")?,
                x5c: members.x5c,
            },
            FIDO_U2F => Self::FidoU2f {
                sig: required(members.sig, "sig of the fido-u2f statement")?,
                x5c: required(members.x5c, "x5c of the fido-u2f statement")?,
            },
            TPM => Self::Tpm {
                ver: required(members.ver, "ver of the tpm statement")?,
                alg: required(members.alg, "alg of the tpm statement")?,
                sig: required(members.sig, "sig of the tpm statement")?,
                x5c: required(members.x5c, "x5c of the tpm statement")?,
                cert_info: required(members.cert_info, "certInfo of the tpm statement")?,
                pub_area: required(members.pub_area, "pubArea of the tpm statement")?,
            },
            ANDROID_KEY => Self::AndroidKey {
                alg: required(members.alg, "alg of the android-key statement")?,
                sig: required(members.sig, "sig of the android-key statement")?,
                x5c: required(members.x5c, "x5c of the android-key statement")?,
            },
            _ => Self::Apple {
                x5c: required(members.x5c, "x5c of the apple statement")?,
            },
        })
    }

    /// The format.
    pub const fn fmt(&self) -> &'a str {
        match self {
            Self::None => NONE,
            Self::Packed { .. } => PACKED,
            Self::FidoU2f { .. } => FIDO_U2F,
            Self::Tpm { .. } => TPM,
            Self::AndroidKey { .. } => ANDROID_KEY,
            Self::Apple { .. } => APPLE,
            Self::Other { fmt, .. } => fmt,
        }
    }

    /// The certificates, the signer's first; none where the format has none, or is not read here.
    pub fn certificates(&self) -> List<'a, &'a [u8]> {
        match self {
            Self::Packed { x5c, .. } => x5c.unwrap_or_default(),
            Self::FidoU2f { x5c, .. }
            | Self::Tpm { x5c, .. }
            | Self::AndroidKey { x5c, .. }
            | Self::Apple { x5c } => *x5c,
            Self::None | Self::Other { .. } => List::default(),
        }
    }
}

/// The members of all the formats that are read here.
#[derive(Default)]
struct Members<'a> {
    ver: Option<&'a str>,
    alg: Option<Algorithm>,
    sig: Option<&'a [u8]>,
    x5c: Option<List<'a, &'a [u8]>>,
    cert_info: Option<&'a [u8]>,
    pub_area: Option<&'a [u8]>,
    /// Whether there is an `ecdaaKeyId`.
    ecdaa: bool,
}

impl<'a> Members<'a> {
    /// A member of another format's is passed over like any unknown one.
    fn read(fmt: &str, att_stmt: Raw<'a>) -> Result<Self, Error> {
        let mut members = Self::default();
        Reader::new(att_stmt.bytes()).map(|key, r| {
            match key {
                _ if key.is("alg") && fmt != FIDO_U2F && fmt != APPLE => {
                    members.alg = Some(r.read()?);
                }
                _ if key.is("sig") && fmt != APPLE => members.sig = Some(r.read()?),
                _ if key.is("x5c") => members.x5c = Some(certificates(r)?),
                _ if key.is("ver") && fmt == TPM => members.ver = Some(r.read()?),
                _ if key.is("certInfo") && fmt == TPM => members.cert_info = Some(r.read()?),
                _ if key.is("pubArea") && fmt == TPM => members.pub_area = Some(r.read()?),
                _ if key.is("ecdaaKeyId") => members.ecdaa = true,
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(members)
    }
}

/// The map alone; the format stands beside it in the message.
impl Encode for Statement<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        let (mut alg, mut sig, mut x5c) = (None, None, None);
        let (mut ver, mut pub_area, mut cert_info) = (None, None, None);
        match *self {
            Self::None => {}
            Self::Packed {
                alg: of,
                sig: by,
                x5c: chain,
            } => (alg, sig, x5c) = (Some(of), Some(by), chain),
            Self::FidoU2f {
                sig: by,
                x5c: chain,
            } => (sig, x5c) = (Some(by), Some(chain)),
            Self::Tpm {
                ver: edition,
                alg: of,
                sig: by,
                x5c: chain,
                cert_info: certified,
                pub_area: public,
            } => {
                (alg, sig, x5c) = (Some(of), Some(by), Some(chain));
                (ver, cert_info, pub_area) = (Some(edition), Some(certified), Some(public));
            }
            Self::AndroidKey {
                alg: of,
                sig: by,
                x5c: chain,
            } => (alg, sig, x5c) = (Some(of), Some(by), Some(chain)),
            Self::Apple { x5c: chain } => x5c = Some(chain),
            Self::Other { att_stmt, .. } => return w.raw(att_stmt),
        }
        w.map(|m| {
            m.optional("alg", alg)?;
            m.optional("sig", sig)?;
            m.optional("ver", ver)?;
            m.optional("x5c", x5c)?;
            m.optional("pubArea", pub_area)?;
            m.optional("certInfo", cert_info)
        })
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
