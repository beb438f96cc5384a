//! What a key's state, its type or another operation does not allow; and keys that are not there.

use std::fs;

use keysteward_tests::site::{
    key::{Command, Make, Moment},
    list,
};

use super::{Wrong, all_refused, error_of, issue, on_key, standing};
use crate::desk::{Desk, ESCROW, shown, text};

fn not_allowed<'a>() -> Wrong<'a> {
    Wrong {
        exit: 4,
        reason: "MOVE_NOT_ALLOWED",
        field: "token",
        ..Wrong::NOTHING
    }
}

#[test]
fn what_does_not_exist_is_not_issued() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let (token, user, template) = (&held.token, &held.user, &held.template);
    let cases: Vec<Wrong<'_>> = [
        (
            issue("nobody", user, template),
            "TOKEN_NOT_FOUND",
            "token",
            "a serial",
        ),
        (
            issue(token, "nobody", template),
            "USER_NOT_FOUND",
            "user",
            "a user name",
        ),
        (
            issue(token, user, "nobody"),
            "TEMPLATE_NOT_FOUND",
            "template",
            "a name",
        ),
    ]
    .into_iter()
    .map(|(arguments, reason, field, instead)| Wrong {
        arguments,
        exit: 3,
        reason,
        field,
        found: "nobody",
        instead,
        ..Wrong::NOTHING
    })
    .collect();
    all_refused(&desk, &cases);
    assert_eq!(on_key(&held), 0);
}

#[test]
fn a_key_of_another_type_than_the_template_names_is_not_issued() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let cli = &desk.site.cli;
    cli.json(&[
        "token-type",
        "create",
        "other",
        "--unrooted",
        "none",
        "--aaguid",
        "cb69481e-8ff7-4039-93ec-0a2729a154a8",
    ])
    .unwrap();
    cli.json(&[
        "template",
        "create",
        "other",
        "--connection",
        "sta",
        "--token-type",
        "other",
    ])
    .unwrap();
    let wrong = Wrong {
        arguments: issue(&held.token, &held.user, "other"),
        reason: "TOKEN_TYPE_NOT_ALLOWED",
        found: "type-1",
        instead: "template other names",
        ..not_allowed()
    };
    all_refused(&desk, &[wrong]);
    assert_eq!(on_key(&held), 0);
}

#[test]
fn a_key_in_software_is_refused_where_its_type_is_for_hardware() {
    let desk = Desk::open().unwrap();
    let cli = &desk.site.cli;
    let aaguid = "3d5a8cf2-6b1e-4d07-9c43-e8f1a2b7560d";
    cli.json(&[
        "token-type",
        "create",
        "hardware",
        "--unrooted",
        "self",
        "--aaguid",
        aaguid,
    ])
    .unwrap();
    cli.json(&[
        "template",
        "create",
        "staff",
        "--connection",
        "sta",
        "--token-type",
        "hardware",
    ])
    .unwrap();
    let people = desk.site.folder().join("people.csv");
    fs::write(
        &people,
        "user_name,mail,given_name,sn\nalice,a@example.com,A,D\n",
    )
    .unwrap();
    cli.json(&["user", "import", &shown(&people).unwrap()])
        .unwrap();
    let (key, token) = desk
        .site
        .plug_in(&desk.agent, Make::Keysteward, "software")
        .unwrap();
    assert_eq!(token["state"], "unregistered", "{token}");
    let token = text(&token, "id").unwrap();
    let wrong = Wrong {
        arguments: issue(&token, "alice", "staff"),
        found: "unregistered",
        instead: "registered",
        ..not_allowed()
    };
    all_refused(&desk, &[wrong]);
    assert!(
        list(key.state().unwrap(), "credentials")
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_move_that_the_state_does_not_allow_is_refused_with_the_state() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let token = held.token.as_str();
    let again = || issue(token, &held.user, &held.template);
    let refuse = |desk: &Desk, state: &'static str, commands: &[Vec<&str>]| {
        let cases: Vec<Wrong<'_>> = commands
            .iter()
            .map(|arguments| Wrong {
                arguments: arguments.clone(),
                found: state,
                ..not_allowed()
            })
            .collect();
        all_refused(desk, &cases);
    };
    let suspend = || vec!["suspend", token];
    let resume = || vec!["resume", token];
    let revoke = || vec!["revoke", token, "--reason", "lost"];
    let hand_over = || vec!["pin", "hand-over", token];
    refuse(
        &desk,
        "registered",
        &[revoke(), hand_over(), suspend(), resume()],
    );
    desk.issue(&held).unwrap();
    refuse(&desk, "issued", &[again(), suspend(), resume()]);
    desk.reveal(&held).unwrap();
    refuse(&desk, "active", &[again(), resume()]);

    // Handed over, but its user has not activated it: the provider keeps it pending.
    let said = desk.site.cli.run(&suspend(), "").unwrap();
    let error = error_of(&said).unwrap();
    assert_ne!(said.code, 0, "{error}");
    assert!(!text(&error, "next_action").unwrap().is_empty(), "{error}");
    assert!(
        text(&error, "message").unwrap().contains("pending"),
        "{error}"
    );
    assert_eq!(desk.token(token).unwrap()["state"], "active");
    assert_eq!(
        desk.site.stand_in.state_of_only(&held.user).unwrap(),
        "pending"
    );
    desk.verify_audit().unwrap();
}

#[test]
fn a_reason_that_cannot_be_recorded_is_refused() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    desk.issue(&held).unwrap();
    let wrong = Wrong {
        arguments: vec!["revoke", &held.token, "--reason", ""],
        field: "revoke.reason",
        instead: "200",
        ..Wrong::NOTHING
    };
    all_refused(&desk, &[wrong]);
    assert_eq!(on_key(&held), 1);
}

#[test]
fn a_key_that_an_operation_has_is_busy() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let make = Command {
        name: "make_credential",
        subcommand: None,
    };
    held.key.fault(Moment::Before, make, "hold").unwrap();
    let arguments = issue(&held.token, &held.user, &held.template);
    let no_wait = [&arguments[..], &["--no-wait"]].concat();
    let operation = desk.site.cli.json(&no_wait).unwrap();
    let id = text(&operation, "id").unwrap();
    held.key.wait_until_held().unwrap();
    let said = desk.site.cli.run(&arguments, "").unwrap();
    let busy = Wrong {
        reason: "TOKEN_BUSY",
        found: "issue",
        instead: &id,
        ..not_allowed()
    };
    // What it waits for is a command that is typed as it stands.
    let error = error_of(&said).unwrap();
    assert!(
        text(&error, "next_action").unwrap().contains(&id),
        "{error}"
    );
    Wrong {
        instead: "no other operation",
        ..busy
    }
    .check(&said)
    .unwrap();
    held.key.release().unwrap();
    desk.operate(&["operation", "watch", &id]).unwrap();
    assert_eq!(on_key(&held), 1);
}

#[test]
fn an_issue_whose_key_does_not_come_ends_with_the_reason() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    held.key.unplug().unwrap();
    let before = standing(&desk).unwrap();
    let arguments = issue(&held.token, &held.user, &held.template);
    let said = desk
        .site
        .cli
        .run(&[&arguments[..], &["--valid-for", "2s"]].concat(), "")
        .unwrap();
    let error = error_of(&said).unwrap();
    assert_eq!(said.code, 1, "{error}");
    assert_eq!(error["reason"], "OPERATION_FAILED", "{error}");
    let message = text(&error, "message").unwrap();
    assert!(message.contains("the key was not seen"), "{error}");
    assert!(message.contains("deadline"), "{error}");
    assert!(!text(&error, "next_action").unwrap().is_empty(), "{error}");
    let after = standing(&desk).unwrap();
    for kept in ["users", "templates", "connections"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(desk.token(&held.token).unwrap()["state"], "registered");
    assert_eq!(on_key(&held), 0);
    assert!(
        desk.site
            .stand_in
            .authenticators(&held.user)
            .unwrap()
            .is_empty()
    );
}
