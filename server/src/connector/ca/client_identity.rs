//! By what a CA knows us: a certificate with its private key. PKCS#12 (RFC
//! 7292) with old and new encryption, or PEM (RFC 7468).

#[cfg(test)]
mod tests;

use super::{Secret, chain, issued::subject_of};
use crate::connector::{SettingError, https};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use p12_keystore::Pkcs12Archive;
use rustls::crypto::ring;
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer,
    pem::{PemObject as _, SectionKind},
};
use std::fmt;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};
use zeroize::Zeroizing;

/// A certificate with those above it, and the private key that fits it.
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl ClientIdentity {
    /// Unpacks a PKCS#12 file. Afterwards neither it nor its password is needed.
    ///
    /// # Errors
    /// It does not open, or holds no key with its certificate.
    pub fn from_pkcs12(file: &[u8], password: &str) -> Result<Self, SettingError> {
        if file.len() > LONGEST {
            return Err(wrong(format!("a file of {} bytes", file.len())));
        }
        let archive = Pkcs12Archive::from_pkcs12(file, password).map_err(|error| {
            wrong(format!(
                "a file that does not open ({error}): look whether the password is right"
            ))
        })?;
        let [key] = archive.keys.as_slice() else {
            return Err(wrong(format!("{} private keys", archive.keys.len())));
        };
        let certificates: Vec<_> = archive
            .certs
            .iter()
            .map(|bag| bag.cert.as_der().to_vec())
            .collect();
        let key = PrivatePkcs8KeyDer::from(key.key.as_der().to_vec());
        Self::new(&certificates, key.into())
    }

    /// Reads certificates and one private key that is not encrypted.
    ///
    /// # Errors
    /// There is no key, or no certificate that fits it.
    pub fn from_pem(text: &str) -> Result<Self, SettingError> {
        if text.len() > LONGEST {
            return Err(wrong(format!("{} characters", text.len())));
        }
        if text.contains("ENCRYPTED") {
            let found = "a private key under a password: take it off, or use PKCS#12";
            return Err(wrong(found.to_owned()));
        }
        let mut certificates = Vec::new();
        let mut keys = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            let (kind, der) = section.map_err(|error| wrong(error.to_string()))?;
            match kind {
                SectionKind::Certificate => certificates.push(der),
                SectionKind::PrivateKey => keys.push(PrivateKeyDer::Pkcs8(der.into())),
                SectionKind::EcPrivateKey => keys.push(PrivateKeyDer::Sec1(der.into())),
                SectionKind::RsaPrivateKey => keys.push(PrivateKeyDer::Pkcs1(der.into())),
                _ => {}
            }
        }
        match keys.pop() {
            Some(key) if keys.is_empty() => Self::new(&certificates, key),
            Some(_) => Err(wrong(format!("{} private keys", keys.len() + 1))),
            None => Err(wrong("text without a private key".to_owned())),
        }
    }

    /// What [`to_secret`](Self::to_secret) gave.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_secret(secret: &Secret) -> Result<Self, SettingError> {
        let text = std::str::from_utf8(secret.expose())
            .map_err(|_| wrong("something other than text".to_owned()))?;
        Self::from_pem(text)
    }

    /// For the key store: PEM.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        // Room for all of it: text that grows leaves copies behind.
        let ders = self.chain.iter().map(|certificate| certificate.len());
        let room = ders.chain([self.key.secret_der().len()]).map(room_as_pem);
        let mut text = Zeroizing::new(String::with_capacity(room.sum()));
        let label = match &self.key {
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        push_pem(&mut text, label, self.key.secret_der());
        for certificate in &self.chain {
            push_pem(&mut text, "CERTIFICATE", certificate);
        }
        Secret::new(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// Whose it is, for people to read.
    #[must_use]
    pub fn subject(&self) -> String {
        self.chain
            .first()
            .map_or_else(String::new, |own| subject_of(own))
    }

    /// Until when the CA will take it.
    #[must_use]
    pub fn not_after(&self) -> Option<Timestamp> {
        let (_, own) = X509Certificate::from_der(self.chain.first()?).ok()?;
        Timestamp::from_second(own.validity().not_after.timestamp()).ok()
    }

    pub(super) fn to_tls(&self) -> https::Identity {
        (self.chain.clone(), self.key.clone_key())
    }

    /// Finds the key's own certificate among the others.
    fn new(certificates: &[Vec<u8>], key: PrivateKeyDer<'static>) -> Result<Self, SettingError> {
        let signing_key = ring::default_provider()
            .key_provider
            .load_private_key(key.clone_key())
            .map_err(|_| wrong("a private key of another kind".to_owned()))?;
        let public_key = signing_key.public_key();
        let fits = |certificate: &&Vec<u8>| {
            let parsed = X509Certificate::from_der(certificate);
            parsed.is_ok_and(|(_, parsed)| {
                public_key
                    .as_ref()
                    .is_some_and(|key| key.as_ref() == parsed.public_key().raw)
            })
        };
        let own = certificates
            .iter()
            .find(fits)
            .ok_or_else(|| wrong("a private key without its certificate".to_owned()))?;
        Ok(Self {
            chain: chain::ordered(own, certificates)
                .into_iter()
                .map(CertificateDer::from)
                .collect(),
            key,
        })
    }
}

/// Without the key.
impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientIdentity")
            .field(&self.subject())
            .finish()
    }
}

/// At least what [`push_pem`] writes for so many bytes.
const fn room_as_pem(length: usize) -> usize {
    length.div_ceil(3) * 4 + length.div_ceil(48) + BOUNDARIES
}

fn push_pem(text: &mut String, label: &str, der: &[u8]) {
    let encoded = Zeroizing::new(BASE64.encode(der));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (index, character) in encoded.chars().enumerate() {
        if index > 0 && index.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
}

fn wrong(found: String) -> SettingError {
    let allowed = "PKCS#12 or PEM with one private key (RSA, P-256, P-384 or Ed25519) and its \
                   certificate";
    SettingError::new("credential", found, allowed)
}

const LONGEST: usize = 1 << 17;
/// The two lines around it, with the longest label.
const BOUNDARIES: usize = 80;
