//! Standard output: a table for people, or JSON for programs. Nothing else writes there.

use std::io::Write;

use comfy_table::{Cell, Table, presets};
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Failure, Result};

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
}

/// Something that is shown: its JSON is its `Serialize`, and a table picks fields of that.
pub(crate) trait View: Serialize {
    /// JSON fields that are columns of a list.
    const COLUMNS: &'static [&'static str];
    /// JSON fields that are lines when one is shown.
    const FIELDS: &'static [&'static str] = Self::COLUMNS;
}

pub(crate) struct Output<'a> {
    format: Format,
    out: &'a mut (dyn Write + Send),
}

impl<'a> Output<'a> {
    pub(crate) fn new(format: Format, out: &'a mut (dyn Write + Send)) -> Self {
        Self { format, out }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// `{"NAME": [..], "next_page": ".." or null}`, or a table.
    pub(crate) fn list<V: View>(
        &mut self,
        name: &str,
        rows: &[V],
        next_page: Option<&str>,
    ) -> Result<()> {
        match self.format {
            Format::Json => self.json(&json!({ name: rows, "next_page": next_page })),
            Format::Table => {
                self.table(rows)?;
                if let Some(page) = next_page {
                    eprintln!("there is more: --page {page}, or --all");
                }
                Ok(())
            }
        }
    }

    /// The object, or a line per field.
    pub(crate) fn show<V: View>(&mut self, view: &V) -> Result<()> {
        match self.format {
            Format::Json => self.json(view),
            Format::Table => {
                let value = to_value(view)?;
                let width = V::FIELDS.iter().map(|f| f.len()).max().unwrap_or(0);
                for field in V::FIELDS {
                    let name = field.replace('_', " ");
                    writeln!(self.out, "{name:<width$}  {}", cell(&value, field))?;
                }
                Ok(())
            }
        }
    }

    /// Rows that belong to what was shown before. In JSON they are inside it already.
    pub(crate) fn section<V: View>(&mut self, title: &str, rows: &[V]) -> Result<()> {
        if self.format == Format::Json || rows.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\n{title}:")?;
        self.table(rows)
    }

    /// A line for people.
    pub(crate) fn say(&mut self, sentence: &str) -> Result<()> {
        if self.format == Format::Table {
            writeln!(self.out, "{sentence}")?;
        }
        Ok(())
    }

    /// A document for programs, whatever people see.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|_| Failure::Answer("it cannot be written as JSON"))?;
        writeln!(self.out, "{text}")?;
        self.out.flush()?;
        Ok(())
    }

    /// Bytes as they are: completion scripts, exports to standard output.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()?;
        Ok(())
    }

    fn table<V: View>(&mut self, rows: &[V]) -> Result<()> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(
            V::COLUMNS
                .iter()
                .map(|c| c.replace('_', " ").to_uppercase())
                .collect::<Vec<_>>(),
        );
        for row in rows {
            let value = to_value(row)?;
            table.add_row(V::COLUMNS.iter().map(|c| Cell::new(cell(&value, c))));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn to_value(view: &impl Serialize) -> Result<Value> {
    serde_json::to_value(view).map_err(|_| Failure::Answer("it cannot be shown"))
}

/// A JSON field as text: `-` where there is nothing.
fn cell(value: &Value, field: &str) -> String {
    text(value.get(field).unwrap_or(&Value::Null))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(s) if s.is_empty() => "-".into(),
        // What a token or an outside system named itself must not steer the terminal.
        Value::String(s) => s
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect(),
        Value::Number(n) => n.to_string(),
        Value::Array(items) if items.is_empty() => "-".into(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| format!("{k}={}", text(v)))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Microseconds of the wire as RFC 3339 in UTC; 0 is no time.
pub(crate) fn time(micros: i64) -> Option<String> {
    (micros != 0)
        .then(|| jiff::Timestamp::from_microsecond(micros).ok())
        .flatten()
        .map(|t| t.to_string())
}

/// An empty string of the wire is an absent value.
pub(crate) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
