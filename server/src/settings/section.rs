//! One table of the settings file: typed access that collects what is wrong.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::Problem;

/// A table whose members are taken out one by one; what is left at the end was misspelt.
pub(super) struct Section {
    /// "" for the file itself, else "api".
    name: String,
    table: Table,
    /// Every key that was asked for, so that the refusal of another can list them.
    known: Vec<String>,
    problems: Vec<Problem>,
}

impl Section {
    pub(super) fn root(table: Table) -> Self {
        Self {
            name: String::new(),
            table,
            known: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Reads the table `name` with `read`; an absent one is read as empty.
    pub(super) fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let table = match self.take(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                let _: Option<()> = self.refuse(name, &other, &format!("a table, [{name}]"));
                Table::new()
            }
        };
        let mut section = Self {
            name: self.full(name),
            ..Self::root(table)
        };
        let value = read(&mut section);
        self.problems.extend(section.finish());
        value
    }

    /// Whether the key is there, with whatever value.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A string that `parse` accepts.
    fn checked<T>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        match value.as_str().and_then(parse) {
            Some(parsed) => Some(parsed),
            None => self.refuse(key, &value, allowed),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let allowed = one_of(words.iter().map(|(word, _)| *word));
        self.checked(key, &allowed, |found| {
            words
                .iter()
                .find(|(word, _)| *word == found)
                .map(|(_, value)| *value)
        })
    }

    /// Any text but an empty one.
    pub(super) fn text(&mut self, key: &str, allowed: &str) -> Option<String> {
        self.checked(key, allowed, |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.checked(key, "an absolute path", |text| {
            let path = Path::new(text);
            path.is_absolute().then(|| path.to_owned())
        })
    }

    pub(super) fn address(&mut self, key: &str) -> Option<SocketAddr> {
        self.checked(key, "ADDRESS:PORT, such as 127.0.0.1:8443", |text| {
            text.parse().ok()
        })
    }

    /// A list whose every entry `parse` accepts; the first wrong entry is named.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.take(key)?;
        let allowed = format!("a list of {allowed}, one or more");
        let Some(entries) = value.as_array().filter(|entries| !entries.is_empty()) else {
            return self.refuse(key, &value, &allowed);
        };
        let mut parsed = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.as_str().and_then(&parse) {
                Some(entry) => parsed.push(entry),
                None => return self.refuse(key, entry, &allowed),
            }
        }
        Some(parsed)
    }

    /// A key that another one calls for.
    pub(super) fn missing<T>(&mut self, key: &str, allowed: &str) -> Option<T> {
        self.problems.push(Problem {
            key: self.full(key),
            found: "nothing".to_owned(),
            allowed: allowed.to_owned(),
        });
        None
    }

    /// What was wrong, keys that nobody asked for included.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        let allowed = one_of(self.known.iter().map(String::as_str));
        for (key, value) in &self.table {
            self.problems.push(Problem {
                key: self.full(key),
                found: format!("a key that does not exist, with the value {value}"),
                allowed: allowed.clone(),
            });
        }
        self.problems
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.known.push(key.to_owned());
        self.table.remove(key)
    }

    fn refuse<T>(&mut self, key: &str, found: &Value, allowed: &str) -> Option<T> {
        self.problems.push(Problem {
            key: self.full(key),
            found: found.to_string(),
            allowed: allowed.to_owned(),
        });
        None
    }

    fn full(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
