//! The tables, and the same for a script.

use std::fmt;

use serde::Serialize;

use crate::row::{Measured, Outcome};

#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) codec: Option<Vec<Measured>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pin: Option<Vec<Measured>>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rows) = &self.codec {
            table(f, "messages, ns (by ours)", rows, 1.0)?;
        }
        if let Some(rows) = &self.pin {
            table(f, "PIN, us (by ours)", rows, 1000.0)?;
        }
        Ok(())
    }
}

/// A line for each row, a column for each peer; notes on what fails or differs below.
fn table(f: &mut fmt::Formatter<'_>, title: &str, rows: &[Measured], unit: f64) -> fmt::Result {
    let mut names: Vec<&str> = Vec::new();
    for peer in rows.iter().flat_map(|row| &row.peers) {
        if !names.contains(&peer.peer) {
            names.push(peer.peer);
        }
    }
    let mut notes = Vec::new();
    let mut lines = vec![
        [title]
            .into_iter()
            .chain(names.iter().copied())
            .chain(["target"])
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    ];
    for row in rows {
        let mut line = vec![match row.bytes {
            Some(bytes) => format!("{}, {bytes} B", row.work),
            None => row.work.clone(),
        }];
        for name in &names {
            let peer = row.peers.iter().find(|peer| peer.peer == *name);
            line.push(peer.map_or_else(|| "-".to_owned(), |peer| cell(peer, unit, &mut notes)));
        }
        let first = if row.first { "first" } else { "not first" };
        line.push(match &row.target {
            Some(target) => format!(
                "{}: {:.2} of {}, {first}",
                if target.met { "met" } else { "MISSED" },
                target.reached,
                target.peer,
            ),
            None => first.to_owned(),
        });
        lines.push(line);
    }
    aligned(f, &lines)?;
    for (number, note) in notes.iter().enumerate() {
        writeln!(f, "  {}) {note}", number + 1)?;
    }
    writeln!(f)
}

fn cell(peer: &Outcome, unit: f64, notes: &mut Vec<String>) -> String {
    let mut mark = |note: String| {
        let place = notes.iter().position(|known| *known == note);
        let place = place.unwrap_or_else(|| {
            notes.push(note);
            notes.len() - 1
        });
        place + 1
    };
    if let Some(why) = &peer.fails {
        return format!("FAILS {})", mark(format!("{} {why}", peer.peer)));
    }
    let (Some(nanoseconds), Some(ratio)) = (peer.nanoseconds, peer.ratio) else {
        return "-".to_owned();
    };
    let time = nanoseconds / unit;
    let mut cell = if time < 10.0 {
        format!("{time:.1}")
    } else {
        format!("{time:.0}")
    };
    if peer.peer != OURS {
        cell += &format!(" ({ratio:.2})");
    }
    if let Some(difference) = peer.differs {
        cell += &format!(" {})", mark(format!("{} {difference}", peer.peer)));
    }
    cell
}

fn aligned(f: &mut fmt::Formatter<'_>, lines: &[Vec<String>]) -> fmt::Result {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for line in lines {
        for (column, cell) in line.iter().enumerate() {
            match column {
                0 => write!(f, "{cell:<0$}", width(column))?,
                last if last + 1 == line.len() => write!(f, "  {cell}")?,
                _ => write!(f, "  {cell:>0$}", width(column))?,
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

const OURS: &str = "ours";
