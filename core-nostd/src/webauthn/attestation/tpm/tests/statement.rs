//! Whole statements, signed by a TPM of ours.

use super::*;

/// A TPM and a credential in it.
struct Tpm {
    crypto: RustCrypto<OsRng>,
    key: PrivateKey,
    point: PublicPoint,
    auth_data: Vec<u8>,
    area: Vec<u8>,
}

impl Tpm {
    fn new() -> Self {
        let mut crypto = RustCrypto(OsRng);
        let key = crypto.p256_generate().unwrap();
        let point = crypto.p256_public(&key).unwrap();
        let data = AuthenticatorData {
            rp_id_hash: &[1; 32],
            flags: Flags::USER_PRESENT,
            sign_count: 0,
            attested_credential: Some(AttestedCredential {
                aaguid: &[7; 16],
                credential_id: b"credential",
                public_key: PublicKey::Es256 {
                    x: &[8; 32],
                    y: &[9; 32],
                },
            }),
            extensions: None,
        };
        Self {
            crypto,
            key,
            point,
            auth_data: data.encode(&mut [0; 256]).unwrap().to_vec(),
            area: p256_area(&[8; 32], &[9; 32]),
        }
    }

    /// What becomes of a statement about `area` with these words.
    fn outcome(&mut self, ver: &str, alg: Algorithm, info: &[u8], hash: &[u8; 32]) -> Outcome {
        let sig = self.crypto.es256_sign(&self.key, &[info]).unwrap();
        let chain: [&[u8]; 1] = [b"certificate"];
        let statement = Statement::Tpm {
            ver,
            alg,
            sig: &sig,
            x5c: List::new(&chain),
            cert_info: info,
            pub_area: &self.area,
        };
        let key = PublicKey::Es256 {
            x: &self.point.x,
            y: &self.point.y,
        };
        let verified = statement.verify(&self.crypto, &key, &self.auth_data, hash);
        verified.map(|_| ())
    }

    fn info(&self) -> Vec<u8> {
        let extra_data = self.crypto.sha256(&[&self.auth_data, &HASH]);
        cert_info(&extra_data, &self.area)
    }
}

type Outcome = Result<(), VerifyError>;

#[test]
fn a_statement_of_a_tpm_is_proven_or_refused() {
    let mut tpm = Tpm::new();
    let info = tpm.info();
    let es256 = Algorithm::Es256;
    assert_eq!(tpm.outcome(VERSION, es256, &info, &HASH), Ok(()));
    assert_eq!(
        tpm.outcome(VERSION, Algorithm::Esp256, &info, &HASH),
        Ok(())
    );
    assert_eq!(
        tpm.outcome("1.2", es256, &info, &HASH),
        Err(VerifyError::TpmVersion)
    );
    assert_eq!(
        tpm.outcome(VERSION, Algorithm::Rs256, &info, &HASH),
        Err(VerifyError::AlgorithmMismatch {
            statement: Algorithm::Rs256,
            key: es256
        })
    );
    assert_eq!(
        tpm.outcome(VERSION, es256, &info, &[0; 32]),
        Err(VerifyError::Tpm(TpmError::OtherCeremony))
    );
    assert_eq!(
        tpm.outcome(VERSION, es256, &info[1..], &HASH)
            .map_err(|error| matches!(error, VerifyError::Tpm(_))),
        Err(true)
    );

    let extra_data = tpm.crypto.sha256(&[&tpm.auth_data, &HASH]);
    let other_name = cert_info(&extra_data, b"another area");
    assert_eq!(
        tpm.outcome(VERSION, es256, &other_name, &HASH),
        Err(VerifyError::Tpm(TpmError::OtherName))
    );
    tpm.area = p256_area(&[8; 32], &[8; 32]);
    let other_key = tpm.info();
    assert_eq!(
        tpm.outcome(VERSION, es256, &other_key, &HASH),
        Err(VerifyError::Tpm(TpmError::OtherKey))
    );
}

#[test]
fn words_that_the_tpm_did_not_sign_prove_nothing() {
    let mut tpm = Tpm::new();
    let info = tpm.info();
    tpm.key = tpm.crypto.p256_generate().unwrap();
    assert_eq!(
        tpm.outcome(VERSION, Algorithm::Es256, &info, &HASH),
        Err(VerifyError::Signature(cose::VerifyError::WrongSignature))
    );
}

#[test]
fn a_hash_that_is_not_computed_here_is_named() {
    let mut tpm = Tpm::new();
    tpm.area[3] = 0x0c;
    let info = tpm.info();
    let mut other = info.clone();
    // nameAlg in attested.name; the digest stays that of SHA-256.
    let name = info.len() - 36;
    other[name + 1] = 0x0c;
    assert_eq!(
        tpm.outcome(VERSION, Algorithm::Es256, &other, &HASH),
        Err(VerifyError::Tpm(TpmError::UnsupportedHash(
            HashAlgorithm::Sha384
        )))
    );
    let parsed = CertInfo::parse(&info).unwrap();
    let area = PublicArea::parse(&tpm.area).unwrap();
    let key = PublicKey::Es256 {
        x: &[8; 32],
        y: &[9; 32],
    };
    assert_eq!(
        check(
            &parsed,
            &area,
            Algorithm::EdDsa,
            &key,
            [b"", b""],
            &mut sha256
        ),
        Err(TpmError::UnknownHashOf(Algorithm::EdDsa))
    );
    assert_eq!(
        check(
            &parsed,
            &area,
            Algorithm::Es256,
            &key,
            [&tpm.auth_data, &HASH],
            &mut sha256
        ),
        Err(TpmError::OtherName),
        "a name of another algorithm than the area says"
    );
}
