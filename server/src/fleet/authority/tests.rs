use rand::{SeedableRng as _, rngs::StdRng};
use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;
use crate::store::Clock;

async fn open(directory: &std::path::Path) -> Result<(Store, Authority), AuthorityError> {
    let store = Store::open(&directory.join("db")).await?;
    let path = directory.join("master-key");
    let key_store = match KeyStore::load(&path) {
        Ok(key_store) => key_store,
        Err(_) => KeyStore::create(&path)?,
    };
    let mut tx = store.write().await?;
    let server = store::server::ensure(&mut tx, now()).await?;
    tx.commit().await?;
    let authority = Authority::open(&store, &key_store, server.id, now()).await?;
    Ok((store, authority))
}

fn now() -> Micros {
    Clock::system().now()
}

fn request(key: &KeyPair) -> Vec<u8> {
    CertificateParams::default()
        .serialize_request(key)
        .unwrap()
        .der()
        .to_vec()
}

fn p256() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn sign(authority: &Authority, host: HostId) -> AgentCertificate {
    let request = CertificateRequest::verify(&request(&p256())).unwrap();
    let life = Duration::from_secs(3600);
    authority
        .sign_agent(host, &request, life, now(), &mut StdRng::seed_from_u64(7))
        .unwrap()
}

#[tokio::test]
async fn the_roots_stay_the_same_over_a_restart_and_their_keys_are_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let (store, first) = open(directory.path()).await.unwrap();
    let [current, next] = first.roots().map(|root| root.to_vec());
    assert_ne!(current, next);
    store.close().await;
    let (store, again) = open(directory.path()).await.unwrap();
    assert_eq!(again.roots().map(|root| root.to_vec()), [current, next]);
    assert_eq!(again.root_sha256(), first.root_sha256());

    let pkcs8 = first.issuer.key().serialize_der();
    store.close().await;
    let file = std::fs::read(directory.path().join("db")).unwrap();
    let secret = &pkcs8[pkcs8.len() - 100..];
    assert!(!file.windows(secret.len()).any(|window| window == secret));
}

#[tokio::test]
async fn under_another_master_key_the_authority_does_not_open() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path()).await.unwrap();
    store.close().await;
    std::fs::remove_file(directory.path().join("master-key")).unwrap();
    let error = open(directory.path()).await.unwrap_err();
    assert!(matches!(error, AuthorityError::KeyStore(_)), "{error}");
}

#[tokio::test]
async fn an_agents_certificate_names_its_host_and_is_good_for_nothing_but_a_client() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, authority) = open(directory.path()).await.unwrap();
    let host = HostId::new();
    let signed = sign(&authority, host);
    let identity = AgentIdentity::of(&signed.der.clone().into(), authority.server()).unwrap();
    assert_eq!(
        identity,
        AgentIdentity {
            host,
            serial: signed.serial.clone()
        }
    );

    let (_, certificate) = X509Certificate::from_der(&signed.der).unwrap();
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert!(!certificate.is_ca());
    assert_eq!(signed.serial.len(), 2 * SERIAL);
    let (_, root) = X509Certificate::from_der(authority.roots()[0]).unwrap();
    assert!(root.is_ca());
    certificate
        .verify_signature(Some(root.public_key()))
        .unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_server_names_no_host_of_ours() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, authority) = open(directory.path()).await.unwrap();
    let signed = sign(&authority, HostId::new());
    assert_eq!(AgentIdentity::of(&signed.der.into(), ServerId::new()), None);
    assert_eq!(
        AgentIdentity::of(authority.roots()[0], authority.server()),
        None
    );
}

#[test]
fn only_a_p256_request_that_its_own_key_signed_is_taken() {
    let good = request(&p256());
    assert!(CertificateRequest::verify(&good).is_ok());

    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    let mut longer = good.clone();
    longer.push(0);
    let p384 = request(&KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    let ed25519 = request(&KeyPair::generate_for(&PKCS_ED25519).unwrap());
    for (der, why) in [
        (Vec::new(), InvalidRequest::Malformed),
        (good[..good.len() / 2].to_vec(), InvalidRequest::Malformed),
        (longer, InvalidRequest::Malformed),
        (forged, InvalidRequest::Signature),
        (p384, InvalidRequest::KeyType),
        (ed25519, InvalidRequest::KeyType),
        (vec![0x30; 5000], InvalidRequest::TooLong(5000)),
    ] {
        assert_eq!(CertificateRequest::verify(&der).unwrap_err(), why);
    }
}

#[tokio::test]
async fn nothing_but_the_key_of_a_request_enters_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, authority) = open(directory.path()).await.unwrap();
    let host = HostId::new();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![
        SanType::URI(
            agent_uri(authority.server(), HostId::new())
                .try_into()
                .unwrap(),
        ),
        SanType::DnsName("server.keysteward.internal".try_into().unwrap()),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let der = params.serialize_request(&p256()).unwrap().der().to_vec();
    let request = CertificateRequest::verify(&der).unwrap();
    let life = Duration::from_secs(3600);
    let mut rng = StdRng::seed_from_u64(7);
    let signed = authority
        .sign_agent(host, &request, life, now(), &mut rng)
        .unwrap();
    let (_, certificate) = X509Certificate::from_der(&signed.der).unwrap();
    let names = certificate
        .subject_alternative_name()
        .unwrap()
        .unwrap()
        .value;
    assert_eq!(names.general_names.len(), 1);
    assert!(
        !certificate
            .extended_key_usage()
            .unwrap()
            .unwrap()
            .value
            .server_auth
    );
    let identity = AgentIdentity::of(&signed.der.into(), authority.server()).unwrap();
    assert_eq!(identity.host, host);
}

/// The tags around the signed part are read leniently; what is signed is not.
#[test]
fn no_change_to_a_request_makes_it_one_for_another_key() {
    let good = request(&p256());
    let key = CertificateRequest::verify(&good).unwrap();
    let mut refused = 0;
    for index in 0..good.len() {
        for bit in [0x01, 0x80] {
            let mut changed = good.clone();
            changed[index] ^= bit;
            match CertificateRequest::verify(&changed) {
                Ok(taken) => assert_eq!(taken.spki(), key.spki(), "byte {index}, bit {bit:02x}"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 2 * good.len() - 20, "only {refused} were refused");
}
