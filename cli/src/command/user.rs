//! `keysteward user`: people whom keys are issued to.

use std::{fs, path::PathBuf};

use clap::Subcommand;
use keysteward_proto::{
    error::v1::ErrorDetail,
    server::v1::{self as wire, GetUserRequest, ImportUsersRequest, ListUsersRequest},
};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tonic::Status;

use super::{Context, page::Page};
use crate::{
    failure::{Failure, Result},
    output::{Format, View, some},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create and update users from a CSV file: all rows, or none
    #[command(after_help = "\
Columns: user_name, mail, given_name, sn and, where wanted, sam_account_name,
user_principal_name, display_name. The first line names them, in any order.

Example:
  keysteward user import people.csv --dry-run")]
    Import {
        file: PathBuf,
        /// Check only
        #[arg(long)]
        dry_run: bool,
    },
    /// Users
    #[command(after_help = "Example:\n  keysteward user list --contains smith")]
    List {
        /// Part of user name, mail or display name
        #[arg(long, value_name = "TEXT")]
        contains: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// One user
    #[command(after_help = "Example:\n  keysteward user show alice@example.com")]
    Show {
        /// Id, user name or mail
        user: String,
    },
}

pub(crate) async fn run(command: Command, mut context: Context<'_>) -> Result<()> {
    match command {
        Command::Import { file, dry_run } => {
            let text = fs::read(&file).map_err(Failure::file(&file))?;
            let name = file.display().to_string();
            let (users, lines) = parse(&text, &name)?;
            let mut client = context.server().await?.users();
            let done = client
                .import(ImportUsersRequest { users, dry_run })
                .await
                .map_err(|status| in_file(status, &name, &lines))?
                .into_inner();
            if context.output.format() == Format::Json {
                return context.output.json(&json!({
                    "created": done.created,
                    "updated": done.updated,
                    "unchanged": done.unchanged,
                    "dry_run": dry_run,
                }));
            }
            let would = if dry_run { "would be " } else { "" };
            context.output.say(&format!(
                "{would}created {}, {would}updated {}, unchanged {}",
                done.created, done.updated, done.unchanged
            ))
        }
        Command::List { contains, page } => {
            let server = context.server().await?;
            let (rows, next) = page
                .collect(|page_size, page_token| {
                    let request = ListUsersRequest {
                        page_size,
                        page_token,
                        contains: contains.clone().unwrap_or_default(),
                    };
                    let mut users = server.users();
                    async move { users.list(request).await }
                })
                .await?;
            let rows: Vec<User> = rows.into_iter().map(User::from).collect();
            context.output.list("users", &rows, next.as_deref())
        }
        Command::Show { user } => {
            let mut users = context.server().await?.users();
            let user = users.get(GetUserRequest { user }).await?.into_inner();
            context.output.show(&User::from(user))
        }
    }
}

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    user_name: String,
    mail: String,
    given_name: String,
    sn: String,
    #[serde(default)]
    sam_account_name: String,
    #[serde(default)]
    user_principal_name: String,
    #[serde(default)]
    display_name: String,
}

/// The users, and the line that each stands in.
fn parse(text: &[u8], name: &str) -> Result<(Vec<wire::User>, Vec<u64>)> {
    let mut users = Vec::new();
    let mut lines = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text);
    let headers = reader
        .headers()
        .map_err(|error| csv_refusal(name, text, &error))?
        .clone();
    for record in reader.records() {
        let record = record.map_err(|error| csv_refusal(name, text, &error))?;
        let line: Line = record
            .deserialize(Some(&headers))
            .map_err(|error| csv_refusal(name, text, &error))?;
        lines.push(record.position().map_or(0, |at| line_of(text, at)));
        users.push(wire::User {
            id: String::new(),
            user_name: line.user_name,
            mail: line.mail,
            given_name: line.given_name,
            sn: line.sn,
            sam_account_name: line.sam_account_name,
            user_principal_name: line.user_principal_name,
            display_name: line.display_name,
            source: String::new(),
        });
    }
    if users.is_empty() {
        return Err(Failure::wrong(
            name,
            "no row",
            "a line of column names, then a line per user",
        ));
    }
    Ok((users, lines))
}

/// The server counts rows; who wrote the file counts lines.
fn in_file(status: Status, name: &str, lines: &[u64]) -> Failure {
    let Ok(detail) = ErrorDetail::decode(status.details()) else {
        return status.into();
    };
    let row = detail.field.strip_prefix("users[");
    let Some((row, column)) = row.and_then(|rest| rest.split_once("].")) else {
        return status.into();
    };
    let line = row.parse().ok().and_then(|row: usize| lines.get(row));
    let Some(line) = line else {
        return status.into();
    };
    Failure::wrong(
        format!("{name}, line {line}, {column}"),
        detail.found,
        detail.allowed,
    )
}

/// The line of a record: the reader's position comes before the empty lines that it skips.
pub(super) fn line_of(text: &[u8], position: &csv::Position) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let empty = text
        .iter()
        .skip(start)
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|byte| **byte == b'\n')
        .count();
    position.line().saturating_add(empty as u64)
}

/// Names the file and the line of what a CSV reader refused.
pub(super) fn csv_refusal(name: &str, text: &[u8], error: &csv::Error) -> Failure {
    let line = error.position().map_or(0, |at| line_of(text, at));
    let found = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.kind().to_string(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} values under {expected_len} column names")
        }
        csv::ErrorKind::Utf8 { .. } => "bytes that are not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Failure::wrong(
        format!("{name}, line {line}"),
        found,
        "the columns that --help lists",
    )
}

#[derive(Debug, Serialize)]
pub(super) struct User {
    id: String,
    user_name: String,
    mail: String,
    given_name: String,
    sn: String,
    sam_account_name: Option<String>,
    user_principal_name: Option<String>,
    display_name: String,
    source: String,
}

impl View for User {
    const COLUMNS: &'static [&'static str] = &["id", "user_name", "mail", "display_name", "source"];
    const FIELDS: &'static [&'static str] = &[
        "id",
        "user_name",
        "mail",
        "given_name",
        "sn",
        "sam_account_name",
        "user_principal_name",
        "display_name",
        "source",
    ];
}

impl From<wire::User> for User {
    fn from(user: wire::User) -> Self {
        Self {
            id: user.id,
            user_name: user.user_name,
            mail: user.mail,
            given_name: user.given_name,
            sn: user.sn,
            sam_account_name: some(user.sam_account_name),
            user_principal_name: some(user.user_principal_name),
            display_name: user.display_name,
            source: user.source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_may_come_in_any_order_and_optional_ones_may_be_left_out() {
        let text = b"mail,user_name,sn,given_name\n\na@x, alice ,A,Al\n";
        let (users, lines) = parse(text, "f").unwrap();
        assert_eq!(lines, [3]);
        assert_eq!(users[0].user_name, "alice");
        assert_eq!(users[0].display_name, "");
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line() {
        for (text, line, found) in [
            (
                "user_name,mail,given_name\na,b,c\n",
                2,
                "missing field `sn`",
            ),
            (
                "user_name,mail,given_name,sn,pin\na,b,c,d,e\n",
                2,
                "unknown field `pin`",
            ),
            (
                "user_name,mail,given_name,sn\na,b,c,d\ne,f\n",
                3,
                "2 values under 4",
            ),
            ("user_name,mail,given_name,sn\n", 0, "no row"),
        ] {
            let shown = parse(text.as_bytes(), "people.csv")
                .unwrap_err()
                .report()
                .render(Format::Table, false);
            assert!(shown.contains(found), "{shown}");
            assert!(
                line == 0 || shown.contains(&format!("people.csv, line {line}")),
                "{shown}"
            );
        }
    }
}
