use std::vec::Vec;

use rand_core::OsRng;

use super::*;
use crate::cbor::{Error, List, Parse, Raw, encode};
use crate::crypto::{Crypto, PrivateKey, PublicPoint, RustCrypto};
use crate::webauthn::authenticator_data::{AttestedCredential, AuthenticatorData, Flags};
use crate::webauthn::cose::{self, Algorithm, PublicKey};

mod vectors;

const HASH: [u8; 32] = [0x5a; 32];

fn statement(fmt: &'static str, bytes: &'static [u8]) -> Result<Statement<'static>, Error> {
    Statement::parse(fmt, Raw::parse(bytes).unwrap())
}

fn assert_round_trip(statement: &Statement<'_>) {
    let mut buffer = [0; 256];
    let raw = Raw::encode_in(statement, &mut buffer).unwrap();
    assert_eq!(&Statement::parse(statement.fmt(), raw).unwrap(), statement);
}

#[test]
fn statements_survive_a_round_trip() {
    let chain: [&[u8]; 2] = [b"leaf", b"intermediate"];
    let other = Raw::parse(b"\xa1\x63ver\x632.0").unwrap();
    for statement in [
        Statement::None,
        Statement::Packed {
            alg: Algorithm::Es256,
            sig: b"signature",
            x5c: None,
        },
        Statement::Packed {
            alg: Algorithm::Rs256,
            sig: b"signature",
            x5c: Some(List::new(&chain)),
        },
        Statement::FidoU2f {
            sig: b"signature",
            x5c: List::new(&chain[..1]),
        },
        Statement::Tpm {
            ver: tpm::VERSION,
            alg: Algorithm::Rs256,
            sig: b"signature",
            x5c: List::new(&chain),
            cert_info: b"certInfo",
            pub_area: b"pubArea",
        },
        Statement::AndroidKey {
            alg: Algorithm::Es256,
            sig: b"signature",
            x5c: List::new(&chain),
        },
        Statement::Apple {
            x5c: List::new(&chain),
        },
        Statement::Other {
            fmt: "android-safetynet",
            att_stmt: other,
        },
    ] {
        assert_round_trip(&statement);
    }
}

#[test]
fn certificates_are_the_signers_first() {
    let packed = statement(PACKED, b"\xa3\x63alg\x26\x63sig\x40\x63x5c\x82\x41A\x41B").unwrap();
    assert!(packed.certificates().iter().eq([b"A", b"B"]));
    let itself = statement(PACKED, b"\xa2\x63alg\x26\x63sig\x40").unwrap();
    assert!(itself.certificates().is_empty());
}

#[test]
fn an_empty_chain_is_not_taken_for_self_attestation() {
    assert!(matches!(
        statement(PACKED, b"\xa3\x63alg\x26\x63sig\x40\x63x5c\x80"),
        Err(Error::OutOfRange { .. })
    ));
    assert!(matches!(
        statement(FIDO_U2F, b"\xa2\x63sig\x40\x63x5c\x80"),
        Err(Error::OutOfRange { .. })
    ));
}

#[test]
fn ecdaa_is_not_taken_for_self_attestation() {
    for fmt in [PACKED, TPM] {
        let ecdaa = statement(fmt, b"\xa3\x63alg\x26\x63sig\x40\x6aecdaaKeyId\x40").unwrap();
        assert!(matches!(ecdaa, Statement::Other { .. }), "{ecdaa:?}");
        assert_eq!(ecdaa.fmt(), fmt);
    }
}

#[test]
fn a_statement_without_its_members_is_refused() {
    for (fmt, bytes) in [
        (PACKED, &b"\xa1\x63sig\x40"[..]),
        (PACKED, b"\xa1\x63alg\x26"),
        (PACKED, b"\x80"),
        (FIDO_U2F, b"\xa1\x63sig\x40"),
        (FIDO_U2F, b"\xa1\x63x5c\x81\x41A"),
        (
            TPM,
            b"\xa4\x63alg\x26\x63sig\x40\x63ver\x632.0\x63x5c\x81\x41A",
        ),
        (ANDROID_KEY, b"\xa2\x63alg\x26\x63sig\x40"),
        (APPLE, b"\xa0"),
    ] {
        assert!(statement(fmt, bytes).is_err(), "{fmt}");
    }
}

#[test]
fn an_attestation_object_is_canonical_and_reads_in_any_order() {
    let canonical = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x42AD";
    let object = AttestationObject::parse(canonical).unwrap();
    assert_eq!(object.auth_data, b"AD");
    assert_eq!(object.statement(), Ok(Statement::None));
    assert_eq!(encode(&object, &mut [0; 64]).unwrap(), canonical);

    let odd = b"\xa4\x68authData\x42AD\x67attStmt\xa0\x62ep\xf5\x63fmt\x64none";
    assert_eq!(AttestationObject::parse(odd), Ok(object));
}

#[test]
fn a_compound_attestation_fits_the_depth_of_an_object() {
    let compound = b"\xa3\x63fmt\x68compound\x67attStmt\x81\xa2\x63fmt\x66packed\x67attStmt\
        \xa1\x63x5c\x81\x41A\x68authData\x42AD";
    let object = AttestationObject::parse(compound).unwrap();
    assert_eq!(object.fmt, "compound");
    assert!(matches!(object.statement(), Ok(Statement::Other { .. })));
}

#[test]
fn an_attestation_object_without_its_members_or_with_more_is_refused() {
    for bytes in [
        &b"\xa2\x63fmt\x64none\x67attStmt\xa0"[..],
        b"\xa2\x63fmt\x64none\x68authData\x40",
        b"\xa2\x67attStmt\xa0\x68authData\x40",
        b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x40\x00",
        b"\xa3\x63fmt\x64none\x63fmt\x64none\x68authData\x40",
    ] {
        assert!(AttestationObject::parse(bytes).is_err());
    }
}

/// A key pair, and the authenticator data of a credential with it.
struct Made {
    crypto: RustCrypto<OsRng>,
    key: PrivateKey,
    point: PublicPoint,
}

impl Made {
    fn new() -> Self {
        let mut crypto = RustCrypto(OsRng);
        let key = crypto.p256_generate().unwrap();
        let point = crypto.p256_public(&key).unwrap();
        Self { crypto, key, point }
    }

    fn public_key(&self) -> PublicKey<'_> {
        PublicKey::Es256 {
            x: &self.point.x,
            y: &self.point.y,
        }
    }

    fn auth_data(&self, aaguid: [u8; 16]) -> Vec<u8> {
        let data = AuthenticatorData {
            rp_id_hash: &[1; 32],
            flags: Flags::USER_PRESENT,
            sign_count: 0,
            attested_credential: Some(AttestedCredential {
                aaguid: &aaguid,
                credential_id: b"credential",
                public_key: self.public_key(),
            }),
            extensions: None,
        };
        data.encode(&mut [0; 256]).unwrap().to_vec()
    }

    fn u2f_signature(&mut self) -> Vec<u8> {
        let PublicPoint { x, y } = self.point;
        let parts: [&[u8]; 7] = [&[0], &[1; 32], &HASH, b"credential", &[4], &x, &y];
        self.crypto.es256_sign(&self.key, &parts).unwrap().to_vec()
    }
}

const WRONG_SIGNATURE: Result<(), VerifyError> =
    Err(VerifyError::Signature(cose::VerifyError::WrongSignature));

#[test]
fn a_u2f_statement_is_proven_or_refused() {
    let mut made = Made::new();
    let sig = made.u2f_signature();
    let one: [&[u8]; 1] = [b"certificate"];
    let u2f = Statement::FidoU2f {
        sig: &sig,
        x5c: List::new(&one),
    };
    let key = made.public_key();
    let verify = |u2f: &Statement<'_>, data: &[u8], hash: &[u8; 32]| {
        u2f.verify(&made.crypto, &key, data, hash).map(|_| ())
    };
    let data = made.auth_data([0; 16]);
    assert_eq!(verify(&u2f, &data, &HASH), Ok(()));
    assert_eq!(verify(&u2f, &data, &[0; 32]), WRONG_SIGNATURE);
    assert_eq!(
        verify(&u2f, &made.auth_data([9; 16]), &HASH),
        Err(VerifyError::AaguidNotZero)
    );
    assert_eq!(
        verify(&u2f, &data[..37], &HASH)
            .map_err(|error| matches!(error, VerifyError::AuthenticatorData(_))),
        Err(true)
    );
    let mut no_credential = data[..37].to_vec();
    no_credential[32] = 0x01;
    assert_eq!(
        verify(&u2f, &no_credential, &HASH),
        Err(VerifyError::NoCredential)
    );

    let two: [&[u8]; 2] = [b"certificate", b"issuer"];
    let chain = Statement::FidoU2f {
        sig: &sig,
        x5c: List::new(&two),
    };
    assert_eq!(
        verify(&chain, &data, &HASH),
        Err(VerifyError::NotOneCertificate)
    );
}

#[test]
fn a_u2f_statement_for_a_credential_of_another_algorithm_is_refused() {
    let mut made = Made::new();
    let sig = made.u2f_signature();
    let one: [&[u8]; 1] = [b"certificate"];
    let u2f = Statement::FidoU2f {
        sig: &sig,
        x5c: List::new(&one),
    };
    let data = AuthenticatorData {
        rp_id_hash: &[1; 32],
        flags: Flags::USER_PRESENT,
        sign_count: 0,
        attested_credential: Some(AttestedCredential {
            aaguid: &[0; 16],
            credential_id: b"credential",
            public_key: PublicKey::Ed25519 { x: &[3; 32] },
        }),
        extensions: None,
    };
    let mut buffer = [0; 256];
    let data = data.encode(&mut buffer).unwrap();
    assert_eq!(
        u2f.verify(&made.crypto, &made.public_key(), data, &HASH),
        Err(VerifyError::NotAU2fCredential)
    );
}

#[test]
fn self_attestation_is_by_the_credential_and_its_algorithm() {
    let mut made = Made::new();
    let data = made.auth_data([7; 16]);
    let sig = made.crypto.es256_sign(&made.key, &[&data, &HASH]).unwrap();
    let packed = |alg| Statement::Packed {
        alg,
        sig: &sig,
        x5c: None,
    };
    let crypto = &made.crypto;
    let es256 = packed(Algorithm::Es256);
    assert!(es256.verify_self(crypto, &data, &HASH).is_ok());
    assert_eq!(
        packed(Algorithm::EdDsa).verify_self(crypto, &data, &HASH),
        Err(VerifyError::AlgorithmMismatch {
            statement: Algorithm::EdDsa,
            key: Algorithm::Es256
        })
    );
    let other = Made::new().auth_data([7; 16]);
    let refused = es256.verify_self(crypto, &other, &HASH).map(|_| ());
    assert_eq!(refused, WRONG_SIGNATURE);
}

#[test]
fn nothing_is_proven_by_a_statement_without_a_signature() {
    let made = Made::new();
    let data = made.auth_data([0; 16]);
    let unknown = Statement::Other {
        fmt: "android-safetynet",
        att_stmt: Raw::EMPTY_MAP,
    };
    for statement in [Statement::None, unknown] {
        let by_key = statement.verify(&made.crypto, &made.public_key(), &data, &HASH);
        assert_eq!(by_key, Err(VerifyError::NoSignature));
        let by_self = statement.verify_self(&made.crypto, &data, &HASH);
        assert_eq!(by_self, Err(VerifyError::NoSignature));
    }
    let chain: [&[u8]; 1] = [b"certificate"];
    let apple = Statement::Apple {
        x5c: List::new(&chain),
    };
    let by_key = apple.verify(&made.crypto, &made.public_key(), &data, &HASH);
    assert_eq!(by_key, Err(VerifyError::NoSignature));
    let by_self = apple.verify_self(&made.crypto, &data, &HASH);
    assert_eq!(by_self, Err(VerifyError::HasCertificates));
}

#[test]
fn a_certificate_fits_both_names_of_its_algorithm() {
    let mut made = Made::new();
    let data = made.auth_data([7; 16]);
    let sig = made.crypto.es256_sign(&made.key, &[&data, &HASH]).unwrap();
    let chain: [&[u8]; 1] = [b"certificate"];
    let verify = |alg| {
        let packed = Statement::Packed {
            alg,
            sig: &sig,
            x5c: Some(List::new(&chain)),
        };
        packed
            .verify(&made.crypto, &made.public_key(), &data, &HASH)
            .map(|_| ())
    };
    assert_eq!(verify(Algorithm::Es256), Ok(()));
    assert_eq!(verify(Algorithm::Esp256), Ok(()));
    assert_eq!(
        verify(Algorithm::Es384),
        Err(VerifyError::AlgorithmMismatch {
            statement: Algorithm::Es384,
            key: Algorithm::Es256
        })
    );
}

#[test]
fn a_member_of_another_format_is_passed_over() {
    let odd = b"\xa4\x63alg\x26\x63sig\x40\x63ver\x07\x68certInfo\x07";
    assert!(matches!(
        statement(PACKED, odd),
        Ok(Statement::Packed { .. })
    ));
    let odd = b"\xa3\x63alg\x60\x63sig\x07\x63x5c\x81\x41A";
    assert!(matches!(statement(APPLE, odd), Ok(Statement::Apple { .. })));
}
