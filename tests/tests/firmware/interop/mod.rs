//! Who understands whom: a row for each client and key, a column for each area of CTAP.
//!
//! | module | rows |
//! |---|---|
//! | `ours` | our client, with other people's keys and ours, over CTAPHID packets |
//! | `nfc` | our client with our key, over NFC framing at a reader of vpcd's |
//! | `python` | python-fido2 with our key, over its socket |
//! | `guest` | libfido2's tools, ctap-hid-fido2 and authenticator-rs with our key, over hidraw of a kernel of its own |
//!
//! What a client or a key does not have is no failure: the table says what that is and which section
//! leaves it to them. What fails is a failure of this test, unless
//! it is on the list of known faults, which says whose each is and by which section; an entry that
//! does not fail any more is a failure, too.

mod guest;
mod nfc;
mod ours;
mod python;

use std::fmt::Write as _;
use std::thread;

/// What is tried, in the order of the columns, and the sections of CTAP 2.3 that say it.
const AREAS: [(&str, &str); 8] = [
    ("info", "§6.4"),
    ("pin", "§6.5"),
    ("credentials", "§6.1, §6.2"),
    ("management", "§6.8"),
    ("config", "§6.11"),
    ("blobs", "§6.10, §12.3, §12.4"),
    ("fingerprints", "§6.7"),
    ("reset", "§6.6"),
];

/// One pair.
struct Row {
    client: &'static str,
    key: &'static str,
    cells: Vec<(String, Cell)>,
}

/// How one area went.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Cell {
    Works,
    /// The client or the key has no such thing.
    Lacks(String),
    Fails(String),
}

/// A failure that is not ours to mend.
struct Fault {
    client: &'static str,
    key: &'static str,
    area: &'static str,
    /// Who does it wrong, what, and by which section.
    whose: &'static str,
}

const KNOWN_FAULTS: &[Fault] = &[];

impl Row {
    fn cell(&self, area: &str) -> Option<&Cell> {
        let cell = self.cells.iter().find(|(name, _)| name == area);
        cell.map(|(_, cell)| cell)
    }
}

/// Reads what a client printed of itself: `cell: AREA works|lacks WHAT|fails WHY`. Programs that
/// give no reason there gave it in the line before.
fn cells(printed: &str) -> Vec<(String, Cell)> {
    let mut cells = Vec::new();
    let mut before = "";
    for line in printed.lines().map(str::trim) {
        let Some((area, outcome)) = line
            .strip_prefix("cell: ")
            .and_then(|cell| cell.split_once(' '))
        else {
            before = line;
            continue;
        };
        let (kind, words) = outcome.split_once(' ').unwrap_or((outcome, before));
        let cell = match kind {
            "works" => Cell::Works,
            "lacks" => Cell::Lacks(words.to_owned()),
            _ => Cell::Fails(words.to_owned()),
        };
        cells.push((area.to_owned(), cell));
    }
    cells
}

fn table(rows: &[Row], faults: &[Fault]) -> String {
    let mut table = String::new();
    write!(table, "{:<16} {:<20}", "CLIENT", "KEY").unwrap();
    for (area, _) in AREAS {
        write!(table, " {:<12}", area.to_uppercase()).unwrap();
    }
    for row in rows {
        write!(table, "\n{:<16} {:<20}", row.client, row.key).unwrap();
        for (area, _) in AREAS {
            let word = match row.cell(area) {
                Some(Cell::Works) => "works",
                Some(Cell::Lacks(_)) => "-",
                Some(Cell::Fails(_)) if known(row, area, faults).is_some() => "theirs",
                Some(Cell::Fails(_)) => "FAILS",
                None => "not tried",
            };
            write!(table, " {word:<12}").unwrap();
        }
    }
    for row in rows {
        for (area, section) in AREAS {
            let words = match row.cell(area) {
                Some(Cell::Lacks(what)) => format!("- {what} ({section})"),
                Some(Cell::Fails(why)) => match known(row, area, faults) {
                    Some(fault) => format!("{why}: {}", fault.whose),
                    None => format!("{why} ({section})"),
                },
                Some(Cell::Works) | None => continue,
            };
            write!(table, "\n{} with {}, {area}: {words}", row.client, row.key).unwrap();
        }
    }
    table
}

fn known<'f>(row: &Row, area: &str, faults: &'f [Fault]) -> Option<&'f Fault> {
    faults
        .iter()
        .find(|fault| (fault.client, fault.key, fault.area) == (row.client, row.key, area))
}

/// What is wrong with a table.
fn complaints(rows: &[Row], faults: &[Fault]) -> Vec<String> {
    let mut complaints = Vec::new();
    for row in rows {
        for (area, _) in AREAS {
            let wrong = match (row.cell(area), known(row, area, faults)) {
                (None, _) => "not tried",
                (Some(Cell::Fails(_)), None) => "fails",
                (Some(Cell::Works | Cell::Lacks(_)), Some(_)) => "a known fault is gone",
                (Some(Cell::Fails(_)), Some(_)) | (Some(_), None) => continue,
            };
            complaints.push(format!("{} with {}, {area}: {wrong}", row.client, row.key));
        }
    }
    complaints
}

#[test]
fn everybody_understands_everybody() {
    let rows: Vec<Row> = thread::scope(|scope| {
        let parts = [
            scope.spawn(ours::rows),
            scope.spawn(nfc::rows),
            scope.spawn(python::rows),
            scope.spawn(guest::rows),
        ];
        let rows = parts.into_iter().flat_map(|part| part.join().unwrap());
        rows.collect()
    });
    let table = table(&rows, KNOWN_FAULTS);
    println!("\n{table}\n");
    let complaints = complaints(&rows, KNOWN_FAULTS);
    assert!(complaints.is_empty(), "{}\n{table}", complaints.join("\n"));
}

/// A row in which all works but what is given.
fn row_with(area: &str, cell: Cell) -> Row {
    let cells = AREAS.map(|(name, _)| match name == area {
        true => (name.to_owned(), cell.clone()),
        false => (name.to_owned(), Cell::Works),
    });
    Row {
        client: "theirs",
        key: "ours",
        cells: cells.into(),
    }
}

#[test]
fn a_failure_is_a_complaint_unless_it_is_known_whose_it_is() {
    let faults = [Fault {
        client: "theirs",
        key: "ours",
        area: "config",
        whose: "theirs, which sends no subcommand (§6.11)",
    }];
    let fails = row_with("config", Cell::Fails("MISSING_PARAMETER".into()));
    let works = row_with("config", Cell::Works);
    let mut untried = row_with("config", Cell::Works);
    untried.cells.retain(|(area, _)| area != "config");
    for (row, faults, complaint) in [
        (&fails, &faults[..], None),
        (&fails, &[], Some("theirs with ours, config: fails")),
        (&works, &[], None),
        (
            &works,
            &faults,
            Some("theirs with ours, config: a known fault is gone"),
        ),
        (&untried, &[], Some("theirs with ours, config: not tried")),
        (
            &untried,
            &faults,
            Some("theirs with ours, config: not tried"),
        ),
    ] {
        let rows = std::slice::from_ref(row);
        let complaint: Vec<&str> = complaint.into_iter().collect();
        assert_eq!(complaints(rows, faults), complaint);
    }
    let table = table(&[fails], &faults);
    let told = "config: MISSING_PARAMETER: theirs, which sends no subcommand (§6.11)";
    assert!(table.contains(told), "{table}");
    assert!(table.contains(" theirs "), "{table}");
}

#[test]
fn what_a_pair_lacks_is_told_with_its_section() {
    let table = table(&[row_with("blobs", Cell::Lacks("large blobs".into()))], &[]);
    let told = "theirs with ours, blobs: - large blobs (§6.10, §12.3, §12.4)";
    assert!(table.contains(told), "{table}");
}
