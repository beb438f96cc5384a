//! PINs that are wrong, too short, or tried too often.

use keysteward_tests::site::{cli::Said, key::Make, list, process::eventually};
use serde_json::Value;

use super::{Wrong, all_refused, error_of};
use crate::desk::{Desk, ESCROW, Held, Issuing, shown, text};

#[test]
fn a_pin_that_the_rule_forbids_is_refused_with_the_rule() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    desk.issue(&held).unwrap();
    let too_short = |arguments, field| Wrong {
        arguments,
        input: "271\n",
        field,
        found: "3 characters",
        instead: "4 characters or more",
        ..Wrong::NOTHING
    };
    let token = held.token.as_str();
    let set = vec!["pin", "set", token, "--new-pin-file", "-"];
    let hand_over = vec!["pin", "hand-over", token, "--new-pin-file", "-"];
    all_refused(
        &desk,
        &[
            too_short(set, "set_pin.new_pin"),
            too_short(hand_over, "hand_over_pin.new_pin"),
        ],
    );
}

#[test]
fn a_wrong_current_pin_says_how_many_tries_are_left() {
    let mut desk = Desk::open().unwrap();
    let forgotten = Issuing {
        custody: "hand-over",
        more: &[],
    };
    let held = desk.hold(Make::Keysteward, forgotten).unwrap();
    desk.issue(&held).unwrap();
    let pin = desk.reveal(&held).unwrap();
    let said = desk
        .site
        .cli
        .run(
            &["pin", "set", &held.token, "--ask-current-pin"],
            "31415926\n27182818\n",
        )
        .unwrap();
    let error = error_of(&said).unwrap();
    assert_eq!(said.code, 1, "{error}");
    assert_eq!(error["reason"], "OPERATION_FAILED", "{error}");
    assert!(text(&error, "message").unwrap().contains('7'), "{error}");
    assert!(!text(&error, "next_action").unwrap().is_empty(), "{error}");
    // The PIN that was there is there.
    assert_eq!(desk.credentials_on_key(&held, &pin).unwrap().len(), 1);
    assert_eq!(desk.token(&held.token).unwrap()["state"], "active");
}

/// Asks the key for its credentials with `pin`, straight at its agent.
fn try_pin(desk: &Desk, pin: &str) -> Said {
    let socket = shown(&desk.agent.socket()).unwrap();
    let arguments = ["--agent", &socket, "token", "fido", "credentials"];
    desk.site.cli.run(&arguments, &format!("{pin}\n")).unwrap()
}

fn refused(desk: &Desk) -> Value {
    let said = try_pin(desk, "31415926");
    assert_eq!(said.code, 1, "{}", said.error);
    error_of(&said).unwrap()
}

fn replug(desk: &Desk, held: &Held) {
    held.key.unplug().unwrap();
    plugged(desk, 0);
    held.key.plug().unwrap();
    plugged(desk, 1);
}

fn plugged(desk: &Desk, keys: usize) {
    let socket = shown(&desk.agent.socket()).unwrap();
    let patience = std::time::Duration::from_secs(10);
    eventually("the agent notices", patience, || {
        let tokens = desk.site.cli.json(&["--agent", &socket, "token", "list"])?;
        Ok((list(tokens, "tokens")?.len() == keys).then_some(()))
    })
    .unwrap();
}

#[test]
fn wrong_pins_at_the_agent_tell_tries_left_then_replugging_then_a_reset() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    desk.issue(&held).unwrap();
    let pin = desk.reveal(&held).unwrap();
    let mut left = 8;
    while left > 0 {
        left -= 1;
        let error = refused(&desk);
        let message = text(&error, "message").unwrap();
        match left {
            0 => {
                assert_eq!(error["reason"], "PIN_BLOCKED", "{error}");
                assert!(message.contains("reset"), "{error}");
            }
            5 | 2 => {
                assert_eq!(error["reason"], "PIN_AUTH_BLOCKED", "{error}");
                assert!(message.contains("plug"), "{error}");
                // Until then the right PIN is refused as well, and costs no try.
                let right = error_of(&try_pin(&desk, &pin)).unwrap();
                assert_eq!(right["reason"], "PIN_AUTH_BLOCKED", "{right}");
                replug(&desk, &held);
            }
            _ => {
                assert_eq!(error["reason"], "PIN_INVALID", "{error}");
                assert_eq!(error["facts"]["retries_left"], left.to_string(), "{error}");
                let words = [left.to_string(), "one try".to_owned()];
                assert!(words.iter().any(|word| message.contains(word)), "{error}");
            }
        }
    }
    replug(&desk, &held);
    let right = error_of(&try_pin(&desk, &pin)).unwrap();
    assert_eq!(right["reason"], "PIN_BLOCKED", "{right}");
}
