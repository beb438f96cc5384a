use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keysteward_proto::uplink::agent_uri;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};

use super::*;

fn server() -> ServerAddress {
    "keys.example.com:8443".parse().unwrap()
}

fn root() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(key: &Key, uri: &str, root: &CertifiedIssuer<'static, KeyPair>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2026, 1, 31);
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    params
        .signed_by(&key.pair().unwrap(), root)
        .unwrap()
        .der()
        .to_vec()
}

fn identity(key: Key) -> Identity {
    let root = root();
    let certificate = leaf(&key, &agent_uri("server-1", "host-1"), &root);
    Identity::new(server(), key, certificate, vec![root.der().to_vec()]).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_identity_comes_back_from_the_disk_as_it_was_kept_and_only_for_its_owner() {
    let state = tempfile::tempdir().unwrap();
    let directory = Directory::new(state.path());
    assert!(directory.identity().unwrap().is_none());

    let kept = identity(Key::generate().unwrap());
    directory.keep(&kept).unwrap();
    let read = directory.identity().unwrap().unwrap();
    assert_eq!(read.host_id, "host-1");
    assert_eq!(read.server_id, "server-1");
    assert_eq!(read.server, server());
    assert_eq!(read.certificate, kept.certificate);
    assert_eq!(read.roots, kept.roots);
    assert_eq!(*read.key.pkcs8, *kept.key.pkcs8);
    assert_eq!(mode(&state.path().join("uplink")), 0o700);
    assert_eq!(mode(&state.path().join("uplink/identity.json")), 0o600);
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let state = tempfile::tempdir().unwrap();
    let directory = Directory::new(state.path());
    directory.keep(&identity(Key::generate().unwrap())).unwrap();
    let path = state.path().join("uplink/identity.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = directory.identity().unwrap_err();
    assert!(
        matches!(error, IdentityError::ReadableByOthers { mode: 0o640, .. }),
        "{error}"
    );
}

#[test]
fn a_damaged_file_says_what_to_do_and_shows_nothing_of_it() {
    let state = tempfile::tempdir().unwrap();
    let directory = Directory::new(state.path());
    let identity = identity(Key::generate().unwrap());
    directory.keep(&identity).unwrap();
    let path = state.path().join("uplink/identity.json");
    let whole = fs::read_to_string(&path).unwrap();
    for damaged in [
        whole[..whole.len() / 2].to_owned(),
        whole.replace(&STANDARD.encode(&identity.certificate), "AAAA"),
        // The key of another identity.
        whole.replace(
            &STANDARD.encode(&*identity.key.pkcs8),
            &STANDARD.encode(&*Key::generate().unwrap().pkcs8),
        ),
    ] {
        fs::write(&path, damaged).unwrap();
        let error = directory.identity().unwrap_err();
        assert!(matches!(error, IdentityError::Damaged { .. }), "{error}");
    }
}

#[test]
fn the_same_question_is_asked_with_the_same_key_until_it_is_answered() {
    let state = tempfile::tempdir().unwrap();
    let directory = Directory::new(state.path());
    let first = directory.enrolment_key("token-a").unwrap();
    let again = directory.enrolment_key("token-a").unwrap();
    assert_eq!(*first.pkcs8, *again.pkcs8);
    assert_eq!(mode(&state.path().join("uplink/enrolling.json")), 0o600);

    let other = directory.enrolment_key("token-b").unwrap();
    assert_ne!(*first.pkcs8, *other.pkcs8);

    directory.keep(&identity(other.clone())).unwrap();
    assert!(!state.path().join("uplink/enrolling.json").exists());
    assert_ne!(
        *directory.enrolment_key("token-b").unwrap().pkcs8,
        *other.pkcs8
    );
}

#[test]
fn a_write_that_a_crash_cut_off_leaves_the_identity_before_it() {
    let state = tempfile::tempdir().unwrap();
    let directory = Directory::new(state.path());
    let before = identity(Key::generate().unwrap());
    directory.keep(&before).unwrap();
    let beside = state.path().join("uplink/identity.new");
    fs::write(&beside, "{\"host\": \"ke").unwrap();
    assert_eq!(
        directory.identity().unwrap().unwrap().certificate,
        before.certificate
    );

    let after = identity(Key::generate().unwrap());
    directory.keep(&after).unwrap();
    assert_eq!(
        directory.identity().unwrap().unwrap().certificate,
        after.certificate
    );
    assert_eq!(mode(&state.path().join("uplink/identity.json")), 0o600);
}

#[test]
fn an_answer_that_does_not_fit_is_not_taken_for_an_identity() {
    let root = root();
    let key = Key::generate().unwrap();
    let other = Key::generate().unwrap();
    let uri = agent_uri("server-1", "host-1");
    let roots = vec![root.der().to_vec()];
    for (certificate, roots, why) in [
        (b"no".to_vec(), roots.clone(), "not X.509"),
        (leaf(&other, &uri, &root), roots.clone(), "another key"),
        (
            leaf(&key, "https://keys.example.com", &root),
            roots,
            "names no host",
        ),
        (leaf(&key, &uri, &root), vec![], "no root"),
    ] {
        let error = Identity::new(server(), key.clone(), certificate, roots).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn renewal_is_due_around_half_life_and_at_different_times_for_different_hosts() {
    let due: Vec<_> = (0..20)
        .map(|_| identity(Key::generate().unwrap()))
        .map(|identity| {
            let life = identity
                .not_after
                .duration_since(identity.not_before)
                .as_secs_f64();
            let until = identity
                .renewal_due()
                .duration_since(identity.not_before)
                .as_secs_f64();
            until / life
        })
        .collect();
    assert!(
        due.iter().all(|share| (0.45..=0.55).contains(share)),
        "{due:?}"
    );
    let earliest = due.iter().copied().fold(1.0, f64::min);
    let latest = due.iter().copied().fold(0.0, f64::max);
    assert!(latest - earliest > 0.02, "{due:?}");
}

#[test]
fn a_printed_identity_does_not_show_its_key() {
    let identity = identity(Key::generate().unwrap());
    let printed = format!("{identity:?} {:?}", identity.key);
    assert!(
        !printed.contains("pkcs8") && printed.contains("host-1"),
        "{printed}"
    );
}
