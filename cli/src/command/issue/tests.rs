use std::collections::HashMap;

use super::*;
use crate::stand_in::StandIn;

const FILE: &[u8] = b"token,user\nk1,alice\nk2,bob\nk3,carol\n";

fn refusal(text: &[u8], template: Option<&str>) -> String {
    parse(text, "f.csv", template)
        .unwrap_err()
        .report()
        .render(Format::Table, false)
}

#[test]
fn every_row_is_checked_before_anything_is_issued() {
    for (text, template, at) in [
        (
            "token,user\nk1,alice\n,bob\n",
            Some("staff"),
            "f.csv, line 3, token",
        ),
        ("token,user\nk1,\n", Some("staff"), "f.csv, line 2, user"),
        (
            "token,user,template\nk1,alice,\n",
            None,
            "f.csv, line 2, template",
        ),
        (
            "token,user,template\nk1,a,t\nk2,b,t\nk1,c,t\n",
            None,
            "f.csv, line 4, token",
        ),
        ("token,user,pin\nk1,a,1234\n", None, "f.csv, line 2"),
        ("token\nk1\n", None, "f.csv, line 2"),
        ("token,user\n", None, "f.csv"),
    ] {
        let shown = refusal(text.as_bytes(), template);
        assert!(shown.contains(&format!("{at} is wrong")), "{text}: {shown}");
    }
}

#[test]
fn a_template_of_the_row_wins_over_that_of_the_command() {
    let rows = parse(b"token,user,template\nk1,a,x\nk2,b,\n", "f", Some("y")).unwrap();
    assert_eq!(
        (rows[0].template.as_str(), rows[1].template.as_str()),
        ("x", "y")
    );
    assert_eq!(rows[1].line, 3);
}

#[test]
fn an_operation_id_depends_on_what_the_row_says_and_on_nothing_else() {
    let rows = parse(FILE, "f", Some("staff")).unwrap();
    let id = operation_id("b", &rows[0]);
    assert_eq!(id.get_version_num(), 8);
    let moved = Row {
        line: 77,
        ..rows[0].clone()
    };
    assert_eq!(operation_id("b", &moved), id);
    let other_user = Row {
        user: "bob".into(),
        ..rows[0].clone()
    };
    // A character moved from one field to the next is another row.
    let shifted = Row {
        token: "k".into(),
        user: "1alice".into(),
        ..rows[0].clone()
    };
    for other in [
        operation_id("c", &rows[0]),
        operation_id("b", &other_user),
        operation_id("b", &shifted),
    ] {
        assert_ne!(other, id);
    }
}

#[tokio::test]
async fn a_second_run_of_a_file_asks_for_the_same_operations() {
    let stand_in = StandIn::default();
    let server = stand_in.serve().await;
    for _ in 0..2 {
        let rows = parse(FILE, "f", Some("staff")).unwrap();
        let done = issue_all(&server, "f.csv", rows, &Work::default()).await;
        assert!(done.iter().all(|row| row.state == "succeeded"), "{done:?}");
        verdict(&done, &Wait::default()).unwrap();
    }
    let asked = stand_in.asked.lock().unwrap();
    assert_eq!(asked.len(), 3);
    assert!(asked.values().all(|request| request.batch == "f.csv"));
}

#[tokio::test]
async fn each_row_has_a_result_of_its_own_and_the_gravest_decides() {
    let stand_in = StandIn {
        ends: HashMap::from([("k1".to_owned(), "refused"), ("k3".to_owned(), "unknown")]),
        ..StandIn::default()
    };
    let server = stand_in.serve().await;
    let rows = parse(FILE, "f", Some("staff")).unwrap();
    let done = issue_all(&server, "f", rows, &Work::default()).await;
    let states: Vec<&str> = done.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(states, ["refused", "succeeded", "unknown"]);
    assert_eq!(done[0].remark, "the token is issued already");
    let failure = verdict(&done, &Wait::default()).unwrap_err();
    assert_eq!(failure.exit(), Exit::NeedsAttention);
}

#[tokio::test]
async fn results_are_written_as_csv_and_as_json() {
    let server = StandIn::default().serve().await;
    let rows = parse(FILE, "f", Some("staff")).unwrap();
    let done = issue_all(&server, "f", rows, &Work::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let (csv, json) = (folder.path().join("r.csv"), folder.path().join("r.json"));
    write_results(&csv, "f", &done).unwrap();
    write_results(&json, "f", &done).unwrap();
    let csv = fs::read_to_string(csv).unwrap();
    assert!(
        csv.starts_with("line,token,user,template,operation_id,state,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 4);
    let json: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(json["rows"][2]["user"], "carol");
}

#[test]
fn results_of_another_format_are_refused() {
    assert!(results_file("done.xlsx").is_err());
    assert!(results_file("done.csv").is_ok());
}
