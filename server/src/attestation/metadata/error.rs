//! Why a file of metadata is not believed.

use crate::attestation::Refusal;
use thiserror::Error;

/// What is wrong with a blob. The file it came from is named by whoever read it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum MetadataFault {
    #[error(
        "it is no JWS in compact form: found {found} parts between dots, allowed are three; put \
         the blob there as it was downloaded"
    )]
    NotJws { found: usize },
    #[error("the {part} of the JWS is not base64url: {why}")]
    Base64 { part: &'static str, why: String },
    #[error("the header of the JWS is not readable: {why}")]
    Header { why: String },
    #[error("it is signed with {found:?}; allowed are ES256 and RS256")]
    Algorithm { found: String },
    #[error(
        "its header names certificates at {url:?}, and nothing is fetched: put a blob there that \
         carries them (x5c)"
    )]
    RemoteCertificates { url: String },
    #[error("its header demands {found:?}, which is not understood")]
    Critical { found: Vec<String> },
    #[error("certificate {number} of its header is not base64: {why}")]
    CertificateBase64 { number: usize, why: String },
    #[error("its certificates do not lead to attestation.metadata_root: {0}")]
    Path(Refusal),
    #[error("its certificate is for {found:?}, and attestation.metadata_signer allows {allowed:?}")]
    Signer { found: Vec<String>, allowed: String },
    #[error("its signature does not fit: the file was changed, or cut short")]
    WrongSignature,
    #[error("its payload is not readable: {why}")]
    Payload { why: String },
    #[error("nextUpdate is {found:?}; allowed is a date, YYYY-MM-DD")]
    NextUpdate { found: String },
    #[error("entry {number} is not usable: {why}")]
    Entry { number: usize, why: String },
}
