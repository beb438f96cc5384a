//! TPMT_PUBLIC: a key as the TPM that holds it describes it. TPM 2.0 Library, Part 2, §12.2.4.

use super::structure::Structure;
use super::{HashAlgorithm, TpmError};
use crate::webauthn::cose::{Curve, PublicKey};

/// The public area of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicArea<'a> {
    /// All of it, as it came: what the key's name is a digest of.
    pub bytes: &'a [u8],
    /// nameAlg
    pub name_algorithm: HashAlgorithm,
    /// objectAttributes: TPMA_OBJECT, such as 0x0002 fixedTPM, 0x0010 fixedParent, 0x0004_0000
    /// sign
    pub object_attributes: u32,
    /// authPolicy; empty where there is none
    pub auth_policy: &'a [u8],
    /// type, parameters and unique
    pub key: TpmKey<'a>,
}

/// The key itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TpmKey<'a> {
    /// TPM_ALG_RSA
    Rsa {
        /// keyBits
        key_bits: u16,
        /// exponent, where 0 stands for 65537
        exponent: u32,
        /// The modulus, big-endian.
        n: &'a [u8],
    },
    /// TPM_ALG_ECC
    Ecc {
        /// curveID: TPM_ECC_CURVE
        curve_id: u16,
        /// Big-endian; some TPMs leave zeros out.
        x: &'a [u8],
        /// Big-endian; some TPMs leave zeros out.
        y: &'a [u8],
    },
}

impl<'a> PublicArea<'a> {
    /// Reads the `pubArea` of a `tpm` statement.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TpmError> {
        let mut s = Structure(bytes);
        let kind = s.u16("type of pubArea")?;
        let name_algorithm = s.u16("nameAlg of pubArea")?.into();
        let object_attributes = s.u32("objectAttributes of pubArea")?;
        let auth_policy = s.sized("authPolicy of pubArea")?;
        let key = match kind {
            TPM_ALG_RSA => {
                symmetric(&mut s)?;
                scheme(&mut s, "scheme of pubArea")?;
                TpmKey::Rsa {
                    key_bits: s.u16("keyBits of pubArea")?,
                    exponent: s.u32("exponent of pubArea")?,
                    n: s.sized("unique of pubArea")?,
                }
            }
            TPM_ALG_ECC => {
                symmetric(&mut s)?;
                scheme(&mut s, "scheme of pubArea")?;
                let curve_id = s.u16("curveID of pubArea")?;
                scheme(&mut s, "kdf of pubArea")?;
                TpmKey::Ecc {
                    curve_id,
                    x: s.sized("unique of pubArea")?,
                    y: s.sized("unique of pubArea")?,
                }
            }
            kind => return Err(TpmError::UnknownKeyType { kind }),
        };
        s.finish("pubArea")?;
        Ok(Self {
            bytes,
            name_algorithm,
            object_attributes,
            auth_policy,
            key,
        })
    }
}

impl TpmKey<'_> {
    /// Whether this is the credential's key.
    pub fn is(&self, credential: &PublicKey<'_>) -> bool {
        match (self, credential) {
            (Self::Rsa { exponent, n, .. }, PublicKey::Rsa(key)) => {
                let exponent = match exponent {
                    0 => 65537,
                    other => *other,
                };
                same(n, key.n()) && same(&exponent.to_be_bytes(), key.e())
            }
            (Self::Ecc { curve_id, x, y }, credential) => {
                credential.on_curve().is_some_and(|(curve, key_x, key_y)| {
                    tpm_curve(curve) == Some(*curve_id) && same(x, key_x) && same(y, key_y)
                })
            }
            (Self::Rsa { .. }, _) => false,
        }
    }
}

/// TPM_ECC_CURVE of a curve.
const fn tpm_curve(curve: Curve) -> Option<u16> {
    match curve {
        Curve::P256 => Some(0x0003),
        Curve::P384 => Some(0x0004),
        Curve::P521 => Some(0x0005),
        Curve::Ed25519 | Curve::Ed448 => None,
    }
}

/// Compares big-endian numbers.
fn same(a: &[u8], b: &[u8]) -> bool {
    fn significant(number: &[u8]) -> impl Iterator<Item = &u8> {
        number.iter().skip_while(|byte| **byte == 0)
    }
    significant(a).eq(significant(b))
}

/// TPMT_SYM_DEF_OBJECT: the cipher of a key that wraps others. Keys that sign have none.
fn symmetric(s: &mut Structure<'_>) -> Result<(), TpmError> {
    if s.u16("symmetric of pubArea")? != TPM_ALG_NULL {
        s.u16("keyBits of symmetric of pubArea")?;
        s.u16("mode of symmetric of pubArea")?;
    }
    Ok(())
}

/// TPMT_RSA_SCHEME, TPMT_ECC_SCHEME or TPMT_KDF_SCHEME: an algorithm and, of most, a hash.
fn scheme(s: &mut Structure<'_>, member: &'static str) -> Result<(), TpmError> {
    match s.u16(member)? {
        TPM_ALG_NULL | TPM_ALG_RSAES => {}
        TPM_ALG_ECDAA => {
            s.u16(member)?;
            s.u16(member)?;
        }
        _ => {
            s.u16(member)?;
        }
    }
    Ok(())
}

const TPM_ALG_RSA: u16 = 0x0001;
const TPM_ALG_NULL: u16 = 0x0010;
const TPM_ALG_RSAES: u16 = 0x0015;
const TPM_ALG_ECDAA: u16 = 0x001a;
const TPM_ALG_ECC: u16 = 0x0023;
