//! The online responder: pure. RFC 6960, with nonces as in RFC 9654.

#[cfg(test)]
pub(super) mod tests;

use super::issued_certificates::{Record, State};
use crate::connector::ca::{Reason, Serial, Why};
use jiff::{SignedDuration, Timestamp};
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use x509_cert::{
    Certificate,
    der::{
        self, Decode as _, Encode as _,
        asn1::{BitString, GeneralizedTime, Null, OctetString},
        oid::ObjectIdentifier,
    },
    ext::{Extension, pkix::CrlReason},
    spki::AlgorithmIdentifierOwned,
};
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse,
    ResponderId, ResponseData, RevokedInfo, SingleResponse, Version,
};

/// A question that is understood.
#[derive(Debug)]
pub(super) struct Question {
    request: OcspRequest,
    nonce: Option<Extension>,
}

/// Who answers: the CA itself.
pub(super) struct Responder<'a> {
    /// DER.
    pub(super) certificate: &'a [u8],
    pub(super) key: &'a KeyPair,
}

impl Question {
    /// # Errors
    /// The answer that says what is wrong with the question, in DER.
    pub(super) fn parse(der: &[u8]) -> Result<Self, Vec<u8>> {
        let malformed = || encoded(&OcspResponse::malformed_request());
        if der.len() > LONGEST {
            return Err(malformed());
        }
        let request = OcspRequest::from_der(der).map_err(|_| malformed())?;
        let asked = request.tbs_request.request_list.len();
        if asked == 0 || asked > MOST {
            return Err(malformed());
        }
        let nonce = nonce(&request).map_err(|BadNonce| malformed())?;
        Ok(Self { request, nonce })
    }

    /// What is asked for, whoever issued it.
    pub(super) fn serials(&self) -> impl Iterator<Item = Serial> {
        self.ids()
            .map(|id| Serial::from_bytes(id.serial_number.as_bytes()))
    }

    fn ids(&self) -> impl Iterator<Item = &CertId> {
        self.request
            .tbs_request
            .request_list
            .iter()
            .map(|request| &request.req_cert)
    }
}

impl Responder<'_> {
    /// Answers; `records` holds those of the certificates that were issued here.
    pub(super) fn answer(
        &self,
        question: &Question,
        records: &[Record],
        now: Timestamp,
    ) -> Result<Vec<u8>, Why> {
        self.signed(question, records, now)
            .map_err(|error| Why::Making(error.to_string()))?
    }

    fn signed(
        &self,
        question: &Question,
        records: &[Record],
        now: Timestamp,
    ) -> Result<Result<Vec<u8>, Why>, der::Error> {
        let certificate = Certificate::from_der(self.certificate)?;
        let subject = certificate.tbs_certificate.subject.to_der()?;
        let responses = question
            .ids()
            .map(|id| {
                Ok(SingleResponse {
                    cert_id: id.clone(),
                    cert_status: if self.is_issuer(id, &subject) {
                        status(id, records)?
                    } else {
                        CertStatus::unknown()
                    },
                    this_update: time(now - SKEW)?,
                    next_update: Some(time(now + LIFE)?),
                    single_extensions: None,
                })
            })
            .collect::<Result<_, der::Error>>()?;
        let data = ResponseData {
            version: Version::V1,
            responder_id: ResponderId::ByKey(OctetString::new(self.hash(SHA1))?),
            produced_at: time(now)?,
            responses,
            response_extensions: question.nonce.clone().map(|nonce| vec![nonce]),
        };
        let signature = match self.key.sign(&data.to_der()?) {
            Ok(signature) => signature,
            Err(error) => return Ok(Err(Why::Making(error.to_string()))),
        };
        let response = BasicOcspResponse {
            tbs_response_data: data,
            signature_algorithm: self.algorithm(),
            signature: BitString::from_bytes(&signature)?,
            certs: None,
        };
        Ok(Ok(OcspResponse::successful(response)?.to_der()?))
    }

    /// RFC 5758 section 3.2, RFC 8410 section 3, RFC 4055 section 5.
    fn algorithm(&self) -> AlgorithmIdentifierOwned {
        let algorithm = self.key.algorithm();
        let (oid, parameters) = if algorithm == &rcgen::PKCS_ECDSA_P384_SHA384 {
            (ECDSA_SHA384, None)
        } else if algorithm == &rcgen::PKCS_ED25519 {
            (ED25519, None)
        } else if algorithm == &rcgen::PKCS_RSA_SHA256 {
            (RSA_SHA256, Some(Null.into()))
        } else {
            (ECDSA_SHA256, None)
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }

    fn is_issuer(&self, id: &CertId, subject: &[u8]) -> bool {
        let algorithm = id.hash_algorithm.oid;
        let name = match algorithm {
            SHA1 => digest(&SHA1_FOR_LEGACY_USE_ONLY, subject),
            SHA256_OID => digest(&SHA256, subject),
            _ => return false,
        };
        id.issuer_name_hash.as_bytes() == name.as_ref()
            && id.issuer_key_hash.as_bytes() == self.hash(algorithm)
    }

    /// Of the public key's bits, without their count of unused ones.
    fn hash(&self, algorithm: ObjectIdentifier) -> Vec<u8> {
        let algorithm = if algorithm == SHA1 {
            &SHA1_FOR_LEGACY_USE_ONLY
        } else {
            &SHA256
        };
        digest(algorithm, self.key.der_bytes()).as_ref().to_vec()
    }
}

/// An answer without a signature: the responder cannot do its work now.
pub(super) fn try_later() -> Vec<u8> {
    encoded(&OcspResponse::try_later())
}

fn encoded(response: &OcspResponse) -> Vec<u8> {
    // Five bytes that always encode; an empty body is no OCSP response either.
    response.to_der().unwrap_or_default()
}

fn status(id: &CertId, records: &[Record]) -> Result<CertStatus, der::Error> {
    let serial = Serial::from_bytes(id.serial_number.as_bytes());
    let Some(record) = records.iter().find(|record| record.serial == serial) else {
        return Ok(CertStatus::unknown());
    };
    let (since, reason) = match record.state {
        State::Good => return Ok(CertStatus::good()),
        State::Held(since) => (since, Some(CrlReason::CertificateHold)),
        State::Revoked(since, reason) => (since, code(reason)),
    };
    Ok(CertStatus::revoked(RevokedInfo {
        revocation_time: time(since)?,
        revocation_reason: reason,
    }))
}

fn code(reason: Reason) -> Option<CrlReason> {
    Some(match reason {
        Reason::Unspecified => return None,
        Reason::KeyCompromise => CrlReason::KeyCompromise,
        Reason::CaCompromise => CrlReason::CaCompromise,
        Reason::AffiliationChanged => CrlReason::AffiliationChanged,
        Reason::Superseded => CrlReason::Superseded,
        Reason::CessationOfOperation => CrlReason::CessationOfOperation,
        Reason::PrivilegeWithdrawn => CrlReason::PrivilegeWithdrawn,
    })
}

/// A nonce that RFC 9654 section 2.1 wants refused.
struct BadNonce;

/// The question's nonce, as it came.
fn nonce(request: &OcspRequest) -> Result<Option<Extension>, BadNonce> {
    let extensions = request.tbs_request.request_extensions.as_ref();
    let found = extensions
        .into_iter()
        .flatten()
        .find(|extension| extension.extn_id == NONCE);
    let Some(nonce) = found else {
        return Ok(None);
    };
    let value = OctetString::from_der(nonce.extn_value.as_bytes()).map_err(|_| BadNonce)?;
    if (1..=LONGEST_NONCE).contains(&value.as_bytes().len()) {
        Ok(Some(nonce.clone()))
    } else {
        Err(BadNonce)
    }
}

fn time(at: Timestamp) -> Result<OcspGeneralizedTime, der::Error> {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    let since_epoch = core::time::Duration::from_secs(seconds);
    Ok(GeneralizedTime::from_unix_duration(since_epoch)?.into())
}

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
const LONGEST: usize = 4096;
const LONGEST_NONCE: usize = 128;
/// Certificates in one question.
const MOST: usize = 16;
/// Clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// A hold is seen within this time by who keeps answers.
const LIFE: SignedDuration = SignedDuration::from_hours(1);
