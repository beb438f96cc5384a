//! No secret is written down in clear: not in the database, its log, a journal, a setting or
//! anything that any party says at log level debug.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use keysteward_tests::site::key::Make;

use crate::desk::{Desk, ESCROW, Issuing, text};

/// What must not be found, and the files whose purpose is to hold it.
struct Secret {
    what: &'static str,
    value: String,
    homes: Vec<PathBuf>,
}

impl Secret {
    fn of_nobody(what: &'static str, value: &str) -> Self {
        Self {
            what,
            value: value.to_owned(),
            homes: Vec::new(),
        }
    }

    fn in_file(what: &'static str, home: PathBuf) -> Result<Self> {
        let text = fs::read_to_string(&home).with_context(|| home.display().to_string())?;
        Ok(Self {
            what,
            value: text.trim().to_owned(),
            homes: vec![home],
        })
    }
}

/// The half of it that is a secret; the other one is the hash of a certificate.
fn join_token(home: PathBuf) -> Result<Secret> {
    let mut secret = Secret::in_file("the join token", home)?;
    let half = secret.value.split('.').nth(1);
    secret.value = half.context("no join token")?.to_owned();
    Ok(secret)
}

/// Every regular file below `folder`.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Where a secret lies in clear that is not its home; and how many files were read.
fn leaks(folder: &Path, secrets: &[Secret]) -> Result<(Vec<String>, usize)> {
    let mut all = Vec::new();
    files(folder, &mut all)?;
    let mut leaks = Vec::new();
    for path in &all {
        let bytes = fs::read(path)?;
        for secret in secrets {
            let wanted = secret.value.as_bytes();
            let here = bytes.windows(wanted.len()).any(|window| window == wanted);
            if here && !secret.homes.contains(path) {
                leaks.push(format!("{} in {}", secret.what, path.display()));
            }
        }
    }
    Ok((leaks, all.len()))
}

/// Long enough to be no number that stands somewhere by chance.
const CHOSEN: &str = "correct-horse-41";
const SET: &str = "battery-staple-92";
const SET_AGAIN: &str = "tumbling-weed-73";

#[test]
fn no_secret_is_anywhere_in_clear() {
    let mut desk = Desk::open().unwrap();
    let random = |custody| Issuing {
        custody,
        more: &["--pin-alphabet", "alphanumeric"],
    };
    let cli = desk.site.cli.clone();

    let revealed = desk.hold(Make::Keysteward, random("escrow")).unwrap();
    desk.issue(&revealed).unwrap();
    let made = desk.reveal(&revealed).unwrap();
    desk.operate(&["revoke", &revealed.token, "--reason", "left"])
        .unwrap();

    let chosen = desk.hold(Make::Keysteward, random("hand-over")).unwrap();
    desk.issue(&chosen).unwrap();
    for (arguments, input) in [
        (
            vec!["pin", "hand-over", &chosen.token, "--new-pin-file", "-"],
            format!("{CHOSEN}\n"),
        ),
        (
            vec!["pin", "set", &chosen.token, "--ask-current-pin"],
            format!("{CHOSEN}\n{SET}\n"),
        ),
        (
            vec!["pin", "set", &chosen.token, "--ask-current-pin"],
            format!("{SET}\n{SET_AGAIN}\n"),
        ),
        (
            vec!["revoke", &chosen.token, "--reason", "left", "--ask-pin"],
            format!("{SET_AGAIN}\n"),
        ),
    ] {
        let said = cli.run(&arguments, &input).unwrap();
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.error);
        assert_eq!(said.output["state"], "succeeded", "{}", said.output);
    }
    desk.verify_audit().unwrap();

    let secrets = [
        Secret::of_nobody("the PIN made at issue", &made),
        Secret::of_nobody("the PIN that the user chose", CHOSEN),
        Secret::of_nobody("the PIN that was set", SET),
        Secret::of_nobody("the PIN that was given to revoke", SET_AGAIN),
        Secret::in_file("STA's API key", desk.site.stand_in.api_key_file().unwrap()).unwrap(),
        Secret::in_file("the API key", desk.site.server.data().join("admin.key")).unwrap(),
        join_token(desk.agent.folder().join("join.token")).unwrap(),
    ];
    for secret in &secrets {
        assert!(secret.value.len() >= 8, "{} is short", secret.what);
    }
    let (found, read) = leaks(desk.site.folder(), &secrets).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    assert!(read > 10, "only {read} files were searched");
}

#[test]
fn the_search_finds_what_is_planted() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let planted = desk.site.server.data().join("planted");
    fs::write(
        &planted,
        [b"\0\xFFbefore", CHOSEN.as_bytes(), b"after"].concat(),
    )
    .unwrap();
    // The user's name is no secret: it must be found where the database and its log are.
    let secrets = [
        Secret::of_nobody("planted", CHOSEN),
        Secret::of_nobody("user", &held.user),
    ];
    let (found, _) = leaks(desk.site.folder(), &secrets).unwrap();
    let at_home = format!("planted in {}", planted.display());
    assert!(found.contains(&at_home), "{found:#?}");
    let database = desk.site.server.data().join("keysteward.db");
    assert!(
        found
            .iter()
            .any(|leak| leak.starts_with("user in")
                && leak.contains(&database.display().to_string())),
        "{found:#?}"
    );
    let at_home = Secret {
        homes: vec![planted],
        ..Secret::of_nobody("planted", CHOSEN)
    };
    let (found, _) = leaks(desk.site.folder(), &[at_home]).unwrap();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(
        text(&desk.token(&held.token).unwrap(), "state").unwrap(),
        "registered"
    );
}
