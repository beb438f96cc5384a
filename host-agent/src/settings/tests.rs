use super::*;
use crate::verb::Verb;

#[test]
fn an_empty_file_is_all_defaults() {
    let settings = Settings::parse("").unwrap();
    assert_eq!(settings.local_socket.mode, 0o660);
    assert_eq!(settings.server, None);
    assert_eq!(settings.danger_virtual_token_socket, None);
    assert!(settings.pcsc);
    assert_eq!(settings.lease_idle, std::time::Duration::from_secs(300));
    assert_eq!(settings.policy, Policy::default());
    assert_eq!(settings.log.level, LogLevel::Info);
}

#[test]
fn a_full_file_is_read_to_the_last_key() {
    let settings = Settings::parse(
        r#"
        state_dir = "/s"
        pcsc = false
        lease_idle_s = 60
        danger_virtual_token_socket = "/v.sock"
        [local_socket]
        path = "/l.sock"
        mode = "0600"
        group = "keys"
        [server]
        address = "[::1]:8443"
        [redial]
        first_within_s = 5
        longest_s = 30
        [policy]
        forbid = ["reset", "set_pin"]
        allow_raw = true
        allow_reset = true
        rp_ids = ["a.example"]
        [log]
        level = "debug"
        format = "json"
        "#,
    )
    .unwrap();
    assert_eq!(
        settings,
        Settings {
            state_dir: "/s".into(),
            pcsc: false,
            lease_idle: std::time::Duration::from_secs(60),
            danger_virtual_token_socket: Some("/v.sock".into()),
            local_socket: LocalSocket {
                path: "/l.sock".into(),
                mode: 0o600,
                group: Some("keys".into()),
            },
            server: Some(ServerAddress {
                host: "::1".into(),
                port: 8443,
            }),
            redial: Redial {
                first_within: std::time::Duration::from_secs(5),
                longest: std::time::Duration::from_secs(30),
            },
            policy: Policy {
                forbid: vec![Verb::Reset, Verb::SetPin],
                allow_raw: true,
                allow_reset: true,
                rp_ids: Some(vec!["a.example".into()]),
            },
            log: Log {
                level: LogLevel::Debug,
                format: LogFormat::Json,
            },
        }
    );
    assert_eq!(settings.server.unwrap().to_string(), "[::1]:8443");
}

#[test]
fn every_wrong_key_and_value_is_refused_by_name() {
    for (text, key, found) in [
        ("stat_dir = '/s'", "stat_dir", "/s"),
        ("state_dir = 's'", "state_dir", "\"s\""),
        ("state_dir = 3", "state_dir", "3"),
        ("pcsc = 'on'", "pcsc", "\"on\""),
        ("lease_idle_s = 29", "lease_idle_s", "29"),
        (
            "danger_virtual_token_socket = 'v'",
            "danger_virtual_token_socket",
            "\"v\"",
        ),
        ("local_socket = 1", "local_socket", "1"),
        ("[local_socket]\npath = 'x'", "local_socket.path", "\"x\""),
        (
            "[local_socket]\nmode = '0666'",
            "local_socket.mode",
            "\"0666\"",
        ),
        ("[local_socket]\nmode = 432", "local_socket.mode", "432"),
        ("[local_socket]\ngroup = ''", "local_socket.group", "\"\""),
        ("[local_socket]\nowner = 'me'", "local_socket.owner", "me"),
        (
            "[server]\naddress = 'keys.example.com'",
            "server.address",
            "keys.example.com",
        ),
        (
            "[server]\naddress = 'keys.example.com:0'",
            "server.address",
            ":0",
        ),
        (
            "[server]\naddress = 'keys.example.com:65536'",
            "server.address",
            ":65536",
        ),
        ("[server]\naddress = ':8443'", "server.address", ":8443"),
        (
            "[server]\naddress = 'https://k:8443'",
            "server.address",
            "https",
        ),
        ("[server]\naddress = '::1:8443'", "server.address", "::1"),
        ("[policy]\nforbid = ['rest']", "policy.forbid", "\"rest\""),
        ("[policy]\nforbid = 'reset'", "policy.forbid", "\"reset\""),
        ("[policy]\nallow_raw = 'yes'", "policy.allow_raw", "\"yes\""),
        ("[policy]\nallow_reset = 1", "policy.allow_reset", "1"),
        ("[policy]\nrp_ids = ['']", "policy.rp_ids", "\"\""),
        ("[policy]\nallow = true", "policy.allow", "true"),
        ("[log]\nlevel = 'loud'", "log.level", "\"loud\""),
        ("[log]\nformat = 'xml'", "log.format", "\"xml\""),
    ] {
        let SettingsError::Wrong(problems) = Settings::parse(text).unwrap_err() else {
            panic!("{text}: not refused by name");
        };
        let [problem] = &problems[..] else {
            panic!("{text}: {problems:?}");
        };
        assert_eq!(problem.key, key, "{text}");
        assert!(problem.found.contains(found), "{text}: {problem}");
        assert!(!problem.allowed.is_empty(), "{text}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let error = Settings::parse("[log]\nlevel = 'loud'\n[policy]\nallow_raw = 2").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("log.level: found \"loud\", allowed: error, warn"),
        "{text}"
    );
    assert!(
        text.contains("policy.allow_raw: found 2, allowed: true or false"),
        "{text}"
    );
}

#[test]
fn what_is_not_toml_is_refused_with_its_line() {
    let text = Settings::parse("a = 1\nb =").unwrap_err().to_string();
    assert!(text.contains("line 2"), "{text}");
}

#[test]
fn an_absent_file_is_named() {
    let text = Settings::load(Path::new("/nowhere/agent.toml"))
        .unwrap_err()
        .to_string();
    assert!(text.contains("/nowhere/agent.toml"), "{text}");
}

#[test]
fn raw_and_reset_are_refused_unless_allowed() {
    let policy = Policy::default();
    assert_eq!(policy.check_verb(Verb::Raw), Err(Forbidden::Raw));
    assert_eq!(policy.check_verb(Verb::Reset), Err(Forbidden::Reset));
    assert_eq!(policy.check_verb(Verb::SetPin), Ok(()));
    let open = Policy {
        allow_raw: true,
        allow_reset: true,
        ..Policy::default()
    };
    assert_eq!(open.forbidden_verbs().count(), 0);
}

#[test]
fn a_forbidden_verb_stays_forbidden_when_another_setting_allows_it() {
    let policy = Policy {
        forbid: vec![Verb::Reset],
        allow_reset: true,
        ..Policy::default()
    };
    let refusal = policy.check_verb(Verb::Reset).unwrap_err();
    assert_eq!(refusal.setting(), "policy.forbid");
}

#[test]
fn only_listed_relying_parties_pass_a_list() {
    let policy = Policy {
        rp_ids: Some(vec!["a.example".into()]),
        ..Policy::default()
    };
    assert_eq!(policy.check_rp_id("a.example"), Ok(()));
    let refusal = policy.check_rp_id("b.a.example").unwrap_err();
    assert!(refusal.to_string().contains("policy.rp_ids"), "{refusal}");
    assert_eq!(Policy::default().check_rp_id("b.example"), Ok(()));
}

#[test]
fn a_pause_out_of_range_is_named_with_the_range() {
    let settings = Settings::parse("[redial]\nfirst_within_s = 0\nlongest_s = 2\n").unwrap();
    assert_eq!(settings.redial.first_within, std::time::Duration::ZERO);
    assert_eq!(settings.redial.longest, std::time::Duration::from_secs(2));
    for wrong in ["0", "3601", "-1", "\"soon\""] {
        let refusal = Settings::parse(&format!("[redial]\nlongest_s = {wrong}\n"));
        let text = refusal.unwrap_err().to_string();
        assert!(text.contains("redial.longest_s"), "{text}");
        assert!(text.contains("1 to 3600 seconds"), "{text}");
    }
}

#[test]
fn the_example_that_is_installed_says_what_stands_without_it() {
    let example = include_str!("../../agent.toml");
    assert_eq!(
        Settings::parse(example).unwrap(),
        Settings::parse("").unwrap()
    );
    // Each key that is commented out is one that exists, with a value that is allowed.
    let all: String = example
        .lines()
        .map(|line| line.strip_prefix("#! ").unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let settings = Settings::parse(&all).unwrap();
    assert!(settings.server.is_some() && settings.policy.rp_ids.is_some());
}
