//! The shapes that `docs/cli.md` promises to programs.

use keysteward_proto::server::v1 as wire;
use serde::Serialize;

use super::{
    api_key, audit, card, connection, host, issue, join_token, operation, template, token,
    token_type, user,
};
use crate::output::View;

const DOCUMENTED: &str = include_str!("../../../docs/cli.md");

/// The members that the page lists for an object, sorted.
fn documented(object: &str) -> Vec<String> {
    let start = format!("| {object} | ");
    let line = DOCUMENTED
        .lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("docs/cli.md does not describe {object}"));
    let mut members: Vec<String> = line
        .split('`')
        .nth(1)
        .unwrap()
        .split(' ')
        .map(str::to_owned)
        .collect();
    members.sort();
    members
}

fn members(view: &impl Serialize) -> Vec<String> {
    let value = serde_json::to_value(view).unwrap();
    let mut members: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    members.sort();
    members
}

fn check<V: View + From<W>, W: Default>(object: &str) {
    let members = members(&V::from(W::default()));
    assert_eq!(members, documented(object), "{object}");
    for field in V::COLUMNS.iter().chain(V::FIELDS) {
        assert!(
            members.iter().any(|m| m == field),
            "{object} has no {field} to show"
        );
    }
}

#[test]
fn every_object_has_the_members_that_the_page_lists() {
    check::<host::Host, wire::Host>("host");
    check::<join_token::JoinToken, wire::JoinToken>("join_token");
    check::<token::Token, wire::Token>("token");
    check::<token::Credential, wire::Credential>("credential");
    check::<token::Change, wire::StateChange>("history entry");
    check::<token_type::TokenType, wire::TokenType>("token_type");
    check::<card::Certificate, wire::Certificate>("certificate");
    check::<card::MasterKey, wire::CardMasterKey>("card_master_key");
    let registered = wire::TokenDetail {
        card: Some(wire::Card::default()),
        ..wire::TokenDetail::default()
    };
    let shown = card::Card::try_from(registered).unwrap();
    assert_eq!(members(&shown), documented("card"));
    assert!(card::Card::try_from(wire::TokenDetail::default()).is_err());
    check::<user::User, wire::User>("user");
    check::<connection::Connection, wire::Connection>("connection");
    check::<template::Template, wire::Template>("template");
    check::<operation::Operation, wire::Operation>("operation");
    check::<operation::Attempt, wire::Attempt>("attempt");
    check::<audit::Row, wire::AuditEntry>("entry (audit)");
    check::<api_key::ApiKey, wire::ApiKey>("api_key");
    assert_eq!(
        members(&issue::Done::default()),
        documented("row (of a file)")
    );
}

#[tokio::test]
async fn an_audit_is_verified_offline_and_a_witness_file_that_says_nothing_is_refused() {
    use std::{fs, path::PathBuf};

    use crate::{
        args,
        command::{self, Context},
        failure::{Exit, Result},
        output::{Format, Output},
        profile::Profile,
    };

    let folder = tempfile::tempdir().unwrap();
    let exported = include_str!("../audit_verifier/exported.jsonl");
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let whole = file("whole", exported);
    let checkpoint = exported.lines().last().unwrap();
    let verify = async |record: &PathBuf, witness: &PathBuf| -> (Result<()>, String) {
        let mut out = Vec::new();
        let context = Context {
            profile: Profile::default(),
            output: Output::new(Format::Json, &mut out),
        };
        let verify = audit::Command::Verify {
            file: record.clone(),
            witness: Some(witness.clone()),
            public_key: None,
        };
        let done = command::run(args::Command::Audit(verify), context).await;
        (done, String::from_utf8(out).unwrap())
    };
    let (done, out) = verify(&whole, &file("seen", checkpoint)).await;
    done.unwrap();
    assert!(
        out.contains("\"witnesses\":1") && out.contains("\"verified\":true"),
        "{out}"
    );

    let first = exported.lines().next().unwrap();
    for (record, witness, exit) in [
        (exported, "", Exit::Usage),
        (exported, "\n", Exit::Usage),
        (exported, first, Exit::Usage),
        // Cut off before what the witness saw.
        (first, checkpoint, Exit::Failed),
    ] {
        let (done, out) = verify(&file("record", record), &file("witness", witness)).await;
        assert_eq!(
            (done.unwrap_err().exit(), out.as_str()),
            (exit, ""),
            "{witness}"
        );
    }
}
