//! TPMS_ATTEST of type TPM_ST_ATTEST_CERTIFY: what a TPM signs about a key that it holds.
//! TPM 2.0 Library, Part 2, §10.12.

use super::structure::Structure;
use super::{HashAlgorithm, TpmError};

/// What the TPM signed. That it was the TPM's to make, and certifies a key, was checked when it
/// was parsed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CertInfo<'a> {
    /// qualifiedSigner: the name of the signing key within its hierarchy
    pub qualified_signer: &'a [u8],
    /// extraData: the hash of what the relying party gets, by the algorithm of the signature
    pub extra_data: &'a [u8],
    /// clockInfo
    pub clock_info: ClockInfo,
    /// firmwareVersion, in the maker's own numbers
    pub firmware_version: u64,
    /// attested.name: the key that is certified
    pub name: Name<'a>,
    /// attested.qualifiedName: its name within its hierarchy
    pub qualified_name: &'a [u8],
}

/// TPMS_CLOCK_INFO.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockInfo {
    /// clock: milliseconds that the TPM was powered; a TPM may hide it
    pub clock: u64,
    /// resetCount
    pub reset_count: u32,
    /// restartCount
    pub restart_count: u32,
    /// safe: 1 where `clock` never ran backwards
    pub safe: u8,
}

/// The name of a key: a digest of its public area.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Name<'a> {
    /// nameAlg
    pub algorithm: HashAlgorithm,
    /// Over the whole public area.
    pub digest: &'a [u8],
}

impl<'a> CertInfo<'a> {
    /// Reads the `certInfo` of a `tpm` statement.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TpmError> {
        let mut s = Structure(bytes);
        let magic = s.u32("magic of certInfo")?;
        if magic != TPM_GENERATED_VALUE {
            return Err(TpmError::NotGeneratedByTpm { magic });
        }
        let kind = s.u16("type of certInfo")?;
        if kind != TPM_ST_ATTEST_CERTIFY {
            return Err(TpmError::NotCertify { kind });
        }
        let qualified_signer = s.sized("qualifiedSigner of certInfo")?;
        let extra_data = s.sized("extraData of certInfo")?;
        let clock_info = ClockInfo {
            clock: s.u64("clockInfo of certInfo")?,
            reset_count: s.u32("clockInfo of certInfo")?,
            restart_count: s.u32("clockInfo of certInfo")?,
            safe: s.byte("clockInfo of certInfo")?,
        };
        let firmware_version = s.u64("firmwareVersion of certInfo")?;
        let mut name = Structure(s.sized("attested.name of certInfo")?);
        let qualified_name = s.sized("attested.qualifiedName of certInfo")?;
        s.finish("certInfo")?;
        Ok(Self {
            qualified_signer,
            extra_data,
            clock_info,
            firmware_version,
            name: Name {
                algorithm: name.u16("attested.name of certInfo")?.into(),
                digest: name.0,
            },
            qualified_name,
        })
    }
}

/// TPM_GENERATED: 0xFF and "TCG". A TPM signs nothing of anybody else's that begins so.
const TPM_GENERATED_VALUE: u32 = 0xff54_4347;
const TPM_ST_ATTEST_CERTIFY: u16 = 0x8017;
