//! The members of a COSE_Key, before it is known which key they make. RFC 9052 §7.

use super::Algorithm;
use crate::cbor::{BufferFull, Encode, Error, Key, Reader, Writer};

/// Key type OKP, for Edwards curves.
pub(super) const OKP: i64 = 1;
/// Key type EC2, for curves with two coordinates.
pub(super) const EC2: i64 = 2;
/// Key type RSA (RFC 8230).
pub(super) const RSA: i64 = 3;
/// Key type AKP, for algorithms that say all about their keys: ML-DSA.
pub(super) const AKP: i64 = 7;

/// Members that any of the keys has. One of another type is `None`.
#[derive(Default)]
pub(super) struct Members<'b> {
    /// 1
    pub(super) key_type: Option<i64>,
    /// 3
    pub(super) algorithm: Option<Algorithm>,
    /// -1 of EC2 and OKP
    pub(super) curve: Option<i64>,
    /// -1 of RSA and AKP
    pub(super) first: Option<&'b [u8]>,
    /// -2
    pub(super) second: Option<&'b [u8]>,
    /// -3
    pub(super) third: Option<&'b [u8]>,
}

impl Encode for Members<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.map(|m| {
            m.optional(1, self.key_type)?;
            m.optional(3, self.algorithm)?;
            m.optional(-1, self.curve)?;
            m.optional(-1, self.first)?;
            m.optional(-2, self.second)?;
            m.optional(-3, self.third)
        })
    }
}

impl<'b> Members<'b> {
    pub(super) fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let mut members = Self::default();
        r.map(|key, r| {
            match key {
                Key::Int(1) => members.key_type = r.attempt(Reader::integer)?,
                Key::Int(3) => members.algorithm = Some(r.read()?),
                Key::Int(-1) => match r.integer() {
                    Ok(curve) => members.curve = Some(curve),
                    Err(_) => members.first = r.attempt(Reader::bytes)?,
                },
                Key::Int(-2) => members.second = r.attempt(Reader::bytes)?,
                Key::Int(-3) => members.third = r.attempt(Reader::bytes)?,
                _ => r.skip()?,
            }
            Ok(())
        })?;
        Ok(members)
    }
}
