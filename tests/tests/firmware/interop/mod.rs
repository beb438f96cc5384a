//! Who understands whom: a row for each client and key, a column for each area of CTAP.
//!
//! | module | rows |
//! |---|---|
//! | `ours` | our client, with other people's keys and ours, over CTAPHID packets |
//! | `python` | python-fido2 with our key, over its socket |
//! | `guest` | libfido2's tools, ctap-hid-fido2 and authenticator-rs with our key, over hidraw of a kernel of its own |
//!
//! What a client or a key does not have is no failure. What fails is a failure of this test, unless
//! it is on the list of known faults, which says whose each is and by which section; an entry that
//! does not fail any more is a failure, too.

mod guest;
mod ours;
mod python;

use std::fmt::Write as _;
use std::thread;

/// What is tried, in the order of the columns.
const AREAS: [&str; 8] = [
    "info",
    "pin",
    "credentials",
    "management",
    "config",
    "blobs",
    "fingerprints",
    "reset",
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

fn table(rows: &[Row]) -> String {
    let mut table = String::new();
    write!(table, "{:<16} {:<20}", "CLIENT", "KEY").unwrap();
    for area in AREAS {
        write!(table, " {:<12}", area.to_uppercase()).unwrap();
    }
    for row in rows {
        write!(table, "\n{:<16} {:<20}", row.client, row.key).unwrap();
        for area in AREAS {
            let word = match row.cell(area) {
                Some(Cell::Works) => "works",
                Some(Cell::Lacks(_)) => "-",
                Some(Cell::Fails(_)) if known(row, area).is_some() => "theirs",
                Some(Cell::Fails(_)) => "FAILS",
                None => "not tried",
            };
            write!(table, " {word:<12}").unwrap();
        }
    }
    for row in rows {
        for (area, cell) in &row.cells {
            let words = match cell {
                Cell::Works => continue,
                Cell::Lacks(what) => format!("- {what}"),
                Cell::Fails(why) => match known(row, area) {
                    Some(fault) => format!("{why}: {}", fault.whose),
                    None => why.clone(),
                },
            };
            write!(table, "\n{} with {}, {area}: {words}", row.client, row.key).unwrap();
        }
    }
    table
}

fn known(row: &Row, area: &str) -> Option<&'static Fault> {
    KNOWN_FAULTS
        .iter()
        .find(|fault| (fault.client, fault.key, fault.area) == (row.client, row.key, area))
}

#[test]
fn everybody_understands_everybody() {
    let rows: Vec<Row> = thread::scope(|scope| {
        let parts = [
            scope.spawn(ours::rows),
            scope.spawn(python::rows),
            scope.spawn(guest::rows),
        ];
        let rows = parts.into_iter().flat_map(|part| part.join().unwrap());
        rows.collect()
    });
    let table = table(&rows);
    println!("\n{table}\n");
    for row in &rows {
        for area in AREAS {
            let failed = matches!(row.cell(area), Some(Cell::Fails(_)));
            let pair = format!("{} with {}, {area}", row.client, row.key);
            assert!(row.cell(area).is_some(), "{pair}: not tried\n{table}");
            match known(row, area) {
                None => assert!(!failed, "{pair}: fails\n{table}"),
                Some(_) => assert!(failed, "{pair}: a known fault is gone\n{table}"),
            }
        }
    }
}
