//! Format `apple`, by a paper maker of anonymous certificates.

use super::*;
use sha2::{Digest, Sha256};

/// Certifies the credential's key for these authenticator data.
struct Apple {
    credential: Credential,
    maker: Maker,
}

impl Apple {
    fn with(nonce: impl FnOnce(&[u8; 32]) -> Vec<CustomExtension>) -> Self {
        Self::certifying(None, nonce)
    }

    fn certifying(
        other: Option<&KeyPair>,
        nonce: impl FnOnce(&[u8; 32]) -> Vec<CustomExtension>,
    ) -> Self {
        let key = KeyPair::generate().unwrap();
        let credential = Credential::of(other.unwrap_or(&key));
        let message = [credential.auth_data().as_slice(), &CLIENT_DATA_HASH].concat();
        let nonce = nonce(&Sha256::digest(message).into());
        let maker = Maker::with_key_and(key, |certificate| certificate.custom_extensions = nonce);
        Self { credential, maker }
    }

    fn check(&self) -> Result<VerifiedAttestation, Refusal> {
        let chain = self.maker.x5c();
        let statement = statement(&[("x5c", &List::new(&chain))]);
        let object = object("apple", &statement, &self.credential.auth_data());
        check(&object, &rooted(&self.maker))
    }
}

fn nonce(content: Vec<u8>) -> Vec<CustomExtension> {
    vec![extension(NONCE_OID, false, content)]
}

fn well_formed(nonce: &[u8]) -> Vec<u8> {
    der(&[0x30], &[&der(&[0xA1], &[&der(&[0x04], &[nonce])])])
}

#[test]
fn an_apple_statement_certifies_the_key_for_this_challenge() {
    let verified = Apple::with(|hash| nonce(well_formed(hash)))
        .check()
        .unwrap();
    assert_eq!(verified.to_string(), "apple, proven to CN=Example Root");
}

#[test]
fn an_apple_nonce_is_there_readable_and_this_one() {
    for (fault, extensions) in [
        (AppleFault::NoNonce, vec![]),
        (AppleFault::OtherNonce, nonce(well_formed(&[7; 32]))),
        (AppleFault::NonceUnreadable, nonce(vec![])),
        (
            AppleFault::NonceUnreadable,
            nonce(der(&[0x04], &[&[7; 32]])),
        ),
        (
            AppleFault::NonceUnreadable,
            nonce(der(
                &[0x30],
                &[&der(&[0xA2], &[&der(&[0x04], &[&[7; 32]])])],
            )),
        ),
        (
            AppleFault::NonceUnreadable,
            nonce([well_formed(&[7; 32]), vec![0x05, 0x00]].concat()),
        ),
    ] {
        let refusal = Apple::with(|_| extensions).check().unwrap_err();
        assert_eq!(refusal, Refusal::Apple(fault));
    }
}

#[test]
fn an_apple_certificate_is_for_the_credentials_own_key() {
    let other = KeyPair::generate().unwrap();
    let refusal = Apple::certifying(Some(&other), |hash| nonce(well_formed(hash)))
        .check()
        .unwrap_err();
    assert_eq!(refusal, Refusal::Apple(AppleFault::OtherKey));
}

#[test]
fn an_apple_statement_has_certificates() {
    let object = object("apple", &[0xA0], &Credential::new().auth_data());
    let refusal = check(&object, &unrooted(true, true)).unwrap_err();
    assert!(matches!(refusal, Refusal::Statement(_)), "{refusal}");
}

const NONCE_OID: &[u64] = &[1, 2, 840, 113635, 100, 8, 2];
