//! Attestation objects of WebAuthn Level 3 §16.1.

use super::*;

fn vector(hex: &str) -> Vec<u8> {
    hex::decode(hex.trim()).unwrap()
}

const TPM_ES256: &str = include_str!("../../../../tests/vectors/webauthn/tpm_es256.hex");
const ANDROID_KEY_ES256: &str =
    include_str!("../../../../tests/vectors/webauthn/android_key_es256.hex");
const APPLE_ES256: &str = include_str!("../../../../tests/vectors/webauthn/apple_es256.hex");

#[test]
fn the_statements_of_the_webauthn_vectors_are_read_and_written() {
    for (hex, fmt) in [
        (TPM_ES256, TPM),
        (ANDROID_KEY_ES256, ANDROID_KEY),
        (APPLE_ES256, APPLE),
    ] {
        let bytes = vector(hex);
        let object = AttestationObject::parse(&bytes).unwrap();
        assert_eq!(object.fmt, fmt);
        let statement = object.statement().unwrap();
        assert!(!matches!(statement, Statement::Other { .. }), "{fmt}");
        assert_eq!(statement.certificates().len(), 1);
        let mut buffer = [0; 1200];
        assert_eq!(
            Raw::encode_in(&statement, &mut buffer),
            Ok(object.att_stmt),
            "{fmt}"
        );
    }
}

#[test]
fn the_android_key_of_the_webauthn_vectors_is_proven_or_refused() {
    let bytes = vector(ANDROID_KEY_ES256);
    let object = AttestationObject::parse(&bytes).unwrap();
    let statement = object.statement().unwrap();
    // From the extension of the certificate, where the challenge stands.
    let hash: [u8; 32] =
        hex::decode("b435028d7b6a8f83bb461d41c19b053a9d3cdb30351a4f374cd4cde8dbefb606")
            .unwrap()
            .try_into()
            .unwrap();
    // The certificate is for the credential's own key.
    let data = AuthenticatorData::parse(object.auth_data).unwrap();
    let key = data.attested_credential.unwrap().public_key;
    let crypto = RustCrypto(OsRng);
    let verify = |key: &PublicKey<'_>, hash: &[u8; 32]| {
        let verified = statement.verify(&crypto, key, object.auth_data, hash);
        verified.map(|_| ())
    };
    assert_eq!(verify(&key, &hash), Ok(()));
    assert_eq!(verify(&key, &HASH), WRONG_SIGNATURE);
    assert_eq!(
        verify(&Made::new().public_key(), &hash),
        Err(VerifyError::NotTheCredentialsCertificate)
    );
    assert_eq!(
        statement.verify_self(&crypto, object.auth_data, &hash),
        Err(VerifyError::HasCertificates)
    );
}
