//! largeBlob: a blob that the key keeps with the credential, in place of largeBlobKey and
//! authenticatorLargeBlobs. Its outputs are not signed. CTAP 2.3 §12.4.

use crate::cbor::{BufferFull, Encode, Error, Parse, Reader, Writer, required};

/// Input when a credential is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LargeBlobCreation<'a> {
    /// `support`
    pub support: LargeBlobSupport<'a>,
}

/// How much a relying party wants a blob.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LargeBlobSupport<'a> {
    /// `required`: no credential without.
    Required,
    /// `preferred`
    Preferred,
    /// Of a later edition.
    Other(&'a str),
}

impl<'a> From<&'a str> for LargeBlobSupport<'a> {
    fn from(word: &'a str) -> Self {
        match word {
            "required" => Self::Required,
            "preferred" => Self::Preferred,
            other => Self::Other(other),
        }
    }
}

impl<'a> From<LargeBlobSupport<'a>> for &'a str {
    fn from(support: LargeBlobSupport<'a>) -> Self {
        match support {
            LargeBlobSupport::Required => "required",
            LargeBlobSupport::Preferred => "preferred",
            LargeBlobSupport::Other(word) => word,
        }
    }
}

impl Encode for LargeBlobCreation<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| m.entry("support", <&str>::from(self.support)))
    }
}

impl<'b> Parse<'b> for LargeBlobCreation<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut support = None;
        r.map(|key, r| {
            match key {
                _ if key.is("support") => support = Some(r.read::<&str>()?.into()),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            support: required(support, "support of largeBlob")?,
        })
    }
}

/// Unsigned output when a credential was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LargeBlobCreated {
    /// `supported`
    pub supported: bool,
}

impl Encode for LargeBlobCreated {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| m.entry("supported", self.supported))
    }
}

impl<'b> Parse<'b> for LargeBlobCreated {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut supported = None;
        r.map(|key, r| {
            match key {
                _ if key.is("supported") => supported = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(Self {
            supported: required(supported, "supported of largeBlob")?,
        })
    }
}

/// Input of an assertion: to read, or to write.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LargeBlobInput<'a> {
    /// `read`: true, and alone
    pub read: Option<bool>,
    /// `write`: the blob, compressed by raw DEFLATE (RFC 1951)
    pub write: Option<&'a [u8]>,
    /// `originalSize`: bytes before compression; beside `write`
    pub original_size: Option<u64>,
}

impl Encode for LargeBlobInput<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional("read", self.read)?;
            m.optional("write", self.write)?;
            m.optional("originalSize", self.original_size)
        })
    }
}

impl<'b> Parse<'b> for LargeBlobInput<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut input = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is("read") => input.read = Some(r.read()?),
                _ if key.is("write") => input.write = Some(r.read()?),
                _ if key.is("originalSize") => input.original_size = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(input)
    }
}

/// Unsigned output of an assertion.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LargeBlobOutput<'a> {
    /// `blob`: what is stored, compressed; absent where nothing is
    pub blob: Option<&'a [u8]>,
    /// `written`: whether the blob was stored
    pub written: Option<bool>,
    /// `originalSize`: beside `blob`; chosen by whoever stored it, so bound it first
    pub original_size: Option<u64>,
}

impl Encode for LargeBlobOutput<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional("blob", self.blob)?;
            m.optional("written", self.written)?;
            m.optional("originalSize", self.original_size)
        })
    }
}

impl<'b> Parse<'b> for LargeBlobOutput<'b> {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut output = Self::default();
        r.map(|key, r| {
            match key {
                _ if key.is("blob") => output.blob = Some(r.read()?),
                _ if key.is("written") => output.written = Some(r.read()?),
                _ if key.is("originalSize") => output.original_size = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        Ok(output)
    }
}
