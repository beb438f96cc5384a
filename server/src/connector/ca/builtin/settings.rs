//! The CA inside this server: how it is made, or brought along, and what is
//! stored of it.

use super::{PublishUrl, leaf::making, publish_url::FIELD};
use crate::connector::{
    SettingError,
    ca::{Secret, Why},
};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};
use zeroize::Zeroizing;

/// As stored. The secret beside it is the CA's private key, PKCS#8 in DER.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Settings {
    /// PEM: the CA's own certificate first, then those above it.
    pub authority: String,
    /// Where readers of its certificates find the revocation list and the
    /// responder: plain HTTP, without a slash at the end. It stands in every
    /// certificate and cannot be changed for those that are out.
    pub publish_url: String,
    /// How long a certificate is good for where the request does not say; the
    /// most that a request may say.
    pub days: u32,
}

/// Settings that passed every check, with the key.
pub(super) struct Checked {
    /// DER: the CA's own certificate first.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) not_after: Timestamp,
    pub(super) key: KeyPair,
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) publish_url: PublishUrl,
    pub(super) days: u32,
}

impl Settings {
    /// Makes a CA: a P-256 key and a root of ten years.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn create(
        name: &str,
        publish_url: &str,
        days: u32,
        now: Timestamp,
    ) -> Result<(Self, Secret), SettingError> {
        let name = name.trim();
        if name.is_empty()
            || name.chars().count() > LONGEST_NAME
            || name.chars().any(char::is_control)
        {
            let allowed = "1 to 64 printable characters";
            return Err(SettingError::new("name", name, allowed));
        }
        let root = || -> Result<(String, Secret), rcgen::Error> {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.key_usages = vec![
                KeyUsagePurpose::KeyCertSign,
                KeyUsagePurpose::CrlSign,
                KeyUsagePurpose::DigitalSignature,
            ];
            params.not_before = SystemTime::from(now - SKEW).into();
            params.not_after = SystemTime::from(now + LIFE).into();
            params.serial_number = Some(SerialNumber::from_slice(
                key.public_key_raw().get(1..17).unwrap_or(&[1]),
            ));
            let certificate = params.self_signed(&key)?.pem();
            Ok((
                certificate,
                Secret::new(Zeroizing::new(key.serialize_der())),
            ))
        };
        let (authority, secret) =
            root().map_err(|error| SettingError::new("name", name, error.to_string()))?;
        let settings = Self {
            authority,
            publish_url: normal(publish_url),
            days,
        };
        settings.check(&secret, now)?;
        Ok((settings, secret))
    }

    /// Takes a CA along that exists: its certificate with those above it, and
    /// its private key, PKCS#8 in PEM and not encrypted.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn import(
        authority: &str,
        private_key: &Zeroizing<String>,
        publish_url: &str,
        days: u32,
        now: Timestamp,
    ) -> Result<(Self, Secret), SettingError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(private_key.as_bytes())
            .map_err(|_| wrong_key("text that is no such key"))?;
        let secret = Secret::new(Zeroizing::new(key.secret_pkcs8_der().to_vec()));
        let settings = Self {
            authority: authority.trim().to_owned(),
            publish_url: normal(publish_url),
            days,
        };
        settings.check(&secret, now)?;
        Ok((settings, secret))
    }

    pub(super) fn check(&self, secret: &Secret, now: Timestamp) -> Result<Checked, SettingError> {
        let wrong = |found: String| {
            let allowed = "the PEM certificate of a certification authority that is good, and those \
                           above it";
            SettingError::new("authority", found, allowed)
        };
        let chain = CertificateDer::pem_slice_iter(self.authority.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(error.to_string()))?;
        let own = chain
            .first()
            .ok_or_else(|| wrong("text without a certificate".to_owned()))?;
        let (_, parsed) =
            X509Certificate::from_der(own).map_err(|_| wrong("no certificate".to_owned()))?;
        if !parsed.is_ca() {
            return Err(wrong("a certificate that is no authority's".to_owned()));
        }
        let usage = parsed.key_usage().ok().flatten();
        if usage.is_some_and(|usage| !usage.value.key_cert_sign() || !usage.value.crl_sign()) {
            let found = "a key that is not for signing certificates and revocation lists";
            return Err(wrong(found.to_owned()));
        }
        let not_after = Timestamp::from_second(parsed.validity().not_after.timestamp())
            .map_err(|_| wrong("a certificate without an end".to_owned()))?;
        if not_after <= now {
            return Err(wrong(format!("a certificate that ended on {not_after}")));
        }
        let key = private_key(secret)?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(wrong_key("the key of another certificate"));
        }
        let issuer =
            issuer(own, &parsed, private_key(secret)?).map_err(|why| wrong(why.to_string()))?;
        if self.days == 0 || self.days > MOST_DAYS {
            let allowed = "1 to 1825";
            return Err(SettingError::new("days", self.days.to_string(), allowed));
        }
        Ok(Checked {
            issuer,
            key,
            not_after,
            publish_url: publish_url(&self.publish_url)?,
            days: self.days,
            chain: chain.iter().map(|der| der.to_vec()).collect(),
        })
    }
}

/// A CA whose certificates name their issuer as its own certificate does, byte
/// for byte: else nobody finds the way from the one to the other.
fn issuer(
    own: &CertificateDer<'_>,
    parsed: &X509Certificate<'_>,
    key: KeyPair,
) -> Result<Issuer<'static, KeyPair>, Why> {
    let probe_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(making)?;
    let issuer = Issuer::from_ca_cert_der(own, key).map_err(making)?;
    let probe = CertificateParams::default()
        .signed_by(&probe_key, &issuer)
        .map_err(making)?;
    let same = X509Certificate::from_der(probe.der())
        .is_ok_and(|(_, probe)| probe.issuer().as_raw() == parsed.subject().as_raw());
    if !same {
        let why = "its name is written in a way that cannot be repeated here";
        return Err(Why::Making(why.to_owned()));
    }
    Ok(issuer)
}

fn private_key(secret: &Secret) -> Result<KeyPair, SettingError> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(secret.expose()));
    KeyPair::try_from(&key).map_err(|_| wrong_key("a key of another kind"))
}

fn wrong_key(found: &str) -> SettingError {
    let allowed = "the private key of the authority's certificate, PKCS#8, not encrypted: P-256, \
                   P-384, Ed25519 or RSA";
    SettingError::new("private_key", found, allowed)
}

fn publish_url(text: &str) -> Result<PublishUrl, SettingError> {
    PublishUrl::parse(text).ok_or_else(|| {
        let allowed = "an address such as http://pki.example.com/keysteward";
        SettingError::new(FIELD, text, allowed)
    })
}

/// As it is stored; one that is no address is refused by [`Settings::check`].
fn normal(text: &str) -> String {
    PublishUrl::parse(text).map_or_else(|| text.to_owned(), |url| url.to_string())
}

const LONGEST_NAME: usize = 64;
const MOST_DAYS: u32 = 1825;
const SKEW: SignedDuration = SignedDuration::from_mins(5);
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
