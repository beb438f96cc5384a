//! The server's own certification authority: it signs the certificates of agents
//! and of the agent port, and nothing else.
//!
//! Two P-256 roots exist from the first start. The current one signs; agents
//! trust both, so that one day the next can take over without a visit to any
//! host. The keys lie sealed in the database and are copied with it; the key of
//! the agent port is made anew at each start and never written down.

mod agent_identity;
mod port;
mod request;
#[cfg(test)]
mod tests;

use std::time::{Duration, UNIX_EPOCH};

use keysteward_proto::uplink::agent_uri;
use rand::RngCore;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

pub use self::{
    agent_identity::AgentIdentity,
    port::PortCertificate,
    request::{CertificateRequest, InvalidRequest},
};
use crate::{
    key_store::{self, Context, KeyStore},
    store::{
        self, HostId, Micros, ServerId, Store,
        authority::{Position, Root},
    },
};

/// Signs for agents and for the agent port.
pub struct Authority {
    server: ServerId,
    current: CertificateDer<'static>,
    next: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate for an agent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentCertificate {
    /// DER.
    pub der: Vec<u8>,
    /// Its serial number, lower-case hexadecimal, as the store keeps it.
    pub serial: String,
}

/// Why there is no certification authority, or it does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The master key is another one than that which sealed the root's key.
    #[error(transparent)]
    KeyStore(#[from] key_store::Error),
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
}

impl Authority {
    /// Reads the roots, and makes them at the first start.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub async fn open(
        store: &Store,
        key_store: &KeyStore,
        server: ServerId,
        now: Micros,
    ) -> Result<Self, AuthorityError> {
        let mut tx = store.write().await?;
        let current = root(&mut tx, key_store, Position::Current, now).await?;
        let next = root(&mut tx, key_store, Position::Next, now).await?;
        tx.commit().await?;
        let pkcs8 = key_store.open(context(Position::Current), &current.sealed_key)?;
        let key = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(pkcs8.as_slice()),
            &PKCS_ECDSA_P256_SHA256,
        )?;
        let certificate = CertificateDer::from(current.certificate);
        Ok(Self {
            server,
            issuer: Issuer::from_ca_cert_der(&certificate, key)?,
            current: certificate,
            next: next.certificate.into(),
        })
    }

    /// The roots that an agent is to trust: the current one first.
    #[must_use]
    pub fn roots(&self) -> [&CertificateDer<'static>; 2] {
        [&self.current, &self.next]
    }

    /// What a join token carries: SHA-256 of the current root's DER.
    #[must_use]
    pub fn root_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.current).into()
    }

    /// Whose authority this is.
    #[must_use]
    pub fn server(&self) -> ServerId {
        self.server
    }

    /// Signs for `host`. Nothing of the request but its key enters the certificate.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn sign_agent(
        &self,
        host: HostId,
        request: &CertificateRequest,
        life: Duration,
        now: Micros,
        rng: &mut impl RngCore,
    ) -> Result<AgentCertificate, AuthorityError> {
        let serial = serial(rng);
        let mut params = leaf(&serial, now, life, ExtendedKeyUsagePurpose::ClientAuth);
        params
            .distinguished_name
            .push(DnType::CommonName, host.to_string());
        params.subject_alt_names = vec![SanType::URI(agent_uri(self.server, host).try_into()?)];
        let certificate = params.signed_by(request.public_key(), &self.issuer)?;
        Ok(AgentCertificate {
            der: certificate.der().to_vec(),
            serial: hex::encode(serial),
        })
    }
}

/// Without the key.
impl core::fmt::Debug for Authority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Authority")
            .field("server", &self.server)
            .field("root_sha256", &hex::encode(self.root_sha256()))
            .finish_non_exhaustive()
    }
}

async fn root(
    tx: &mut store::Write<'_>,
    key_store: &KeyStore,
    position: Position,
    now: Micros,
) -> Result<Root, AuthorityError> {
    if let Some(root) = store::authority::get(tx, position).await? {
        return Ok(root);
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // Two roots of one name would be told apart by their keys alone.
    let name = format!(
        "Keysteward {} {}",
        hex::encode(&key.public_key_raw()[1..5]),
        now
    );
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = validity(now, ROOT_LIFE);
    let certificate = params.self_signed(&key)?;
    let pkcs8 = Zeroizing::new(key.serialize_der());
    let root = Root {
        position,
        certificate: certificate.der().to_vec(),
        sealed_key: key_store.seal(context(position), &pkcs8),
        created_at: now,
    };
    store::authority::insert(tx, &root).await?;
    Ok(root)
}

fn context(position: Position) -> Context<'static> {
    Context {
        table: "authority",
        id: position.as_str(),
        kind: "root-key",
    }
}

fn leaf(
    serial: &[u8; SERIAL],
    now: Micros,
    life: Duration,
    usage: ExtendedKeyUsagePurpose,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    (params.not_before, params.not_after) = validity(now, life);
    params
}

/// From a little before `now`: clocks differ.
fn validity<T: From<std::time::SystemTime>>(now: Micros, life: Duration) -> (T, T) {
    let now = UNIX_EPOCH + now.since(Micros(0));
    ((now - SKEW.min(life / 10)).into(), (now + life).into())
}

/// Random and positive, with the first bit set after the sign: always of one length.
fn serial(rng: &mut impl RngCore) -> [u8; SERIAL] {
    let mut serial = [0; SERIAL];
    rng.fill_bytes(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

const SERIAL: usize = 16;
const SKEW: Duration = Duration::from_secs(300);
const ROOT_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
