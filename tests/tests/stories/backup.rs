//! A server goes back to a backup: nothing runs before every journal was read, and what happened
//! since is told, not guessed.

use std::{fs, time::Duration};

use anyhow::Result;
use keysteward_tests::site::{key::Make, list, process::eventually};
use serde_json::Value;

use crate::desk::{Desk, ESCROW, Held, shown, text};

const PATIENCE: Duration = Duration::from_secs(30);

fn status(desk: &Desk) -> Value {
    desk.site.cli.json(&["status"]).unwrap()
}

fn on_key(held: &Held) -> usize {
    held.key.state().unwrap()["credentials"]
        .as_array()
        .unwrap()
        .len()
}

fn start_issue(desk: &Desk, held: &Held) -> String {
    let begun = desk
        .site
        .cli
        .json(&[
            "issue",
            "--token",
            &held.token,
            "--user",
            &held.user,
            "--template",
            &held.template,
            "--no-wait",
        ])
        .unwrap();
    text(&begun, "id").unwrap()
}

fn settled(desk: &Desk, operation: &str) -> Result<Value> {
    eventually("the operation settles", PATIENCE, || {
        let operation = desk.site.cli.json(&["operation", "show", operation])?;
        let over = operation["state"] != "running" && operation["state"] != "waiting";
        Ok(over.then_some(operation))
    })
}

/// The database is lost, and the one of the backup takes its place; no agent can dial yet.
fn lose_and_restore(desk: &mut Desk, backup: &str) {
    desk.agent.cable.cut();
    desk.site.server.kill_9().unwrap();
    let refused = desk.site.server.command(&["restore", "--from", backup]);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("without a database"), "{refused}");
    for file in ["keysteward.db", "keysteward.db-wal", "keysteward.db-shm"] {
        // The log and its index are there only after some deaths.
        let _ = fs::remove_file(desk.site.server.data().join(file));
    }
    desk.site
        .server
        .command(&["restore", "--from", backup])
        .unwrap();
    desk.site.server.run().unwrap();
}

#[test]
fn after_a_restore_nothing_runs_until_the_journals_were_read() {
    let mut desk = Desk::open().unwrap();
    let kept = desk.hold(Make::Keysteward, ESCROW).unwrap();
    desk.issue(&kept).unwrap();
    let fresh = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let backup = shown(&desk.site.folder().join("monday.backup")).unwrap();
    desk.site
        .server
        .command(&["backup", "--to", &backup])
        .unwrap();
    lose_and_restore(&mut desk, &backup);

    let waiting = status(&desk);
    assert_eq!(waiting["reconciling"], true, "{waiting}");
    let missing = list(waiting, "hosts_to_reconcile").unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
    let asked = start_issue(&desk, &fresh);
    let held_back = eventually("the operation says why it waits", PATIENCE, || {
        let operation = desk.site.cli.json(&["operation", "show", &asked])?;
        Ok((operation["state"] == "waiting").then_some(operation))
    })
    .unwrap();
    let remark = text(&held_back, "remark").unwrap();
    assert!(remark.contains("journals"), "{held_back}");
    assert_eq!(on_key(&fresh), 0);

    desk.agent.cable.mend();
    eventually("the journals were read", PATIENCE, || {
        Ok((status(&desk)["reconciling"] == false).then_some(()))
    })
    .unwrap();
    let ended = settled(&desk, &asked).unwrap();
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!([&kept, &fresh].map(on_key), [1, 1]);
    // What was sealed before the backup still opens.
    let pin = desk.reveal(&kept).unwrap();
    assert!(desk.browser(&kept).activate(&pin).unwrap());
    desk.verify_audit().unwrap();
}

#[test]
fn what_happened_after_the_backup_is_told_and_never_done_twice() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let backup = shown(&desk.site.folder().join("monday.backup")).unwrap();
    desk.site
        .server
        .command(&["backup", "--to", &backup])
        .unwrap();
    desk.issue(&held).unwrap();
    assert_eq!(desk.token(&held.token).unwrap()["state"], "issued");
    lose_and_restore(&mut desk, &backup);
    assert_eq!(desk.token(&held.token).unwrap()["state"], "registered");
    desk.agent.cable.mend();
    eventually("the journals were read", PATIENCE, || {
        Ok((status(&desk)["reconciling"] == false).then_some(()))
    })
    .unwrap();

    // The backup knows neither the PIN nor the credential: only a reset clears the key.
    let ended = settled(&desk, &start_issue(&desk, &held)).unwrap();
    assert_ne!(ended["state"], "succeeded", "{ended}");
    let told = ["remark", "next_action"].map(|name| text(&ended, name).unwrap());
    assert!(told.iter().any(|text| text.contains("reset")), "{told:?}");
    assert_eq!(on_key(&held), 1);
    let at_provider = desk.site.stand_in.authenticators(&held.user).unwrap();
    assert_eq!(at_provider.len(), 1, "{at_provider:?}");
    desk.verify_audit().unwrap();
    let restored = desk
        .site
        .cli
        .json(&["audit", "list", "--verb", "server.restore"])
        .unwrap();
    assert_eq!(list(restored, "entries").unwrap().len(), 1);
}

#[test]
fn a_backup_that_was_touched_is_not_restored() {
    let mut desk = Desk::open().unwrap();
    let backup = desk.site.folder().join("monday.backup");
    let path = shown(&backup).unwrap();
    desk.site
        .server
        .command(&["backup", "--to", &path])
        .unwrap();
    desk.site.server.kill_9().unwrap();
    let database = desk.site.server.data().join("keysteward.db");
    for file in [&database, &database.with_extension("db-wal")] {
        let _ = fs::remove_file(file);
    }
    let whole = fs::read(&backup).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (what, bytes) in [
        ("a bit changed", changed.as_slice()),
        ("the end cut off", &whole[..whole.len() - 1]),
        ("another file", b"SQLite format 3\0"),
    ] {
        fs::write(&backup, bytes).unwrap();
        let refused = desk.site.server.command(&["restore", "--from", &path]);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("monday.backup"), "{what}: {refused}");
        assert!(!database.exists(), "{what} left a database");
    }
}
