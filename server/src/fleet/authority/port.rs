//! The certificates of this server's own ports: that of agents, and the public one.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use keysteward_proto::uplink::SERVER_NAME;
use rand::rngs::OsRng;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};
use rustls::{
    crypto::ring::sign::any_ecdsa_type,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{Authority, AuthorityError, leaf, serial};
use crate::store::{Clock, Micros};

/// Hands each handshake a certificate that is fresh enough, with a key that was
/// never on a disk.
pub struct PortCertificate {
    authority: Arc<Authority>,
    clock: Clock,
    names: Vec<String>,
    current: Mutex<Current>,
}

struct Current {
    certified: Arc<CertifiedKey>,
    made_at: Micros,
}

impl PortCertificate {
    /// Makes the first one for the agent port.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(authority: Arc<Authority>, clock: Clock) -> Result<Self, AuthorityError> {
        Self::for_names(authority, clock, vec![SERVER_NAME.to_owned()])
    }

    /// Makes the first one for a port that is known by these DNS names and addresses.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn for_names(
        authority: Arc<Authority>,
        clock: Clock,
        names: Vec<String>,
    ) -> Result<Self, AuthorityError> {
        let made_at = clock.now();
        let certified = Arc::new(make(&authority, &names, made_at)?);
        Ok(Self {
            authority,
            clock,
            names,
            current: Mutex::new(Current { certified, made_at }),
        })
    }
}

impl ResolvesServerCert for PortCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if now.since(current.made_at) > LIFE / 2 {
            match make(&self.authority, &self.names, now) {
                Ok(certified) => {
                    *current = Current {
                        certified: Arc::new(certified),
                        made_at: now,
                    };
                }
                // The one at hand is good for another half of its life.
                Err(error) => tracing::error!(%error, "no new certificate for a port"),
            }
        }
        Some(current.certified.clone())
    }
}

impl fmt::Debug for PortCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortCertificate").finish_non_exhaustive()
    }
}

fn make(
    authority: &Authority,
    names: &[String],
    now: Micros,
) -> Result<CertifiedKey, AuthorityError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let serial = serial(&mut OsRng);
    let mut params = leaf(&serial, now, LIFE, ExtendedKeyUsagePurpose::ServerAuth);
    for name in names {
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into()?),
        });
    }
    let certificate = params.signed_by(&key, &authority.issuer)?;
    let signing = any_ecdsa_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        key.serialize_der(),
    )))
    .map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
    // The root goes along for those who know it by its hash alone.
    Ok(CertifiedKey::new(
        vec![certificate.der().clone(), authority.current.clone()],
        signing,
    ))
}

const LIFE: Duration = Duration::from_secs(90 * 86_400);
