//! A maker of tokens and what its tokens say, right or wrong as a test wants.

use keysteward_core::cbor::{self, Encode, List, Raw, Writer};
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

    /// With a key of the caller's: that of a credential, or one of another kind.
    pub(super) fn with_key_and(
        batch_key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        Self::build(root(|_| ()), None, batch_key, change)
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

    pub(super) fn with_root_and_intermediate(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let root = root(change);
        let key = KeyPair::generate().unwrap();
        let intermediate =
            CertifiedIssuer::signed_by(ca("Example Intermediate"), key, &root).unwrap();
        let batch_key = KeyPair::generate().unwrap();
        Self::build(root, Some(intermediate), batch_key, |_| ())
    }

    /// Certified by another's batch key, which is no CA's.
    pub(super) fn issued_by(device: &Self, batch_key: KeyPair) -> Self {
        let key = KeyPair::from_pem(&device.batch_key.serialize_pem()).unwrap();
        let mut named = leaf();
        named.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(named, key).unwrap();
        Self::build(issuer, None, batch_key, |certificate| {
            certificate
                .distinguished_name
                .push(DnType::CommonName, "Forged Key 2");
        })
    }

    pub(super) fn signed_by_itself() -> Self {
        let batch_key = KeyPair::generate().unwrap();
        let certificate = leaf().self_signed(&batch_key).unwrap();
        Self {
            root: String::new(),
            chain: vec![certificate.der().to_vec()],
            batch_key,
        }
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

    /// Over authenticator data and the hash of the client data.
    pub(super) fn sign(&self, auth_data: &[u8]) -> Vec<u8> {
        let message = [auth_data, &CLIENT_DATA_HASH].concat();
        self.batch_key.sign(&message).unwrap()
    }

    pub(super) fn x5c(&self) -> Vec<&[u8]> {
        self.chain.iter().map(Vec::as_slice).collect()
    }

    pub(super) fn leaf_pem(&self) -> String {
        pem(&self.chain[0])
    }

    fn build(
        root: CertifiedIssuer<'static, KeyPair>,
        intermediate: Option<CertifiedIssuer<'static, KeyPair>>,
        batch_key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut leaf = leaf();
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

pub(super) fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

/// DER: a tag, a length, the parts.
pub(super) fn der(tag: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => vec![length],
        Ok(length) => vec![0x81, length],
        Err(_) => [
            &[0x82][..],
            &u16::try_from(content.len()).unwrap().to_be_bytes(),
        ]
        .concat(),
    };
    [tag, &length, &content].concat()
}

/// The extension of any certificate.
pub(super) fn extension(oid: &[u64], critical: bool, content: Vec<u8>) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content);
    extension.set_criticality(critical);
    extension
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

    /// With a P-256 key that rcgen holds, for formats that certify it.
    pub(super) fn of(key: &KeyPair) -> Self {
        use rcgen::PublicKeyData as _;
        let point = key.der_bytes();
        Self {
            x: point[1..33].try_into().unwrap(),
            y: point[33..].try_into().unwrap(),
            ..Self::new()
        }
    }

    pub(super) fn cose(&self) -> Vec<u8> {
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let head = [0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        [&head[..], &self.x, &[0x22, 0x58, 0x20], &self.y].concat()
    }

    pub(super) fn auth_data(&self) -> Vec<u8> {
        self.auth_data_of(&self.cose())
    }

    /// With a key of another kind.
    pub(super) fn auth_data_of(&self, cose: &[u8]) -> Vec<u8> {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        [
            &Sha256::digest(RP_ID)[..],
            // UP, UV, AT
            &[0x45],
            &[0, 0, 0, 5],
            &self.aaguid,
            &length,
            &self.id,
            cose,
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
    packed_as(Algorithm::Es256, maker, auth_data)
}

pub(super) fn packed_as(alg: Algorithm, maker: &Maker, auth_data: &[u8]) -> Vec<u8> {
    let sig = maker.sign(auth_data);
    let chain = maker.x5c();
    let x5c = Some(List::new(&chain));
    encode(
        &Statement::Packed {
            alg,
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
    let chain = maker.x5c();
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

/// A statement with members that the core writes for no format.
pub(super) fn statement(members: &[(&str, &dyn Encode)]) -> Vec<u8> {
    let mut sorted: Vec<_> = members.iter().collect();
    // Canonical: shorter names first.
    sorted.sort_by_key(|(name, _)| (name.len(), *name));
    let mut buffer = [0; 8192];
    let mut writer = Writer::new(&mut buffer);
    writer
        .map(|m| {
            for (name, value) in sorted {
                m.entry(*name, *value)?;
            }
            Ok(())
        })
        .unwrap();
    writer.finish().to_vec()
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

fn leaf() -> CertificateParams {
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
    leaf
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
