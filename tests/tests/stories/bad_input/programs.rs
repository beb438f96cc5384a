//! Settings files, API keys and join tokens.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use keysteward_tests::site::{list, process::program};

use super::{Wrong, all_refused, standing};
use crate::desk::{Desk, shown};

/// Runs one of our services that must end at once; what it says.
fn ends(name: &str, settings: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = Command::new(program(name).unwrap())
        .arg("--settings")
        .arg(settings)
        .args(arguments)
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn wrong_settings_are_named_all_at_once_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("service.toml");
    for (name, verb, text, named) in [
        (
            "keysteward-server",
            "init",
            "data_dri = '/x'\n[api]\nlisten = 8443\n[log]\nlevel = 'loud'\n",
            [
                ["data_dri", "/x", "data_dir"],
                ["api.listen", "8443", "ADDRESS:PORT"],
                ["log.level", "\"loud\"", "error, warn, info"],
            ],
        ),
        (
            "keysteward-agent",
            "run",
            "stat_dir = '/x'\n[policy]\nforbid = ['rest']\n[server]\naddress = 'keys.example.com'\n",
            [
                ["stat_dir", "/x", "state_dir"],
                ["policy.forbid", "\"rest\"", "reset"],
                ["server.address", "keys.example.com", "PORT"],
            ],
        ),
    ] {
        fs::write(&settings, text).unwrap();
        let (code, said) = ends(name, &settings, &[verb]);
        assert_eq!(code, Some(1), "{said}");
        for [key, found, allowed] in named {
            let line = said.lines().find(|line| line.contains(key));
            let line = line.unwrap_or_else(|| panic!("{name} does not name {key}: {said}"));
            assert!(line.contains(found), "{line}");
            assert!(line.contains(allowed), "{line}");
        }
        fs::write(&settings, "[log\n").unwrap();
        let (code, said) = ends(name, &settings, &[verb]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("line 1"), "{said}");
        let absent = folder.path().join("absent.toml");
        let (code, said) = ends(name, &absent, &[verb]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("absent.toml"), "{said}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn an_api_key_that_may_not_is_refused_and_what_it_tried_is_recorded() {
    let desk = Desk::open().unwrap();
    let strange = desk.site.folder().join("strange.key");
    fs::write(
        &strange,
        "ksk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    )
    .unwrap();
    let strange = shown(&strange).unwrap();
    let reader = shown(&desk.site.folder().join("reader.key")).unwrap();
    let create = [
        "api-key",
        "create",
        "reader",
        "--scope",
        "read",
        "--secret-file",
    ];
    desk.site
        .cli
        .json(&[&create[..], &[&reader]].concat())
        .unwrap();
    all_refused(
        &desk,
        &[Wrong {
            arguments: vec!["--api-key-file", &strange, "token", "list"],
            exit: 4,
            reason: "API_KEY_INVALID",
            instead: "ask an administrator",
            ..Wrong::NOTHING
        }],
    );
    let before = standing(&desk).unwrap();
    let tried = Wrong {
        arguments: vec!["--api-key-file", &reader, "join-token", "create"],
        exit: 4,
        reason: "SCOPE_MISSING",
        field: "authorization",
        found: "read",
        instead: "hosts",
        ..Wrong::NOTHING
    };
    tried
        .check(&desk.site.cli.run(&tried.arguments, "").unwrap())
        .unwrap();
    let mut after = standing(&desk).unwrap();
    assert_eq!(
        after["audit"].as_u64(),
        before["audit"].as_u64().map(|entries| entries + 1)
    );
    after["audit"] = before["audit"].clone();
    assert_eq!(after, before);
    let denials = desk
        .site
        .cli
        .json(&["audit", "list", "--verb", "api.denied"])
        .unwrap();
    let denials = list(denials, "entries").unwrap();
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0]["actor"], "api-key:reader");
}

/// A second host that has not enrolled.
struct Stranger {
    folder: PathBuf,
    server: String,
}

impl Stranger {
    fn of(desk: &Desk) -> Self {
        let folder = desk.site.folder().join("stranger");
        fs::create_dir(&folder).unwrap();
        let settings = format!(
            "state_dir = {:?}\n[local_socket]\npath = {:?}\n",
            folder.join("state"),
            folder.join("agent.sock")
        );
        fs::write(folder.join("agent.toml"), settings).unwrap();
        Self {
            folder,
            server: desk.site.server.agents().to_string(),
        }
    }

    fn enrol(&self, join_token: &str) -> (Option<i32>, String) {
        let file = self.folder.join("join.token");
        fs::write(&file, join_token).unwrap();
        let file = shown(&file).unwrap();
        let arguments = [
            "enrol",
            "--server",
            &self.server,
            "--join-token-file",
            &file,
        ];
        ends(
            "keysteward-agent",
            &self.folder.join("agent.toml"),
            &arguments,
        )
    }
}

#[test]
fn a_join_token_that_is_no_good_enrols_nobody() {
    let desk = Desk::open().unwrap();
    let stranger = Stranger::of(&desk);
    let used = fs::read_to_string(desk.agent.folder().join("join.token")).unwrap();
    let used = used.trim();
    let short_lived = desk
        .site
        .cli
        .json(&["join-token", "create", "--valid-for", "1s"])
        .unwrap();
    let short_lived = crate::desk::text(&short_lived, "secret").unwrap();
    let [_, secret, root]: [&str; 3] = used.split('.').collect::<Vec<_>>().try_into().unwrap();
    let invented = format!("ksj1.{}.{root}", "A".repeat(43));
    let elsewhere = format!("ksj1.{secret}.{}", "A".repeat(43));
    let before = standing(&desk).unwrap();
    for (join_token, why) in [
        ("hunter2", "starts with ksj1."),
        (&used[..used.len() - 3], "second part is damaged"),
        ("ksj1.AAAA", "two parts"),
        (&invented, "join token"),
        (&elsewhere, "is not the server"),
    ] {
        let (code, said) = stranger.enrol(join_token);
        assert_eq!(code, Some(1), "{why}: {said}");
        assert!(said.contains(why), "{why}: {said}");
        assert!(!said.contains(secret), "the secret is shown: {said}");
    }
    assert_eq!(standing(&desk).unwrap(), before);

    // Tokens that once were good: who tries one is on record.
    let (code, said) = stranger.enrol(used);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("used before"), "{said}");
    // It was good for one second.
    thread::sleep(Duration::from_millis(1100));
    let (code, said) = stranger.enrol(&short_lived);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("has expired"), "{said}");
    let hosts = desk.site.cli.json(&["host", "list"]).unwrap();
    assert_eq!(list(hosts, "hosts").unwrap().len(), 1);
    let tried = desk
        .site
        .cli
        .json(&["audit", "list", "--verb", "host.enrol"])
        .unwrap();
    let denied = list(tried, "entries")
        .unwrap()
        .iter()
        .filter(|entry| entry["outcome"] == "denied")
        .count();
    assert_eq!(denied, 2);
}
