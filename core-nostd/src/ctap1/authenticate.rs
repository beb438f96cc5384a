//! U2F_AUTHENTICATE (0x02). U2F Raw Message Formats 1.2 §5; CTAP 2.3 §10.3.
//!
//! ```
//! use keysteward_core::ctap1::authenticate::Response;
//!
//! let answer = b"\x01\x00\x00\x00\x2A\x30\x00";
//! let signed = Response::parse(answer)?;
//! assert_eq!((signed.user_presence, signed.counter), (1, 42));
//! let mut buffer = [0; 37];
//! let assertion = signed.get_assertion(&[7; 32], b"key handle", &mut buffer)?;
//! assert_eq!(assertion.auth_data[32..], [1, 0, 0, 0, 42]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::{AUTHENTICATE, Error, KeyHandleTooLong, MAX_DATA, MAX_KEY_HANDLE, command, signature};
use crate::cbor::{BufferFull, Writer};
use crate::ctap2::{PublicKeyCredentialDescriptor, get_assertion};
use crate::iso7816::{Command, Status};
use crate::webauthn::authenticator_data::{AuthenticatorData, Flags};

/// What is asked of the key: P1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Control {
    /// 07: whether the key handle is the key's own. Never signs: SW 6985 says yes.
    CheckOnly,
    /// 03: sign after a touch; SW 6985 until it comes.
    EnforceUserPresence,
    /// 08: sign, touched or not.
    DontEnforceUserPresence,
    /// Any other.
    Other(u8),
}

impl From<u8> for Control {
    fn from(p1: u8) -> Self {
        match p1 {
            0x07 => Self::CheckOnly,
            0x03 => Self::EnforceUserPresence,
            0x08 => Self::DontEnforceUserPresence,
            other => Self::Other(other),
        }
    }
}

impl From<Control> for u8 {
    fn from(control: Control) -> Self {
        match control {
            Control::CheckOnly => 0x07,
            Control::EnforceUserPresence => 0x03,
            Control::DontEnforceUserPresence => 0x08,
            Control::Other(other) => other,
        }
    }
}

/// U2F_AUTHENTICATE request. A key answers SW 6A80 to a key handle that is not its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// P1
    pub control: Control,
    /// SHA-256 of the client data; clientDataHash in CTAP2.
    pub challenge: &'a [u8; 32],
    /// SHA-256 of the application; of the RP ID in CTAP2.
    pub application: &'a [u8; 32],
    /// At most 255 bytes; the credential id in CTAP2.
    pub key_handle: &'a [u8],
}

impl<'a> Request<'a> {
    /// The command, whose data are written to `data`.
    pub fn command<'b>(
        &self,
        data: &'b mut [u8; MAX_DATA],
    ) -> Result<Command<'b>, KeyHandleTooLong> {
        let len = self.key_handle.len();
        let too_long = KeyHandleTooLong { len };
        let length = u8::try_from(len).map_err(|_| too_long)?;
        let mut w = Writer::new(data);
        for part in [
            self.challenge.as_slice(),
            self.application,
            &[length],
            self.key_handle,
        ] {
            // Full only beyond the longest key handle.
            w.append(part).map_err(|BufferFull| too_long)?;
        }
        Ok(command(AUTHENTICATE, self.control.into(), w.finish()))
    }

    /// Reads P1 and the data of a command.
    pub fn parse(control: Control, data: &'a [u8]) -> Result<Self, Status> {
        let read = || {
            let (challenge, rest) = data.split_first_chunk()?;
            let (application, rest) = rest.split_first_chunk()?;
            let (&length, key_handle) = rest.split_first()?;
            (key_handle.len() == usize::from(length)).then_some(Self {
                control,
                challenge,
                application,
                key_handle,
            })
        };
        read().ok_or(Status::WrongLength)
    }
}

/// U2F_AUTHENTICATE response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Response<'a> {
    /// Bit 0: the key was touched.
    pub user_presence: u8,
    /// Goes up with every signature.
    pub counter: u32,
    /// Over [`signed`](Self::signed), in DER.
    pub signature: &'a [u8],
}

impl<'a> Response<'a> {
    /// Reads an answer with SW 9000.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let short = Error::TooShort { member: "counter" };
        let (&user_presence, rest) = bytes.split_first().ok_or(short)?;
        let (&counter, rest) = rest.split_first_chunk().ok_or(short)?;
        Ok(Self {
            user_presence,
            counter: u32::from_be_bytes(counter),
            signature: signature(rest)?,
        })
    }

    /// Encodes into the front of `buffer`.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferFull> {
        let mut w = Writer::new(buffer);
        w.append(&self.head())?;
        w.append(self.signature)?;
        Ok(w.finish())
    }

    /// What the credential signs: these parts, with [`head`](Self::head) as `head`.
    #[must_use]
    pub const fn signed<'p>(request: &Request<'p>, head: &'p [u8; 5]) -> [&'p [u8]; 3] {
        [request.application, head, request.challenge]
    }

    /// User presence and counter, as they stand in the answer and in what is signed.
    #[must_use]
    pub const fn head(&self) -> [u8; 5] {
        let [a, b, c, d] = self.counter.to_be_bytes();
        [self.user_presence, a, b, c, d]
    }

    /// The same as an answer to authenticatorGetAssertion, its authenticator data written to
    /// `buffer`. `rp_id_hash` and `key_handle` are those that were asked for.
    pub fn get_assertion<'b>(
        &self,
        rp_id_hash: &[u8; 32],
        key_handle: &'b [u8],
        buffer: &'b mut [u8],
    ) -> Result<get_assertion::Response<'b>, BufferFull>
    where
        'a: 'b,
    {
        let auth_data = AuthenticatorData {
            rp_id_hash,
            flags: Flags(self.user_presence & Flags::USER_PRESENT.0),
            sign_count: self.counter,
            attested_credential: None,
            extensions: None,
        };
        Ok(get_assertion::Response {
            credential: Some(PublicKeyCredentialDescriptor::new(key_handle)),
            auth_data: auth_data.encode(buffer)?,
            signature: self.signature,
            user: None,
            number_of_credentials: None,
            user_selected: None,
            large_blob_key: None,
            unsigned_extension_outputs: None,
        })
    }
}

const _: () = assert!(MAX_DATA == 32 + 32 + 1 + MAX_KEY_HANDLE);
