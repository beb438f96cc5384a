//! Connections, token types, templates, people and join tokens.

use std::fs;

use super::{Wrong, all_refused};
use crate::desk::{Desk, shown};

/// `name` stands in `arguments` with a value: another value for it.
fn with<'a>(arguments: &[&'a str], name: &str, value: &'a str) -> Vec<&'a str> {
    let mut arguments = arguments.to_vec();
    let at = arguments.iter().position(|one| *one == name).unwrap();
    arguments[at + 1] = value;
    arguments
}

#[test]
fn a_connection_with_a_wrong_field_is_not_added() {
    let desk = Desk::open().unwrap();
    let good = [
        "connection",
        "add",
        "sta",
        "other",
        "--rest-url",
        "https://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/",
        "--tenant-code",
        "Q41RKXHPWU",
        "--rp-id",
        "idp.eu.safenetid.com",
        "--origin",
        "https://idp.eu.safenetid.com",
        "--rp-name",
        "STA",
        "--mapping-attribute",
        "mail",
    ];
    let cases: Vec<Wrong<'_>> = [
        (
            "--rest-url",
            "http://api.eu.safenetid.com/api/v1/tenants/Q41RKXHPWU/",
            "rest_url",
            "https://",
        ),
        (
            "--rest-url",
            "https://api.eu.safenetid.com/api/v1/tenants/AAAAAAAAAA/",
            "rest_url",
            "Q41RKXHPWU",
        ),
        (
            "--tenant-code",
            "q41rkxhpwu",
            "tenant_code",
            "10 characters",
        ),
        (
            "--rp-id",
            "https://idp.eu.safenetid.com",
            "rp_id",
            "no scheme",
        ),
        ("--rp-name", " ", "rp_name", "1 to"),
        (
            "--origin",
            "https://evil.example",
            "origin",
            "idp.eu.safenetid.com",
        ),
    ]
    .into_iter()
    .map(|(argument, value, field, allowed)| (with(&good, argument, value), value, field, allowed))
    .map(|(arguments, found, field, instead)| {
        (arguments, found, format!("connection.sta.{field}"), instead)
    })
    .map(|(arguments, found, field, instead)| Wrong {
        arguments,
        input: "some-api-key\n",
        field: field.leak(),
        found,
        instead,
        ..Wrong::NOTHING
    })
    .collect();
    all_refused(&desk, &cases);
    all_refused(
        &desk,
        &[
            Wrong {
                arguments: with(&good, "--mapping-attribute", "uid"),
                reason: "ARGUMENT_INVALID",
                field: "--mapping-attribute",
                found: "uid",
                instead: "sAMAccountName",
                ..Wrong::NOTHING
            },
            Wrong {
                arguments: good.to_vec(),
                reason: "ARGUMENT_INVALID",
                field: "API key of STA",
                found: "nothing",
                instead: "one line",
                ..Wrong::NOTHING
            },
            Wrong {
                arguments: with(&good, "sta", "sta"),
                input: "some-api-key\n",
                exit: 4,
                reason: "ALREADY_EXISTS",
                field: "connection.name",
                found: "taken",
                instead: "of its own",
            },
        ],
    );
}

#[test]
fn a_token_type_or_template_with_a_wrong_field_is_not_created() {
    let mut desk = Desk::open().unwrap();
    let held = desk
        .hold(
            keysteward_tests::site::key::Make::Keysteward,
            crate::desk::ESCROW,
        )
        .unwrap();
    let garbage = desk.site.folder().join("garbage.pem");
    fs::write(&garbage, "no certificate").unwrap();
    let garbage = shown(&garbage).unwrap();
    let of_type = |more: &[&'static str]| [&["token-type", "create", "model"], more].concat();
    let mut cases = vec![Wrong {
        arguments: vec![
            "token-type",
            "create",
            "model",
            "--attestation-root",
            &garbage,
        ],
        field: "token_type.attestation_roots",
        found: "no PEM certificate",
        instead: "BEGIN CERTIFICATE",
        ..Wrong::NOTHING
    }];
    for (more, field, found, instead) in [
        (
            &[][..],
            "token_type.attestation_roots",
            "empty",
            "one PEM certificate",
        ),
        (
            &["--unrooted", "self", "--aaguid", "12"],
            "token_type.aaguids",
            "12",
            "hexadecimal",
        ),
    ] {
        cases.push(Wrong {
            arguments: of_type(more),
            field,
            found,
            instead,
            ..Wrong::NOTHING
        });
    }
    let template = [
        "template",
        "create",
        "staff",
        "--connection",
        "sta",
        "--token-type",
    ];
    let of_template = |more: &[&'static str]| [&template[..], &["type-1"], more].concat();
    for (more, field, found, instead) in [
        (
            &["--pin-length", "3"][..],
            "template.pin.length",
            "3",
            "4 to 63",
        ),
        (
            &["--pin-length", "64"],
            "template.pin.length",
            "64",
            "4 to 63",
        ),
        (
            &["--pin-minimum-length", "7"],
            "template.pin.minimum_length",
            "7",
            "pin.length (6)",
        ),
        (
            &["--pin-force-change", "--pin-custody", "escrow"],
            "template.pin.force_change",
            "true",
            "false with custody escrow",
        ),
        (
            &["--display-name", "{user}"],
            "template.display_name",
            "user",
            "{user_name}",
        ),
        (
            &["--algorithm", "-257"],
            "template.algorithms",
            "-257",
            "-7 (ES256)",
        ),
    ] {
        cases.push(Wrong {
            arguments: of_template(more),
            field,
            found,
            instead,
            ..Wrong::NOTHING
        });
    }
    for (arguments, reason, field) in [
        (
            [&template[..], &["nobody"]].concat(),
            "TOKEN_TYPE_NOT_FOUND",
            "token_type",
        ),
        (
            with(&of_template(&[]), "--connection", "nobody"),
            "CONNECTION_NOT_FOUND",
            "connection",
        ),
    ] {
        cases.push(Wrong {
            arguments,
            exit: 3,
            reason,
            field,
            found: "nobody",
            instead: "an id, or a name",
            ..Wrong::NOTHING
        });
    }
    cases.push(Wrong {
        arguments: with(&of_template(&[]), "create", &held.template),
        exit: 4,
        reason: "ALREADY_EXISTS",
        field: "template.name",
        found: "taken",
        instead: "of its own",
        ..Wrong::NOTHING
    });
    all_refused(&desk, &cases);
}

#[test]
fn one_wrong_row_of_people_is_named_with_its_line_and_none_is_stored() {
    let desk = Desk::open().unwrap();
    let file = desk.site.folder().join("people.csv");
    let path = shown(&file).unwrap();
    let heading = "user_name,mail,given_name,sn";
    let good = "alice,alice@example.com,Alice,Doe";
    for (rows, line, column, found, allowed) in [
        (
            vec![heading, good, "bob,bob,Bob,Doe"],
            3,
            "mail",
            "bob",
            "alice@example.com",
        ),
        (
            vec![heading, "bob,bob@example.com,,Doe", good],
            2,
            "given_name",
            "\"\"",
            "1 to",
        ),
        (
            vec![heading, good, good],
            3,
            "user_name",
            "alice",
            "each user name once",
        ),
        (
            vec![heading, good, "", "bob,bob@,Bob,Doe"],
            4,
            "mail",
            "bob@",
            "alice@example.com",
        ),
        (
            vec![heading, good, "bob,bob@example.com"],
            3,
            "",
            "2 values",
            "columns",
        ),
        (
            vec!["user_name,mail,sn", "a,a@b,A"],
            2,
            "",
            "given_name",
            "columns",
        ),
    ] {
        fs::write(&file, rows.join("\n")).unwrap();
        let mut field = format!("{path}, line {line}");
        if !column.is_empty() {
            field = format!("{field}, {column}");
        }
        all_refused(
            &desk,
            &[Wrong {
                arguments: vec!["user", "import", &path],
                reason: "ARGUMENT_INVALID",
                field: &field,
                found,
                instead: allowed,
                ..Wrong::NOTHING
            }],
        );
    }
}

#[test]
fn a_join_token_that_cannot_be_is_not_made() {
    let desk = Desk::open().unwrap();
    let create = ["join-token", "create"];
    let cases: Vec<Wrong<'_>> = [
        (["--uses", "0"], "--uses", "0", "1"),
        (["--valid-for", "soon"], "--valid-for", "soon", "90s or 24h"),
        (["--valid-for", "0s"], "--valid-for", "0s", "90s or 24h"),
    ]
    .into_iter()
    .map(|(more, field, found, instead)| Wrong {
        arguments: [create, more].concat(),
        reason: "ARGUMENT_INVALID",
        field,
        found,
        instead,
        ..Wrong::NOTHING
    })
    .collect();
    all_refused(&desk, &cases);
}
