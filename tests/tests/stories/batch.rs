//! A file of keys: each row is issued once, whatever becomes of the others and however often the
//! file is given.

use std::{fs, path::Path};

use anyhow::Result;
use keysteward_tests::site::{key::Make, list};
use serde_json::Value;

use crate::desk::{Desk, ESCROW, Held, shown, text};

/// The file's name is the batch's: the same file, the same batch.
fn issue_from(desk: &Desk, file: &Path, results: &Path) -> Result<(i32, Vec<Value>)> {
    let (file, results) = (shown(file)?, shown(results)?);
    let arguments = ["issue", "--from", &file, "--results", &results];
    let said = desk.site.cli.run(&arguments, "")?;
    Ok((said.code, list(said.output, "rows")?))
}

fn operations(desk: &Desk, batch: &str) -> Vec<String> {
    let listed = desk
        .site
        .cli
        .json(&["operation", "list", "--batch", batch])
        .unwrap();
    let mut ids: Vec<String> = list(listed, "operations")
        .unwrap()
        .iter()
        .map(|operation| text(operation, "id").unwrap())
        .collect();
    ids.sort();
    ids
}

fn on_key(held: &Held) -> usize {
    held.key.state().unwrap()["credentials"]
        .as_array()
        .unwrap()
        .len()
}

fn row(held: &Held) -> String {
    format!("{},{},{}\n", held.token, held.user, held.template)
}

#[test]
fn a_wrong_row_stops_no_other_and_the_same_file_issues_nothing_twice() {
    let mut desk = Desk::open().unwrap();
    let first = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let wrong = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let last = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let file = desk.site.folder().join("monday.csv");
    let results = desk.site.folder().join("monday-done.json");
    let nobody = format!("{},nobody@example.com,{}\n", wrong.token, wrong.template);
    let text_of_file = ["token,user,template\n", &row(&first), &nobody, &row(&last)].concat();
    fs::write(&file, text_of_file).unwrap();

    let (code, rows) = issue_from(&desk, &file, &results).unwrap();
    assert_eq!(code, 1, "{rows:?}");
    let states: Vec<_> = rows.iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["succeeded", "refused", "succeeded"], "{rows:?}");
    assert_eq!(rows[1]["line"], 3, "{rows:?}");
    assert_eq!(rows[1]["exit"], 3, "{rows:?}");
    let remark = text(&rows[1], "remark").unwrap();
    assert!(remark.contains("nobody@example.com"), "{remark}");
    let written: Value = serde_json::from_slice(&fs::read(&results).unwrap()).unwrap();
    assert_eq!(written["batch"], "monday.csv");
    assert_eq!(list(written, "rows").unwrap(), rows);
    let begun = operations(&desk, "monday.csv");
    assert_eq!(begun.len(), 2, "the refused row left an operation");
    assert_eq!([&first, &wrong, &last].map(on_key), [1, 0, 1]);

    let (code, again) = issue_from(&desk, &file, &results).unwrap();
    assert_eq!(code, 1, "{again:?}");
    assert_eq!(again, rows, "the same file tells another story");
    assert_eq!(operations(&desk, "monday.csv"), begun);
    assert_eq!([&first, &wrong, &last].map(on_key), [1, 0, 1]);
    for held in [&first, &last] {
        let at_provider = desk.site.stand_in.authenticators(&held.user).unwrap();
        assert_eq!(at_provider.len(), 1, "{at_provider:?}");
    }

    // With the row put right only that row is new.
    let people = [
        "token,user,template\n",
        &row(&first),
        &row(&wrong),
        &row(&last),
    ]
    .concat();
    fs::write(&file, people).unwrap();
    let (code, put_right) = issue_from(&desk, &file, &results).unwrap();
    assert_eq!(code, 0, "{put_right:?}");
    assert_eq!(put_right[1]["state"], "succeeded", "{put_right:?}");
    assert_eq!((&put_right[0], &put_right[2]), (&rows[0], &rows[2]));
    assert_eq!(operations(&desk, "monday.csv").len(), 3);
    assert_eq!([&first, &wrong, &last].map(on_key), [1, 1, 1]);
    desk.verify_audit().unwrap();
}

#[test]
fn a_file_with_a_row_that_cannot_be_meant_starts_nothing() {
    let mut desk = Desk::open().unwrap();
    let held = desk.hold(Make::Keysteward, ESCROW).unwrap();
    let file = desk.site.folder().join("twice.csv");
    let heading = "token,user,template\n";
    for (spoilt, field, found) in [
        (
            format!("{heading}{0}{0}", row(&held)),
            "line 3, token",
            "as in line 2",
        ),
        (
            format!("{heading}{},,x\n", held.token),
            "line 2, user",
            "nothing",
        ),
        (format!("{heading}{},x\n", held.token), "line 2", "2 values"),
        (
            "token,user,template,pin\na,b,c,d\n".to_owned(),
            "line 2",
            "pin",
        ),
        (heading.to_owned(), "twice.csv", "no row"),
    ] {
        fs::write(&file, &spoilt).unwrap();
        let said = desk
            .site
            .cli
            .run(&["issue", "--from", &shown(&file).unwrap()], "")
            .unwrap();
        assert_eq!(said.code, 2, "{spoilt}: {}", said.error);
        let error: Value = serde_json::from_str(&said.error).unwrap();
        let told = |name: &str| text(&error["error"], name).unwrap();
        assert!(told("field").contains(field), "{error}");
        assert!(told("found").contains(found), "{error}");
        assert!(!told("allowed").is_empty(), "{error}");
    }
    assert!(operations(&desk, "twice.csv").is_empty());
    assert_eq!(desk.token(&held.token).unwrap()["state"], "registered");
}
