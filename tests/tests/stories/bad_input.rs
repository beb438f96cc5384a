//! Whatever is wrong is named, with what was found and what is allowed or what to do, and leaves
//! no trace behind.

mod described;
mod key;
mod life;
mod programs;

use anyhow::{Context, Result, ensure};
use keysteward_tests::site::cli::Said;
use serde_json::{Value, json};

use crate::desk::{Desk, Held};

/// One wrong command, and what must be said about it.
struct Wrong<'a> {
    arguments: Vec<&'a str>,
    /// Standard input.
    input: &'a str,
    /// As `docs/cli.md` has it.
    exit: i32,
    reason: &'a str,
    field: &'a str,
    /// Part of what was found.
    found: &'a str,
    /// Part of what is allowed, or else of what to do next.
    instead: &'a str,
}

impl Wrong<'_> {
    const NOTHING: Self = Wrong {
        arguments: Vec::new(),
        input: "",
        exit: 2,
        reason: "FIELD_INVALID",
        field: "",
        found: "",
        instead: "",
    };

    fn check(&self, said: &Said) -> Result<()> {
        let error = error_of(said)?;
        let told = |name: &str| error[name].as_str().unwrap_or_default();
        let instead = [told("allowed"), told("next_action")];
        ensure!(said.code == self.exit, "exit code {}: {error}", said.code);
        ensure!(told("reason") == self.reason, "the reason: {error}");
        ensure!(told("field") == self.field, "the field: {error}");
        ensure!(
            told("found").contains(self.found),
            "what was found: {error}"
        );
        ensure!(
            instead
                .iter()
                .any(|text| !text.is_empty() && text.contains(self.instead)),
            "what is allowed: {error}"
        );
        ensure!(!told("message").is_empty(), "no message: {error}");
        Ok(())
    }
}

/// The JSON document that ends standard error; what was waited for may stand before it.
fn error_of(said: &Said) -> Result<Value> {
    let last = said.error.trim_end().lines().last().unwrap_or_default();
    let parsed: Value = serde_json::from_str(last)
        .with_context(|| format!("not one JSON document: {}{}", said.error, said.output))?;
    Ok(parsed["error"].clone())
}

/// Every row that an operator can see, and the length of the audit.
fn standing(desk: &Desk) -> Result<Value> {
    let cli = &desk.site.cli;
    let tokens: Vec<Value> = desk
        .site
        .tokens()?
        .iter()
        .map(|token| {
            json!([
                token["id"],
                token["state"],
                token["token_type"],
                token["user"],
                token["template"],
                token["needs_reset"],
                token["present"],
            ])
        })
        .collect();
    Ok(json!({
        "tokens": tokens,
        "operations": cli.json(&["operation", "list"])?,
        "users": cli.json(&["user", "list"])?,
        "connections": cli.json(&["connection", "list"])?,
        "token_types": cli.json(&["token-type", "list"])?,
        "templates": cli.json(&["template", "list"])?,
        "join_tokens": cli.json(&["join-token", "list", "--all"])?,
        "audit": cli.json(&["status"])?["audit_entries"],
    }))
}

/// Each is refused as it should be, and all of them together change nothing.
fn all_refused(desk: &Desk, cases: &[Wrong<'_>]) {
    let before = standing(desk).unwrap();
    let mut unlike = Vec::new();
    for case in cases {
        let said = desk.site.cli.run(&case.arguments, case.input).unwrap();
        if let Err(error) = case.check(&said) {
            unlike.push(format!("{}: {error:#}", case.arguments.join(" ")));
        }
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n\n"));
    assert_eq!(standing(desk).unwrap(), before, "something was left behind");
}

fn issue<'a>(token: &'a str, user: &'a str, template: &'a str) -> Vec<&'a str> {
    vec![
        "issue",
        "--token",
        token,
        "--user",
        user,
        "--template",
        template,
    ]
}

fn on_key(held: &Held) -> usize {
    let state = held.key.state().unwrap();
    state["credentials"].as_array().unwrap().len()
}
