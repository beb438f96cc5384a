//! Signatures of attestation statements. WebAuthn Level 3 §8.2, §8.6, §8.7.
//!
//! STA is not known to judge whose attestation it takes; so any maker's will
//! do here, as long as the signature fits.

use super::{Wrong, authenticator_data::AttestedCredential};
use ciborium::Value;
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use x509_parser::prelude::{FromDer, X509Certificate};

pub(super) fn verify(
    format: &str,
    statement: &[(Value, Value)],
    auth_data: &[u8],
    client_data_hash: &[u8; 32],
    credential: &AttestedCredential,
) -> Result<(), Wrong> {
    let member = |name: &str| {
        let key = Value::from(name);
        statement
            .iter()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    };
    let signed = [auth_data, client_data_hash].concat();
    match (format, member("x5c")) {
        ("none", _) if statement.is_empty() => Ok(()),
        ("none", _) => Err(Wrong::new("attestation none carries a statement")),
        ("packed", x5c) => {
            if member("alg") != Some(&Value::from(-7)) {
                return Err(Wrong::new("the attestation is not signed with ES256"));
            }
            let key = x5c.map_or(Ok(credential.key), certificate_key)?;
            check(&key, &signed, member("sig"))
        }
        ("fido-u2f", Some(x5c)) => {
            let point = credential.key.to_encoded_point(false);
            let rp_id_hash = auth_data.get(..32).unwrap_or_default();
            let message = [
                &[0],
                rp_id_hash,
                client_data_hash,
                &credential.id,
                point.as_bytes(),
            ]
            .concat();
            check(&certificate_key(x5c)?, &message, member("sig"))
        }
        (other, _) => Err(Wrong::new(format!(
            "attestation format {other:?} is not supported"
        ))),
    }
}

fn check(key: &VerifyingKey, message: &[u8], signature: Option<&Value>) -> Result<(), Wrong> {
    let signature = signature
        .and_then(Value::as_bytes)
        .and_then(|der| Signature::from_der(der).ok())
        .ok_or_else(|| Wrong::new("the attestation has no ECDSA signature"))?;
    key.verify(message, &signature)
        .map_err(|_| Wrong::new("the attestation signature does not fit"))
}

fn certificate_key(x5c: &Value) -> Result<VerifyingKey, Wrong> {
    let leaf = x5c
        .as_array()
        .and_then(|chain| chain.first())
        .and_then(Value::as_bytes)
        .ok_or_else(|| Wrong::new("x5c holds no certificate"))?;
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| {
        Wrong::new(format!(
            "the attestation certificate is not readable: {error}"
        ))
    })?;
    VerifyingKey::from_sec1_bytes(&certificate.public_key().subject_public_key.data)
        .map_err(|_| Wrong::new("the attestation certificate has no P-256 key"))
}
