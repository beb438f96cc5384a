//! `keysteward issue`: one key to one user, or a file of them.
//!
//! Each row of a file has an operation id made from what it says, so the same file again goes
//! on where it stopped and never issues twice.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, stream};
use keysteward_proto::server::v1::{self as wire, start_operation_request::Kind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    Context,
    life::Work,
    user::{csv_refusal, line_of},
};
use crate::{
    connect::Server,
    failure::{self, Exit, Failure, Result},
    output::{Format, View},
    watch::{self, Screen, Wait},
};

/// Rows that are asked for at the same time.
const AT_ONCE: usize = 16;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file has the columns token, user and, where --template does not give it, template. The
same file again goes on where it stopped; --batch NAME begins anew.

Examples:
  keysteward issue --token 5a1c --user alice@example.com --template staff
  keysteward issue --from monday.csv --template staff --results monday-done.csv")]
pub(crate) struct Args {
    /// Id, an unambiguous beginning of one, or serial
    #[arg(long, required_unless_present = "from", conflicts_with = "from")]
    token: Option<String>,
    /// Id, user name or mail
    #[arg(long, required_unless_present = "from", conflicts_with = "from")]
    user: Option<String>,
    /// Id, or name; with --from, for rows that name none
    #[arg(long, required_unless_present = "from")]
    template: Option<String>,
    /// CSV file with a key to issue in each row
    #[arg(long, value_name = "FILE", conflicts_with = "operation_id")]
    from: Option<PathBuf>,
    /// Name of the work on this file [default: the file's name]
    #[arg(long, requires = "from")]
    batch: Option<String>,
    /// Write a result per row there: .csv or .json
    #[arg(long, value_name = "FILE", requires = "from", value_parser = results_file)]
    results: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
}

pub(crate) async fn run(args: Args, mut context: Context<'_>) -> Result<()> {
    let Some(file) = &args.from else {
        let kind = Kind::Issue(wire::Issue {
            token: args.token.unwrap_or_default(),
            user: args.user.unwrap_or_default(),
            template: args.template.unwrap_or_default(),
        });
        return args.work.run(kind, context).await;
    };
    let text = fs::read(file).map_err(Failure::file(file))?;
    let batch = match args.batch {
        Some(batch) => batch,
        None => file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    let rows = parse(&text, &file.display().to_string(), args.template.as_deref())?;
    let server = context.server().await?;
    let done = issue_all(&server, &batch, rows, &args.work).await;
    if let Some(results) = &args.results {
        write_results(results, &batch, &done)?;
    }
    match context.output.format() {
        Format::Json => context
            .output
            .json(&json!({ "batch": batch, "rows": done }))?,
        Format::Table => context.output.list("rows", &done, None)?,
    }
    verdict(&done, &args.work.wait)
}

/// A row of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    token: String,
    user: String,
    #[serde(default)]
    template: String,
    #[serde(skip)]
    line: u64,
}

/// What became of a row.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Done {
    line: u64,
    token: String,
    user: String,
    template: String,
    operation_id: String,
    /// Of the operation; "refused" when the server took none.
    state: String,
    remark: String,
    next_action: String,
    /// Exit code that this row alone would have had.
    exit: u8,
}

impl View for Done {
    const COLUMNS: &'static [&'static str] = &[
        "line",
        "token",
        "user",
        "template",
        "state",
        "remark",
        "next_action",
    ];
}

/// Every row is checked before the first is issued.
fn parse(text: &[u8], name: &str, template: Option<&str>) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text);
    let headers = reader
        .headers()
        .map_err(|error| csv_refusal(name, text, &error))?
        .clone();
    for record in reader.records() {
        let record = record.map_err(|error| csv_refusal(name, text, &error))?;
        let mut row: Row = record
            .deserialize(Some(&headers))
            .map_err(|error| csv_refusal(name, text, &error))?;
        row.line = record.position().map_or(0, |at| line_of(text, at));
        if row.template.is_empty() {
            row.template = template.unwrap_or_default().to_owned();
        }
        let wrong = |column: &str, found: String, allowed: &str| {
            Err(Failure::wrong(
                format!("{name}, line {}, {column}", row.line),
                found,
                allowed,
            ))
        };
        for (column, value) in [("token", &row.token), ("user", &row.user)] {
            if value.is_empty() {
                return wrong(column, "nothing".into(), "an id or a name");
            }
        }
        if row.template.is_empty() {
            return wrong(
                "template",
                "nothing".into(),
                "a name, here or in --template",
            );
        }
        if let Some(other) = rows.iter().find(|other| other.token == row.token) {
            let found = format!("{}, as in line {}", row.token, other.line);
            return wrong("token", found, "each key once");
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(Failure::wrong(
            name,
            "no row",
            "a line of column names, then a line per key",
        ));
    }
    Ok(rows)
}

/// The same row of the same batch always has the same id.
fn operation_id(batch: &str, row: &Row) -> Uuid {
    let mut hash = Sha256::new();
    hash.update("keysteward issue row v1");
    for field in [batch, &row.token, &row.user, &row.template] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(hash.split_at(16).0);
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

async fn issue_all(server: &Server, batch: &str, rows: Vec<Row>, work: &Work) -> Vec<Done> {
    let screen = &std::cell::RefCell::new(Screen::new());
    let total = rows.len() as u64;
    screen.borrow().steps(0, total, "asking for the work");
    let started: Vec<(Row, Result<wire::Operation>)> = stream::iter(rows)
        .map(|row| async move {
            let request = wire::StartOperationRequest {
                operation_id: operation_id(batch, &row).to_string(),
                batch: batch.to_owned(),
                ..work.request(Kind::Issue(wire::Issue {
                    token: row.token.clone(),
                    user: row.user.clone(),
                    template: row.template.clone(),
                }))
            };
            let operation = watch::start(server, request).await;
            (row, operation)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    // All are followed at once: one that waits for an absent key holds up no other.
    let count = &std::cell::Cell::new(0);
    let ends = started.into_iter().map(|(row, operation)| async move {
        let end = match operation {
            Ok(operation) => {
                let mut own = screen.borrow().part(&row.token);
                watch::follow(server, operation, &work.wait, &mut own).await
            }
            Err(failure) => Err(failure),
        };
        count.set(count.get() + 1);
        screen
            .borrow()
            .steps(count.get(), total, &format!("line {}", row.line));
        done(batch, row, end)
    });
    futures::future::join_all(ends).await
}

fn done(batch: &str, row: Row, end: Result<wire::Operation>) -> Done {
    let operation_id = operation_id(batch, &row).to_string();
    let (state, remark, next_action, exit) = match end {
        Ok(operation) => {
            let exit = match operation.state.as_str() {
                "succeeded" => 0,
                state => failure::exit_of_state(state) as u8,
            };
            (
                operation.state,
                operation.remark,
                operation.next_action,
                exit,
            )
        }
        Err(failure) => {
            let report = failure.report();
            let state = match failure.exit() {
                Exit::Unreachable => "unreachable",
                _ => "refused",
            };
            (
                state.into(),
                report.sentence(),
                report.next_action(),
                failure.exit() as u8,
            )
        }
    };
    Done {
        line: row.line,
        token: row.token,
        user: row.user,
        template: row.template,
        operation_id,
        state,
        remark,
        next_action,
        exit,
    }
}

/// The gravest of the rows: what cannot be reached, then what needs a person, then the rest.
fn verdict(done: &[Done], wait: &Wait) -> Result<()> {
    let bad: Vec<u8> = done
        .iter()
        .filter(|row| !(wait.is_off() && matches!(row.state.as_str(), "running" | "waiting")))
        .map(|row| row.exit)
        .filter(|exit| *exit != 0)
        .collect();
    let exit = match bad.iter().max() {
        None => return Ok(()),
        Some(6) => Exit::Unreachable,
        Some(5) => Exit::NeedsAttention,
        Some(_) => Exit::Failed,
    };
    Err(Failure::Rows {
        failed: bad.len(),
        rows: done.len(),
        exit,
    })
}

fn results_file(text: &str) -> std::result::Result<PathBuf, String> {
    match Path::new(text).extension().and_then(|e| e.to_str()) {
        Some("csv" | "json") => Ok(text.into()),
        _ => Err("allowed: a name that ends in .csv or .json".into()),
    }
}

fn write_results(path: &Path, batch: &str, done: &[Done]) -> Result<()> {
    let file = File::create(path).map_err(Failure::file(path))?;
    let written = if path.extension().is_some_and(|e| e == "csv") {
        let mut writer = csv::Writer::from_writer(file);
        done.iter()
            .try_for_each(|row| writer.serialize(row))
            .map_err(std::io::Error::other)
            .and_then(|()| writer.flush())
    } else {
        serde_json::to_writer(file, &json!({ "batch": batch, "rows": done }))
            .map_err(std::io::Error::other)
    };
    written.map_err(Failure::file(path))
}

#[cfg(test)]
mod tests;
