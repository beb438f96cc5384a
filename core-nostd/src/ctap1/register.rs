//! U2F_REGISTER (0x01). U2F Raw Message Formats 1.2 §4; CTAP 2.3 §10.2.
//!
//! ```
//! use keysteward_core::ctap1::register::Response;
//! use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
//!
//! let registered = Response {
//!     x: &[1; 32],
//!     y: &[2; 32],
//!     key_handle: b"key handle",
//!     certificate: b"\x30\x00",
//!     signature: b"\x30\x00",
//! };
//! let mut buffer = [0; 256];
//! let made = registered.make_credential(&[7; 32], &mut buffer)?;
//! assert_eq!(made.fmt, "fido-u2f");
//! let data = AuthenticatorData::parse(made.auth_data)?;
//! assert_eq!(data.attested_credential.unwrap().credential_id, b"key handle");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::{Error, REGISTER, command, der_sequence, signature};
use crate::cbor::{BufferFull, List, Raw};
use crate::ctap2::make_credential;
use crate::iso7816::{Command, Status};
use crate::webauthn::attestation::{FIDO_U2F, Statement};
use crate::webauthn::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use crate::webauthn::cose::PublicKey;

/// U2F_REGISTER request. It waits for a touch: SW 6985 until it comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// SHA-256 of the client data; clientDataHash in CTAP2.
    pub challenge: &'a [u8; 32],
    /// SHA-256 of the application; of the RP ID in CTAP2.
    pub application: &'a [u8; 32],
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(&self, data: &'b mut [u8; 64]) -> Command<'b> {
        let (challenge, application) = data.split_at_mut(32);
        challenge.copy_from_slice(self.challenge);
        application.copy_from_slice(self.application);
        command(REGISTER, 0x00, data)
    }

    /// Reads the data of a command.
    pub fn parse(data: &'a [u8]) -> Result<Self, Status> {
        match data.split_first_chunk() {
            Some((challenge, application)) => Ok(Self {
                challenge,
                application: application.try_into().map_err(|_| Status::WrongLength)?,
            }),
            None => Err(Status::WrongLength),
        }
    }
}

/// U2F_REGISTER response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Response<'a> {
    /// Of the new public key, on P-256.
    pub x: &'a [u8; 32],
    /// Of the new public key.
    pub y: &'a [u8; 32],
    /// 1 to 255 bytes; the credential id in CTAP2.
    pub key_handle: &'a [u8],
    /// The attestation certificate, X.509 in DER.
    pub certificate: &'a [u8],
    /// Its signature over [`signed`](Self::signed), in DER.
    pub signature: &'a [u8],
}

impl<'a> Response<'a> {
    /// Reads an answer with SW 9000.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let short = |member| Error::TooShort { member };
        let (&[reserved, form], rest) = bytes.split_first_chunk().ok_or(short("public key"))?;
        if reserved != RESERVED {
            return Err(Error::ReservedByte(reserved));
        }
        if form != UNCOMPRESSED {
            return Err(Error::NotAPoint);
        }
        let (x, rest) = rest.split_first_chunk().ok_or(short("public key"))?;
        let (y, rest) = rest.split_first_chunk().ok_or(short("public key"))?;
        let (&length, rest) = rest.split_first().ok_or(short("key handle"))?;
        if length == 0 {
            return Err(Error::KeyHandleEmpty);
        }
        let (key_handle, rest) = rest
            .split_at_checked(usize::from(length))
            .ok_or(short("key handle"))?;
        let (certificate, rest) = der_sequence(rest, "certificate")?;
        Ok(Self {
            x,
            y,
            key_handle,
            certificate,
            signature: signature(rest)?,
        })
    }

    /// Encodes into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferFull> {
        let length = u8::try_from(self.key_handle.len()).map_err(|_| BufferFull)?;
        let mut w = crate::cbor::Writer::new(buffer);
        for part in [
            &[RESERVED, UNCOMPRESSED],
            self.x.as_slice(),
            self.y,
            &[length],
            self.key_handle,
            self.certificate,
            self.signature,
        ] {
            w.append(part)?;
        }
        Ok(w.finish())
    }

    /// What the attestation key signs, in parts.
    #[must_use]
    pub const fn signed<'p>(&self, request: &Request<'p>) -> [&'p [u8]; 7]
    where
        'a: 'p,
    {
        [
            &[0x00],
            request.application,
            request.challenge,
            self.key_handle,
            &[UNCOMPRESSED],
            self.x,
            self.y,
        ]
    }

    /// The same as an answer to authenticatorMakeCredential, written to `buffer`: attestation
    /// `fido-u2f`, a counter of 0, no AAGUID. `rp_id_hash` is the application that was asked for.
    pub fn make_credential<'b>(
        &self,
        rp_id_hash: &[u8; 32],
        buffer: &'b mut [u8],
    ) -> Result<make_credential::Response<'b>, BufferFull> {
        let auth_data = AuthenticatorData {
            rp_id_hash,
            flags: Flags::USER_PRESENT,
            sign_count: 0,
            attested_credential: Some(AttestedCredential {
                aaguid: &[0; 16],
                credential_id: self.key_handle,
                public_key: PublicKey::Es256 {
                    x: self.x,
                    y: self.y,
                },
            }),
            extensions: None,
        };
        let len = auth_data.encode(buffer)?.len();
        let (auth_data, rest) = buffer.split_at_mut_checked(len).ok_or(BufferFull)?;
        let certificates = [self.certificate];
        let statement = Statement::FidoU2f {
            sig: self.signature,
            x5c: List::new(&certificates),
        };
        Ok(make_credential::Response {
            fmt: FIDO_U2F,
            auth_data,
            att_stmt: Some(Raw::encode_in(&statement, rest)?),
            ep_att: None,
            large_blob_key: None,
            unsigned_extension_outputs: None,
        })
    }
}

/// The byte in front.
const RESERVED: u8 = 0x05;
/// The form of the point.
const UNCOMPRESSED: u8 = 0x04;
