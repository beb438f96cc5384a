//! Extensions of makeCredential.

use super::identifier::{
    CRED_BLOB, CRED_PROTECT, HMAC_SECRET, HMAC_SECRET_MC, LARGE_BLOB, LARGE_BLOB_KEY,
    MIN_PIN_LENGTH, PIN_COMPLEXITY_POLICY, THIRD_PARTY_PAYMENT,
};
use super::{CredProtect, HmacSecretInput, LargeBlobCreated, LargeBlobCreation};
use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer};

/// Member 0x06 of the makeCredential request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MakeCredentialInputs<'a> {
    /// What to store with the credential.
    pub cred_blob: Option<&'a [u8]>,
    /// Keep a blob with the credential; never beside `large_blob_key`.
    pub large_blob: Option<LargeBlobCreation<'a>>,
    /// The level of protection.
    pub cred_protect: Option<CredProtect>,
    /// Let the credential derive secrets.
    pub hmac_secret: Option<bool>,
    /// Only `true` is allowed, and only for discoverable credentials.
    pub large_blob_key: Option<bool>,
    /// Tell the minimum PIN length.
    pub min_pin_length: Option<bool>,
    /// Derive now; only beside `hmac_secret`.
    pub hmac_secret_mc: Option<HmacSecretInput<'a>>,
    /// Allow payments that a third party starts.
    pub third_party_payment: Option<bool>,
    /// Tell the PIN complexity policy.
    pub pin_complexity_policy: Option<bool>,
}

impl Encode for MakeCredentialInputs<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(CRED_BLOB, self.cred_blob)?;
            m.optional(LARGE_BLOB, self.large_blob)?;
            m.optional(CRED_PROTECT, self.cred_protect)?;
            m.optional(HMAC_SECRET, self.hmac_secret)?;
            m.optional(LARGE_BLOB_KEY, self.large_blob_key)?;
            m.optional(MIN_PIN_LENGTH, self.min_pin_length)?;
            m.optional(HMAC_SECRET_MC, self.hmac_secret_mc)?;
            m.optional(THIRD_PARTY_PAYMENT, self.third_party_payment)?;
            m.optional(PIN_COMPLEXITY_POLICY, self.pin_complexity_policy)
        })
    }
}

impl<'b> Parse<'b> for MakeCredentialInputs<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut inputs = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is(CRED_BLOB) => inputs.cred_blob = Some(r.read()?),
                _ if key.is(LARGE_BLOB) => inputs.large_blob = Some(r.read()?),
                _ if key.is(CRED_PROTECT) => inputs.cred_protect = Some(r.read()?),
                _ if key.is(HMAC_SECRET) => inputs.hmac_secret = Some(r.read()?),
                _ if key.is(LARGE_BLOB_KEY) => inputs.large_blob_key = Some(r.read()?),
                _ if key.is(MIN_PIN_LENGTH) => inputs.min_pin_length = Some(r.read()?),
                _ if key.is(HMAC_SECRET_MC) => inputs.hmac_secret_mc = Some(r.read()?),
                _ if key.is(THIRD_PARTY_PAYMENT) => inputs.third_party_payment = Some(r.read()?),
                _ if key.is(PIN_COMPLEXITY_POLICY) => {
                    inputs.pin_complexity_policy = Some(r.read()?)
                }
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(inputs)
    }
}

/// The extensions in the authenticator data of a new credential.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MakeCredentialOutputs<'a> {
    /// Whether the blob was stored.
    pub cred_blob: Option<bool>,
    /// The level that holds, which may be above the one asked for.
    pub cred_protect: Option<CredProtect>,
    /// Whether the credential derives secrets.
    pub hmac_secret: Option<bool>,
    /// Code points; for listed relying parties only.
    pub min_pin_length: Option<u32>,
    /// The derived secrets, encrypted.
    pub hmac_secret_mc: Option<&'a [u8]>,
    /// Whether the policy is enforced; for listed relying parties only.
    pub pin_complexity_policy: Option<bool>,
}

impl Encode for MakeCredentialOutputs<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(CRED_BLOB, self.cred_blob)?;
            m.optional(CRED_PROTECT, self.cred_protect)?;
            m.optional(HMAC_SECRET, self.hmac_secret)?;
            m.optional(MIN_PIN_LENGTH, self.min_pin_length)?;
            m.optional(HMAC_SECRET_MC, self.hmac_secret_mc)?;
            m.optional(PIN_COMPLEXITY_POLICY, self.pin_complexity_policy)
        })
    }
}

impl<'b> Parse<'b> for MakeCredentialOutputs<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut outputs = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is(CRED_BLOB) => outputs.cred_blob = r.attempt(Parse::read)?,
                _ if key.is(CRED_PROTECT) => outputs.cred_protect = r.attempt(Parse::read)?,
                _ if key.is(HMAC_SECRET) => outputs.hmac_secret = r.attempt(Parse::read)?,
                _ if key.is(MIN_PIN_LENGTH) => outputs.min_pin_length = r.attempt(Parse::read)?,
                _ if key.is(HMAC_SECRET_MC) => outputs.hmac_secret_mc = r.attempt(Parse::read)?,
                _ if key.is(PIN_COMPLEXITY_POLICY) => {
                    outputs.pin_complexity_policy = r.attempt(Parse::read)?;
                }
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(outputs)
    }
}

/// Member 0x06 of the makeCredential response: outputs that nobody signed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnsignedMakeCredentialOutputs {
    /// Whether a blob can be kept.
    pub large_blob: Option<LargeBlobCreated>,
}

impl Encode for UnsignedMakeCredentialOutputs {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| m.optional(LARGE_BLOB, self.large_blob))
    }
}

impl<'b> Parse<'b> for UnsignedMakeCredentialOutputs {
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
