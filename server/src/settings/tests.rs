use super::*;

fn problems(text: &str) -> Vec<Problem> {
    match Settings::parse(text) {
        Err(SettingsError::Wrong(problems)) => problems,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_file_listens_on_loopback_only() {
    let settings = Settings::parse("").unwrap();
    for address in [
        settings.api.listen,
        settings.agents_listen,
        settings.metrics_listen,
    ] {
        assert!(address.ip().is_loopback(), "{address}");
    }
    assert_eq!(settings.master_key, settings.data_dir.join("master.key"));
}

#[test]
fn each_wrong_value_is_named_with_what_was_found_and_what_is_allowed() {
    for (text, key, found, allowed) in [
        (
            "data_dir = 'here'",
            "data_dir",
            "\"here\"",
            "an absolute path",
        ),
        ("[api]\nlisten = 8443", "api.listen", "8443", "ADDRESS:PORT"),
        (
            "[agents]\nlisten = 'x:1'",
            "agents.listen",
            "\"x:1\"",
            "ADDRESS:PORT",
        ),
        (
            "[api]\nnames = ['a b']",
            "api.names",
            "\"a b\"",
            "DNS names",
        ),
        ("[api]\nnames = []", "api.names", "[]", "one or more"),
        (
            "[log]\nlevel = 'loud'",
            "log.level",
            "\"loud\"",
            "error, warn, info",
        ),
        (
            "[log]\nformat = 'xml'",
            "log.format",
            "\"xml\"",
            "human, json",
        ),
        (
            "[api]\ncertificate = '/c'",
            "api.key",
            "nothing",
            "api.certificate",
        ),
        ("[api]\nkey = '/k'", "api.certificate", "nothing", "api.key"),
        ("api = 3", "api", "3", "a table"),
        (
            "[attestation]\ntruststore = 'roots'",
            "attestation.truststore",
            "\"roots\"",
            "an absolute path",
        ),
        (
            "[attestation]\nmetadata = '/blob.jwt'",
            "attestation.metadata_root",
            "nothing",
            "PEM",
        ),
        (
            "[attestation]\nmetadata_root = '/root.pem'",
            "attestation.metadata",
            "nothing",
            "leads to it",
        ),
        (
            "[attestation]\nstale_metadata = 'ignore'",
            "attestation.stale_metadata",
            "\"ignore\"",
            "refuse, warn",
        ),
        (
            "[attestation]\nmetadata_signer = ''",
            "attestation.metadata_signer",
            "\"\"",
            "mds.fidoalliance.org",
        ),
        (
            "[publish]\nlisten = '127.0.0.1:80'",
            "publish.urls",
            "nothing",
            "http://pki.example.com",
        ),
        (
            "[publish]\nurls = ['https://pki.example.com']",
            "publish.urls",
            "\"https://pki.example.com\"",
            "http://pki.example.com",
        ),
        (
            "[publish]\nurls = ['http://a.example']\nlisten = 80",
            "publish.listen",
            "80",
            "ADDRESS:PORT",
        ),
        (
            "[hsm]\nmodule = '/lib.so'\ntoken = 'cards'",
            "hsm.pin_file",
            "nothing",
            "mode 0600",
        ),
        (
            "[hsm]\nmodule = 'lib.so'\ntoken = 'cards'\npin_file = '/pin'",
            "hsm.module",
            "\"lib.so\"",
            "an absolute path",
        ),
    ] {
        let problems = problems(text);
        let [problem] = problems.as_slice() else {
            panic!("{text}: {problems:?}");
        };
        assert_eq!((problem.key.as_str(), problem.found.as_str()), (key, found));
        assert!(problem.allowed.contains(allowed), "{problem}");
    }
}

#[test]
fn files_of_trust_are_named_under_attestation_and_stale_metadata_are_refused() {
    assert_eq!(Settings::parse("").unwrap().attestation, Files::default());
    let text =
        "[attestation]\ntruststore = '/roots'\nmetadata = '/blob.jwt'\nmetadata_root = '/root.pem'";
    let files = Settings::parse(text).unwrap().attestation;
    assert_eq!(files.truststore.as_deref(), Some(Path::new("/roots")));
    let expected = MetadataFiles {
        blob: "/blob.jwt".into(),
        root: "/root.pem".into(),
        signer: "mds.fidoalliance.org".into(),
        stale: Stale::Refuse,
    };
    assert_eq!(files.metadata, Some(expected.clone()));
    let own = format!("{text}\nmetadata_signer = 'metadata.example.com'\nstale_metadata = 'warn'");
    let expected = MetadataFiles {
        signer: "metadata.example.com".into(),
        stale: Stale::Warn,
        ..expected
    };
    let files = Settings::parse(&own).unwrap().attestation;
    assert_eq!(files.metadata, Some(expected));
}

#[test]
fn nothing_is_published_until_it_is_said_where_readers_find_it() {
    assert_eq!(Settings::parse("").unwrap().publish, None);
    let text = "[publish]\nurls = ['http://pki.example.com/ca/', 'http://old.example.com']";
    let publish = Settings::parse(text).unwrap().publish.unwrap();
    assert!(publish.listen.ip().is_loopback());
    let urls: Vec<&str> = publish.urls.iter().map(PublishUrl::as_str).collect();
    assert_eq!(
        urls,
        ["http://pki.example.com/ca", "http://old.example.com"]
    );
}

#[test]
fn a_pkcs11_token_is_named_whole_or_not_at_all() {
    assert_eq!(Settings::parse("").unwrap().hsm, None);
    let text = "[hsm]\nmodule = '/lib.so'\ntoken = 'cards'\npin_file = '/pin'";
    let expected = Pkcs11Settings {
        module: "/lib.so".into(),
        token: "cards".into(),
        pin_file: "/pin".into(),
    };
    assert_eq!(Settings::parse(text).unwrap().hsm, Some(expected));
}

#[test]
fn every_misspelt_key_is_named_at_once_with_those_that_exist() {
    let problems = problems("data_dri = '/x'\n[api]\nlisen = '127.0.0.1:1'\n");
    let keys: Vec<&str> = problems.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["api.lisen", "data_dri"]);
    assert!(problems[0].allowed.contains("listen"), "{}", problems[0]);
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let refusal = Settings::parse("[api\n").unwrap_err().to_string();
    assert!(refusal.contains("line 1"), "{refusal}");
}
