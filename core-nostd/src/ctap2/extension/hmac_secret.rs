//! hmac-secret and hmac-secret-mc. CTAP 2.3 §12.7.

use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Reader, Writer, required};
use crate::webauthn::cose::KeyAgreementKey;

/// One or two salts, encrypted to the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HmacSecretInput<'a> {
    /// 0x01: the platform's public key
    pub key_agreement: KeyAgreementKey<'a>,
    /// 0x02: 32 or 64 bytes with protocol one, 48 or 80 with two
    pub salt_enc: &'a [u8],
    /// 0x03: MAC of `salt_enc`
    pub salt_auth: &'a [u8],
    /// 0x04: absent means one
    pub pin_uv_auth_protocol: Option<u8>,
}

impl Encode for HmacSecretInput<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.entry(0x01, self.key_agreement)?;
            m.entry(0x02, self.salt_enc)?;
            m.entry(0x03, self.salt_auth)?;
            m.optional(0x04, self.pin_uv_auth_protocol)
        })
    }
}

impl<'b> Parse<'b> for HmacSecretInput<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let (mut key_agreement, mut salt_enc, mut salt_auth) = (None, None, None);
        let mut pin_uv_auth_protocol = None;
        r.map(|key, r| {
            match key {
                Key::Int(0x01) => key_agreement = Some(r.read()?),
                Key::Int(0x02) => salt_enc = Some(r.read()?),
                Key::Int(0x03) => salt_auth = Some(r.read()?),
                Key::Int(0x04) => pin_uv_auth_protocol = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            key_agreement: required(key_agreement, "keyAgreement (0x01) of hmac-secret")?,
            salt_enc: required(salt_enc, "saltEnc (0x02) of hmac-secret")?,
            salt_auth: required(salt_auth, "saltAuth (0x03) of hmac-secret")?,
            pin_uv_auth_protocol,
        })
    }
}
