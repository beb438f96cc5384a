//! A maker of tokens and what its tokens say, right or wrong as a test wants.

use keysteward_core::cbor::{self, List, Raw};
use keysteward_core::crypto::{Crypto, PrivateKey, RustCrypto};
use keysteward_core::webauthn::{
    attestation::{AttestationObject, Statement},
    cose::Algorithm,
};
use rand::rngs::OsRng;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, IsCa, KeyPair, SigningKey, date_time_ymd,
};
use sha2::{Digest, Sha256};

pub(super) const RP_ID: &str = "login.example.com";
pub(super) const AAGUID: [u8; 16] = *b"keysteward tests";
pub(super) const CLIENT_DATA_HASH: [u8; 32] = [0xC1; 32];
/// id-fido-gen-ce-aaguid
pub(super) const AAGUID_OID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];

/// A root, and a batch key with its certificates.
pub(super) struct Maker {
    /// PEM.
    pub(super) root: String,
    /// DER, leaf first, root left out.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) batch_key: KeyPair,
}

impl Maker {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(super) fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::build(root(|_| ()), None, KeyPair::generate().unwrap(), change)
    }

    pub(super) fn with_key(batch_key: KeyPair) -> Self {
        Self::build(root(|_| ()), None, batch_key, |_| ())
    }

    pub(super) fn with_root(change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::build(root(change), None, KeyPair::generate().unwrap(), |_| ())
    }

    pub(super) fn with_rsa_root() -> Self {
        let key = KeyPair::from_pem(include_str!("rsa_root.pem")).unwrap();
        let root = CertifiedIssuer::self_signed(ca("Example Root"), key).unwrap();
        Self::build(root, None, KeyPair::generate().unwrap(), |_| ())
    }

    pub(super) fn with_intermediate() -> Self {
        Self::with_intermediate_that(|_| ())
    }

    pub(super) fn with_intermediate_that(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let root = root(|_| ());
        let mut parameters = ca("Example Intermediate");
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        let intermediate = CertifiedIssuer::signed_by(parameters, key, &root).unwrap();
        Self::build(
            root,
            Some(intermediate),
            KeyPair::generate().unwrap(),
            |_| (),
        )
    }

    /// A U2F certificate says no more than a name.
    pub(super) fn u2f() -> Self {
        Self::with(|certificate| {
            certificate.distinguished_name = name("Example U2F 1");
            certificate.is_ca = IsCa::NoCa;
            certificate.custom_extensions.clear();
        })
    }

    /// With a certificate of X.509 version 1: no extensions, no version.
    /// Its signature by the root is void, but the profile is looked at first.
    pub(super) fn version_1() -> Self {
        let maker = Self::with(|certificate| {
            certificate.is_ca = IsCa::NoCa;
            certificate.custom_extensions.clear();
        });
        // Certificate ::= SEQUENCE { SEQUENCE { [0] { INTEGER 2 }, .. }, .. }
        let version_3 = [0xA0, 0x03, 0x02, 0x01, 0x02];
        let mut leaf = maker.chain[0].clone();
        let at = leaf
            .windows(5)
            .position(|window| window == version_3)
            .unwrap();
        leaf[at + 4] = 0;
        Self {
            chain: vec![leaf],
            ..maker
        }
    }

    pub(super) fn leaf_pem(&self) -> String {
        use base64::Engine;
        let base64 = base64::engine::general_purpose::STANDARD.encode(&self.chain[0]);
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    }

    fn build(
        root: CertifiedIssuer<'static, KeyPair>,
        intermediate: Option<CertifiedIssuer<'static, KeyPair>>,
        batch_key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name = name("Example Key 1");
        leaf.distinguished_name.push(DnType::CountryName, "SE");
        leaf.distinguished_name
            .push(DnType::OrganizationName, "Example");
        leaf.distinguished_name
            .push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.not_before = date_time_ymd(2020, 1, 1);
        leaf.not_after = date_time_ymd(2040, 1, 1);
        let aaguid = [&[0x04, 0x10][..], &AAGUID].concat();
        leaf.custom_extensions = vec![CustomExtension::from_oid_content(AAGUID_OID, aaguid)];
        change(&mut leaf);
        let issuer = intermediate.as_ref().unwrap_or(&root);
        let leaf = leaf.signed_by(&batch_key, issuer).unwrap();
        let mut chain = vec![leaf.der().to_vec()];
        chain.extend(intermediate.map(|intermediate| intermediate.der().to_vec()));
        Self {
            root: root.pem(),
            chain,
            batch_key,
        }
    }
}

/// A credential of a token with the PIN entered and touched.
pub(super) struct Credential {
    pub(super) id: Vec<u8>,
    pub(super) aaguid: [u8; 16],
    pub(super) x: [u8; 32],
    pub(super) y: [u8; 32],
    pub(super) key: PrivateKey,
}

impl Credential {
    pub(super) fn new() -> Self {
        let mut crypto = RustCrypto(OsRng);
        let key = crypto.p256_generate().unwrap();
        let public = crypto.p256_public(&key).unwrap();
        let (x, y) = (public.x, public.y);
        Self {
            id: vec![0x1D; 48],
            aaguid: AAGUID,
            x,
            y,
            key,
        }
    }

    pub(super) fn u2f() -> Self {
        Self {
            aaguid: [0; 16],
            ..Self::new()
        }
    }

    pub(super) fn cose(&self) -> Vec<u8> {
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let head = [0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        [&head[..], &self.x, &[0x22, 0x58, 0x20], &self.y].concat()
    }

    pub(super) fn auth_data(&self) -> Vec<u8> {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        [
            &Sha256::digest(RP_ID)[..],
            // UP, UV, AT
            &[0x45],
            &[0, 0, 0, 5],
            &self.aaguid,
            &length,
            &self.id,
            &self.cose(),
        ]
        .concat()
    }

    /// An attestation object of format packed, signed by the credential itself.
    pub(super) fn attest(&self, auth_data: &[u8]) -> Vec<u8> {
        self.attest_as(-7, auth_data)
    }

    pub(super) fn attest_as(&self, algorithm: i64, auth_data: &[u8]) -> Vec<u8> {
        let sig = RustCrypto(OsRng)
            .es256_sign(&self.key, &[auth_data, &CLIENT_DATA_HASH])
            .unwrap();
        let alg = Algorithm::from(algorithm);
        encode(
            &Statement::Packed {
                alg,
                sig: &sig,
                x5c: None,
            },
            auth_data,
        )
    }
}

/// Signed by the maker.
pub(super) fn packed(maker: &Maker, auth_data: &[u8]) -> Vec<u8> {
    let sig = maker
        .batch_key
        .sign(&[auth_data, &CLIENT_DATA_HASH].concat())
        .unwrap();
    let chain: Vec<&[u8]> = maker.chain.iter().map(Vec::as_slice).collect();
    let x5c = Some(List::new(&chain));
    encode(
        &Statement::Packed {
            alg: Algorithm::Es256,
            sig: &sig,
            x5c,
        },
        auth_data,
    )
}

/// Signed by the maker for `credential`, in the form of U2F.
pub(super) fn u2f(maker: &Maker, credential: &Credential, auth_data: &[u8]) -> Vec<u8> {
    let Credential { id, x, y, .. } = credential;
    let message = [&[0], &auth_data[..32], &CLIENT_DATA_HASH, id, &[4], x, y].concat();
    let sig = maker.batch_key.sign(&message).unwrap();
    let chain: Vec<&[u8]> = maker.chain.iter().map(Vec::as_slice).collect();
    encode(
        &Statement::FidoU2f {
            sig: &sig,
            x5c: List::new(&chain),
        },
        auth_data,
    )
}

/// An attestation object of any format; `statement` is CBOR.
pub(super) fn object(fmt: &str, statement: &[u8], auth_data: &[u8]) -> Vec<u8> {
    let att_stmt: Raw<'_> = cbor::Parse::parse(statement).unwrap();
    let mut buffer = [0; 8192];
    let object = AttestationObject {
        fmt,
        att_stmt,
        auth_data,
    };
    cbor::encode(&object, &mut buffer).unwrap().to_vec()
}

fn encode(statement: &Statement<'_>, auth_data: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 8192];
    let bytes = cbor::encode(statement, &mut buffer).unwrap();
    object(statement.fmt(), bytes, auth_data)
}

fn root(change: impl FnOnce(&mut CertificateParams)) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = ca("Example Root");
    change(&mut parameters);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn ca(common_name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name(common_name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2040, 1, 1);
    parameters
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
