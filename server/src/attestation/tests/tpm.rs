//! Format `tpm`, by a TPM on paper: structures written by hand, an attestation key
//! certified by a paper maker.

use super::*;
use keysteward_core::webauthn::attestation::tpm::TpmError;
use rcgen::{DistinguishedName, ExtendedKeyUsagePurpose, SigningKey as _};
use sha2::{Digest, Sha256};

/// What the TPM lays out; a test changes what it wants wrong.
#[derive(Clone)]
struct Certify {
    version: &'static str,
    magic: u32,
    kind: u16,
    extra_data: Vec<u8>,
    name: Vec<u8>,
    pub_area: Vec<u8>,
    after: &'static [u8],
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

/// TPMT_PUBLIC of a P-256 key, and what its parts may be instead.
fn pub_area(x: &[u8], y: &[u8], name_algorithm: u16) -> Vec<u8> {
    [
        &0x0023_u16.to_be_bytes()[..],
        &name_algorithm.to_be_bytes(),
        &0x0006_0472_u32.to_be_bytes(),
        &sized(&[0x9D; 32]),
        &0x0010_u16.to_be_bytes(),
        // ECDSA with SHA-256
        &[0x00, 0x18, 0x00, 0x0B],
        &0x0003_u16.to_be_bytes(),
        &0x0010_u16.to_be_bytes(),
        &sized(x),
        &sized(y),
    ]
    .concat()
}

fn name(pub_area: &[u8]) -> Vec<u8> {
    [&[0x00, 0x0B][..], &Sha256::digest(pub_area)].concat()
}

impl Certify {
    fn new(credential: &Credential) -> Self {
        let message = [credential.auth_data().as_slice(), &CLIENT_DATA_HASH].concat();
        let pub_area = pub_area(&credential.x, &credential.y, 0x000B);
        Self {
            version: "2.0",
            magic: 0xFF54_4347,
            kind: 0x8017,
            extra_data: Sha256::digest(message).to_vec(),
            name: name(&pub_area),
            pub_area,
            after: &[],
        }
    }

    fn cert_info(&self) -> Vec<u8> {
        [
            &self.magic.to_be_bytes()[..],
            &self.kind.to_be_bytes(),
            &sized(&[0x51; 34]),
            &sized(&self.extra_data),
            &[0xC1; 17],
            &[0xF1; 8],
            &sized(&self.name),
            &sized(&[0x51; 34]),
            self.after,
        ]
        .concat()
    }

    fn statement(&self, maker: &Maker) -> Vec<u8> {
        let cert_info = self.cert_info();
        let sig = maker.batch_key.sign(&cert_info).unwrap();
        let chain = maker.x5c();
        statement(&[
            ("ver", &self.version),
            ("alg", &-7_i64),
            ("x5c", &List::new(&chain)),
            ("sig", &sig.as_slice()),
            ("certInfo", &cert_info.as_slice()),
            ("pubArea", &self.pub_area.as_slice()),
        ])
    }
}

/// SEQUENCE { [4] { SEQUENCE { SET { SEQUENCE { OID, UTF8String } } .. } } }
fn tpm_names(attributes: &[(u8, &str)]) -> Vec<u8> {
    let sets: Vec<u8> = attributes
        .iter()
        .flat_map(|(attribute, value)| {
            let oid = [0x67, 0x81, 0x05, 0x02, *attribute];
            let pair = der(
                &[0x30],
                &[&der(&[0x06], &[&oid]), &der(&[0x0C], &[value.as_bytes()])],
            );
            der(&[0x31], &[&pair])
        })
        .collect();
    der(&[0x30], &[&der(&[0xA4], &[&der(&[0x30], &[&sets])])])
}

const NAMES: [(u8, &str); 3] = [(1, "id:4E544300"), (2, "NPCT6xx"), (3, "id:13")];
const SAN: &[u64] = &[2, 5, 29, 17];

/// Of an attestation key of a TPM. Real ones mark their policies as critical.
fn aik(certificate: &mut CertificateParams) {
    certificate.distinguished_name = DistinguishedName::new();
    certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![2, 23, 133, 8, 3])];
    let any_policy = der(
        &[0x30],
        &[&der(
            &[0x30],
            &[&der(&[0x06], &[&[0x55, 0x1D, 0x20, 0x00]])],
        )],
    );
    certificate.custom_extensions = vec![
        extension(SAN, true, tpm_names(&NAMES)),
        extension(&[2, 5, 29, 32], true, any_policy),
    ];
}

fn attest(
    certify: impl FnOnce(&mut Certify),
    change: impl FnOnce(&mut CertificateParams),
) -> Result<VerifiedAttestation, Refusal> {
    let credential = Credential::new();
    let maker = Maker::with(|certificate| {
        aik(certificate);
        change(certificate);
    });
    let mut certified = Certify::new(&credential);
    certify(&mut certified);
    let object = object("tpm", &certified.statement(&maker), &credential.auth_data());
    check(&object, &rooted(&maker))
}

fn refused(certify: impl FnOnce(&mut Certify)) -> Refusal {
    attest(certify, |_| ()).unwrap_err()
}

#[test]
fn a_tpm_certifies_the_credentials_key() {
    let verified = attest(|_| (), |_| ()).unwrap();
    assert_eq!(verified.to_string(), "tpm, proven to CN=Example Root");
}

#[test]
fn a_tpm_names_its_key_by_other_hashes_too() {
    let credential = Credential::new();
    let other = pub_area(&credential.x, &credential.y, 0x000C);
    let named = [&[0x00, 0x0C][..], &sha2::Sha384::digest(&other)].concat();
    let maker = Maker::with(aik);
    let certify = Certify {
        pub_area: other,
        name: named,
        ..Certify::new(&credential)
    };
    let object = object("tpm", &certify.statement(&maker), &credential.auth_data());
    check(&object, &rooted(&maker)).unwrap();
}

#[test]
fn what_a_tpm_signed_is_about_this_key_and_this_challenge() {
    let other = Credential::new();
    assert_eq!(
        refused(|c| c.version = "1.2"),
        Refusal::Tpm(TpmFault::Version {
            found: "1.2".to_owned()
        })
    );
    assert_eq!(
        refused(|c| c.extra_data[0] ^= 1),
        Refusal::Tpm(TpmFault::Structure(TpmError::OtherCeremony))
    );
    assert_eq!(
        refused(|c| c.name[2] ^= 1),
        Refusal::Tpm(TpmFault::Structure(TpmError::OtherName))
    );
    assert_eq!(
        refused(|c| {
            c.pub_area = pub_area(&other.x, &other.y, 0x000B);
            c.name = name(&c.pub_area);
        }),
        Refusal::Tpm(TpmFault::Structure(TpmError::OtherKey))
    );
    // The key of the credential shown, another one certified.
    assert_eq!(
        refused(|c| c.name = name(&pub_area(&other.x, &other.y, 0x000B))),
        Refusal::Tpm(TpmFault::Structure(TpmError::OtherName))
    );
    assert_eq!(
        refused(|c| c.pub_area[3] = 0x12),
        Refusal::Tpm(TpmFault::Structure(TpmError::OtherName))
    );
}

#[test]
fn what_a_tpm_signed_was_generated_by_it_and_certifies() {
    type Spoil = fn(&mut Certify);
    let cases: [Spoil; 9] = [
        |c| c.magic = 0xFF54_4348,
        |c| c.kind = 0x8018,
        |c| c.after = &[0],
        |c| c.pub_area.truncate(20),
        |c| c.pub_area.push(0),
        // Neither RSA nor ECC.
        |c| c.pub_area[1] = 0x25,
        // AES: a key that encrypts.
        |c| c.pub_area[43] = 0x06,
        // P-192.
        |c| c.pub_area[49] = 0x01,
        |c| c.pub_area.clear(),
    ];
    for spoil in cases {
        let refusal = refused(spoil);
        assert!(
            matches!(refusal, Refusal::Tpm(TpmFault::Structure(_))),
            "{refusal}"
        );
    }
}

#[test]
fn a_certificate_for_a_tpm_keeps_to_its_profile() {
    type Spoil = fn(&mut CertificateParams);
    let without = |what| CertificateFault::NoTpmName(what);
    let cases: [(Spoil, CertificateFault); 8] = [
        (
            |c| c.distinguished_name.push(DnType::CommonName, "TPM"),
            CertificateFault::SubjectNotEmpty {
                found: "CN=TPM".to_owned(),
            },
        ),
        (
            |c| c.custom_extensions[0] = extension(SAN, true, tpm_names(&NAMES[1..])),
            without("manufacturer"),
        ),
        (
            |c| c.custom_extensions[0] = extension(SAN, true, tpm_names(&[NAMES[0], NAMES[2]])),
            without("model"),
        ),
        (
            |c| c.custom_extensions[0] = extension(SAN, true, tpm_names(&NAMES[..2])),
            without("version"),
        ),
        (|c| c.custom_extensions.truncate(0), without("manufacturer")),
        (
            |c| c.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            CertificateFault::NoTpmUsage,
        ),
        (
            |c| c.is_ca = IsCa::NoCa,
            CertificateFault::NoBasicConstraints,
        ),
        (
            |c| c.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            CertificateFault::IsCa,
        ),
    ];
    for (spoil, fault) in cases {
        let refusal = attest(|_| (), spoil).unwrap_err();
        assert_eq!(refusal, Refusal::Profile(fault));
    }
    let other_model = attest(
        |_| (),
        |c| {
            let aaguid = der(&[0x04], &[&[9; 16]]);
            c.custom_extensions
                .push(extension(maker::AAGUID_OID, false, aaguid));
        },
    );
    assert!(matches!(
        other_model,
        Err(Refusal::Profile(CertificateFault::OtherAaguid { .. }))
    ));
}

#[test]
fn a_tpm_statement_is_signed_by_its_attestation_key_and_not_by_ecdaa() {
    let credential = Credential::new();
    let maker = Maker::with(aik);
    let other = Maker::with(aik);
    let forged = Maker {
        batch_key: other.batch_key,
        chain: maker.chain.clone(),
        root: maker.root.clone(),
    };
    let data = credential.auth_data();
    let statement_of = |maker: &Maker| Certify::new(&credential).statement(maker);
    let refusal = check(
        &object("tpm", &statement_of(&forged), &data),
        &rooted(&maker),
    );
    assert_eq!(refusal, Err(Refusal::WrongSignature));

    let key: &[u8] = &[1];
    let ecdaa = statement(&[("ver", &"2.0"), ("ecdaaKeyId", &key)]);
    let refusal = check(&object("tpm", &ecdaa, &data), &rooted(&maker)).unwrap_err();
    assert!(matches!(refusal, Refusal::Withdrawn { .. }), "{refusal}");

    for missing in ["ver", "alg", "x5c", "sig", "certInfo", "pubArea"] {
        let chain = maker.x5c();
        let list = List::new(&chain);
        let members: [(&str, &dyn Encode); 6] = [
            ("ver", &"2.0"),
            ("alg", &-7_i64),
            ("x5c", &list),
            ("sig", &key),
            ("certInfo", &key),
            ("pubArea", &key),
        ];
        let members: Vec<_> = members
            .into_iter()
            .filter(|(name, _)| *name != missing)
            .collect();
        let refusal =
            check(&object("tpm", &statement(&members), &data), &rooted(&maker)).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Statement(_)),
            "{missing}: {refusal}"
        );
    }
}
