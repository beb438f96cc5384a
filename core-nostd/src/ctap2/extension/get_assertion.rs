//! Extensions of getAssertion.

use super::identifier::{CRED_BLOB, HMAC_SECRET, LARGE_BLOB, LARGE_BLOB_KEY, THIRD_PARTY_PAYMENT};
use super::{HmacSecretInput, LargeBlobInput, LargeBlobOutput};
use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// Member 0x04 of the getAssertion request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GetAssertionInputs<'a> {
    /// Give the blob.
    pub cred_blob: Option<bool>,
    /// Read or write the blob that the key keeps; never beside `large_blob_key`.
    pub large_blob: Option<LargeBlobInput<'a>>,
    /// Derive secrets.
    pub hmac_secret: Option<HmacSecretInput<'a>>,
    /// Give the key for the large blob; only `true` is allowed.
    pub large_blob_key: Option<bool>,
    /// Tell whether payments that a third party starts are allowed.
    pub third_party_payment: Option<bool>,
}

impl Encode for GetAssertionInputs<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(CRED_BLOB, self.cred_blob)?;
            m.optional(LARGE_BLOB, self.large_blob)?;
            m.optional(HMAC_SECRET, self.hmac_secret)?;
            m.optional(LARGE_BLOB_KEY, self.large_blob_key)?;
            m.optional(THIRD_PARTY_PAYMENT, self.third_party_payment)
        })
    }
}

impl<'b> Parse<'b> for GetAssertionInputs<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut inputs = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is(CRED_BLOB) => inputs.cred_blob = Some(r.read()?),
                _ if key.is(LARGE_BLOB) => inputs.large_blob = Some(r.read()?),
                _ if key.is(HMAC_SECRET) => inputs.hmac_secret = Some(r.read()?),
                _ if key.is(LARGE_BLOB_KEY) => inputs.large_blob_key = Some(r.read()?),
                _ if key.is(THIRD_PARTY_PAYMENT) => inputs.third_party_payment = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(inputs)
    }
}

/// The extensions in the authenticator data of an assertion.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GetAssertionOutputs<'a> {
    /// The blob; empty if there is none.
    pub cred_blob: Option<&'a [u8]>,
    /// The derived secrets, encrypted.
    pub hmac_secret: Option<&'a [u8]>,
    /// Whether payments that a third party starts are allowed.
    pub third_party_payment: Option<bool>,
}

impl Encode for GetAssertionOutputs<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(CRED_BLOB, self.cred_blob)?;
            m.optional(HMAC_SECRET, self.hmac_secret)?;
            m.optional(THIRD_PARTY_PAYMENT, self.third_party_payment)
        })
    }
}

impl<'b> Parse<'b> for GetAssertionOutputs<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut outputs = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is(CRED_BLOB) => outputs.cred_blob = r.attempt(Parse::read)?,
                _ if key.is(HMAC_SECRET) => outputs.hmac_secret = r.attempt(Parse::read)?,
                _ if key.is(THIRD_PARTY_PAYMENT) => {
                    outputs.third_party_payment = r.attempt(Parse::read)?;
                }
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(outputs)
    }
}

/// Member 0x08 of the getAssertion response: outputs that nobody signed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnsignedGetAssertionOutputs<'a> {
    /// The blob, or whether it was stored.
    pub large_blob: Option<LargeBlobOutput<'a>>,
}

impl Encode for UnsignedGetAssertionOutputs<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| m.optional(LARGE_BLOB, self.large_blob))
    }
}

impl<'b> Parse<'b> for UnsignedGetAssertionOutputs<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut outputs = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is(LARGE_BLOB) => outputs.large_blob = r.attempt(Parse::read)?,
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(outputs)
    }
}
