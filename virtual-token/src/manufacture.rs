//! The factory: makes a key's identity, its attestation certificates and the root they lead to.
//!
//! The certificates follow WebAuthn Level 3 §8.2.1, those of enterprise attestation §8.2.2.
//! A [`Manufacturer`] kept in a file makes any number of keys under one root; without it each key
//! has a root of its own whose private half is thrown away.

use crate::authenticator;
use crate::authenticator::factory::{Attestation, Enterprise, Identity};
use crate::authenticator::secret::Key;
use crate::storage::Storage;

pub use crate::authenticator::profile::Profile;

use keysteward_core::crypto::{self, Crypto, PrivateKey, PublicPoint};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, date_time_ymd,
};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What kind of key is to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Order {
    pub profile: Profile,
    pub aaguid: [u8; 16],
    pub firmware_version: u32,
    /// Without one there is no enterprise attestation.
    pub serial: Option<String>,
    /// RP IDs that get vendor-facilitated enterprise attestation.
    pub enterprise_rp_ids: Vec<String>,
}

/// What a key is on the day it is bought, before it is burned in.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Made {
    pub profile: Profile,
    pub aaguid: [u8; 16],
    pub firmware_version: u32,
    pub attestation: AttestationKey,
    pub enterprise: Option<EnterpriseAttestation>,
    /// The root of both certificates, in DER.
    pub root: Vec<u8>,
}

/// A key of the factory's and its certificate in DER.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct AttestationKey {
    pub key: Key<32>,
    pub certificate: Vec<u8>,
}

/// Attestation that names the device. CTAP 2.3 §7.1.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct EnterpriseAttestation {
    pub serial: String,
    pub attestation: AttestationKey,
    /// RP IDs that get it when they ask for the vendor-facilitated kind.
    pub rp_ids: Vec<String>,
}

/// Holds an attestation root.
#[derive(Debug)]
pub struct Manufacturer {
    root: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// Why a key or a root could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("making a certificate failed")]
    Certificate(#[from] rcgen::Error),
    #[error("making a key failed")]
    Crypto(#[from] crypto::Error),
    #[error("burning the key in failed")]
    Authenticator(#[from] authenticator::Error),
    #[error("the serial number is longer than 127 bytes")]
    SerialTooLong,
    #[error("{path}: {problem}")]
    File { path: String, problem: &'static str },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Default for Order {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            aaguid: AAGUID,
            firmware_version: FIRMWARE_VERSION,
            serial: None,
            enterprise_rp_ids: Vec::new(),
        }
    }
}

impl Manufacturer {
    /// Founds a manufacturer with a new root.
    pub fn found() -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let certificate = root_params()?.self_signed(&key)?;
        Self::new(certificate.der().to_vec(), key)
    }

    /// Reads the manufacturer in the file at `path`, or founds one there: PEM, the root's
    /// certificate and then its private key, mode 0600.
    pub fn open(path: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_pem(&text).map_err(|problem| Error::File {
                path: path.display().to_string(),
                problem,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let manufacturer = Self::found()?;
                // Written whole under a name of its own: of two that found at once, one wins.
                let fresh = path.with_extension(format!("{}.new", std::process::id()));
                let mut file = std::fs::File::options()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(&fresh)?;
                file.write_all(manufacturer.pem().as_bytes())?;
                file.sync_all()?;
                let won = std::fs::hard_link(&fresh, path);
                std::fs::remove_file(&fresh)?;
                match won {
                    Ok(()) => Ok(manufacturer),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
                    Err(error) => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The root certificate in DER.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// Makes one key.
    pub fn make(&self, order: &Order, crypto: &mut impl Crypto) -> Result<Made, Error> {
        let attestation = self.attestation_key(order, None, crypto)?;
        let enterprise = match &order.serial {
            None => None,
            Some(serial) => Some(EnterpriseAttestation {
                serial: serial.clone(),
                attestation: self.attestation_key(order, Some(serial), crypto)?,
                rp_ids: order.enterprise_rp_ids.clone(),
            }),
        };
        Ok(Made {
            profile: order.profile,
            aaguid: order.aaguid,
            firmware_version: order.firmware_version,
            attestation,
            enterprise,
            root: self.root.clone(),
        })
    }

    fn attestation_key(
        &self,
        order: &Order,
        serial: Option<&str>,
        crypto: &mut impl Crypto,
    ) -> Result<AttestationKey, Error> {
        let key: PrivateKey = crypto.p256_generate()?;
        let public = AttestedPublic::from(crypto.p256_public(&key)?);
        let mut params = params("Keysteward Virtual Token Attestation")?;
        params
            .distinguished_name
            .push(DnType::OrganizationalUnitName, "Authenticator Attestation");
        // "Not a CA", said aloud: the standard wants the extension present.
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(
                AAGUID_OID,
                octet_string(&order.aaguid)?,
            ));
        if let Some(serial) = serial {
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(
                    SERIAL_OID,
                    octet_string(serial.as_bytes())?,
                ));
        }
        let certificate = params.signed_by(&public, &self.issuer)?;
        Ok(AttestationKey {
            key: Key::from(&key),
            certificate: certificate.der().to_vec(),
        })
    }

    fn new(root: Vec<u8>, key: KeyPair) -> Result<Self, Error> {
        let issuer = Issuer::from_ca_cert_der(&root.as_slice().into(), key)?;
        Ok(Self { root, issuer })
    }

    fn pem(&self) -> String {
        certificate_pem(&self.root) + &self.issuer.key().serialize_pem()
    }

    fn from_pem(text: &str) -> Result<Self, &'static str> {
        let blocks = pem::parse_many(text).map_err(|_| "is no PEM")?;
        let block = |tag| blocks.iter().find(|block| block.tag() == tag);
        let root = block(CERTIFICATE_TAG).ok_or("holds no certificate")?;
        let key = block("PRIVATE KEY").ok_or("holds no PKCS#8 private key")?;
        let key = KeyPair::try_from(key.contents())
            .map_err(|_| "holds a private key that cannot be used")?;
        Self::new(root.contents().to_vec(), key)
            .map_err(|_| "holds a certificate that cannot be used")
    }
}

impl Made {
    /// Burns the key into its storage, which is blank.
    pub fn burn_in(
        &self,
        storage: &mut impl Storage,
        crypto: &mut impl Crypto,
    ) -> Result<(), authenticator::Error> {
        let rp_ids: Vec<&str> = self
            .enterprise
            .iter()
            .flat_map(|enterprise| &enterprise.rp_ids)
            .map(String::as_str)
            .collect();
        let identity = Identity {
            profile: self.profile,
            firmware_version: self.firmware_version,
            enterprise: self.enterprise.as_ref().map(|enterprise| Enterprise {
                serial: &enterprise.serial,
                attestation: enterprise.attestation.borrow(),
                rp_ids: &rp_ids,
            }),
            ..Identity::new(self.aaguid, self.attestation.borrow(), &self.root)
        };
        identity.burn_in(storage, crypto)
    }
}

impl AttestationKey {
    fn borrow(&self) -> Attestation<'_> {
        Attestation {
            key: &self.key,
            certificate: &self.certificate,
        }
    }
}

/// A certificate in PEM.
pub fn certificate_pem(der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(CERTIFICATE_TAG, der), config)
}

fn root_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = params("Keysteward Virtual Token Root")?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new([])?;
    params.not_before = date_time_ymd(2026, 1, 1);
    // "Does not expire", RFC 5280 §4.1.2.5.
    params.not_after = date_time_ymd(9999, 12, 31);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "CH");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Keysteward");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

/// DER of an OCTET STRING, which the extension's own OCTET STRING then holds.
fn octet_string(content: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u8::try_from(content.len())
        .ok()
        .filter(|&length| length < 0x80);
    let length = length.ok_or(Error::SerialTooLong)?;
    Ok([&[0x04, length], content].concat())
}

/// The public half of a key that lives elsewhere.
struct AttestedPublic([u8; 65]);

impl From<PublicPoint> for AttestedPublic {
    fn from(point: PublicPoint) -> Self {
        let mut bytes = [0x04; 65];
        bytes[1..33].copy_from_slice(&point.x);
        bytes[33..].copy_from_slice(&point.y);
        Self(bytes)
    }
}

impl PublicKeyData for AttestedPublic {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// The model's AAGUID, 3d5a8cf2-6b1e-4d07-9c43-e8f1a2b7560d.
pub const AAGUID: [u8; 16] = [
    0x3D, 0x5A, 0x8C, 0xF2, 0x6B, 0x1E, 0x4D, 0x07, 0x9C, 0x43, 0xE8, 0xF1, 0xA2, 0xB7, 0x56, 0x0D,
];
const FIRMWARE_VERSION: u32 = 1;
/// id-fido-gen-ce-aaguid.
const AAGUID_OID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
/// id-fido-gen-ce-sernum.
const SERIAL_OID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 2];
const CERTIFICATE_TAG: &str = "CERTIFICATE";

#[cfg(test)]
mod tests;
