//! The tree for a person: a line per field, its bytes in front.

use super::node::{Decoded, Node};

impl Decoded {
    /// Lines of `offset length  name  value`, indented by depth.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}, {} bytes", self.what, self.length)];
        let mut rows = Vec::new();
        flatten(&self.fields, 0, &mut rows);
        let name = rows.iter().map(|row| row.name.chars().count()).max();
        let width = name.unwrap_or_default().min(WIDEST_NAME);
        if !rows.is_empty() {
            lines.push(format!(
                "{:>6} {:>5}  {:<width$}  VALUE",
                "BYTE", "LEN", "FIELD"
            ));
        }
        for row in rows {
            let line = format!(
                "{:>6} {:>5}  {:<width$}  {}",
                row.node.offset,
                row.node.length,
                row.name,
                row.value()
            );
            lines.push(line.trim_end().to_owned());
        }
        for error in &self.errors {
            lines.push(match error.offset {
                Some(offset) => format!("wrong at byte {offset}: {}", error.message),
                None => format!("wrong: {}", error.message),
            });
        }
        for remark in &self.remarks {
            let place = remark.offset.unwrap_or_default();
            lines.push(format!("not canonical at byte {place}: {}", remark.message));
        }
        lines
    }

    /// Fields that nobody here knows.
    pub(crate) fn unknown(&self) -> usize {
        count_unknown(&self.fields)
    }
}

struct Row<'n> {
    node: &'n Node,
    name: String,
}

impl Row<'_> {
    fn value(&self) -> String {
        // What a message carries must not steer the terminal.
        let value: String = self
            .node
            .value
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        match self.node.unknown {
            true => format!("{value}  (unknown, kept)"),
            false => value,
        }
    }
}

fn flatten<'n>(nodes: &'n [Node], depth: usize, rows: &mut Vec<Row<'n>>) {
    for node in nodes {
        let indent = "  ".repeat(depth);
        let name = match &node.key {
            // A key that is the name says nothing twice.
            Some(key) if key.trim_matches('"') != node.name => {
                format!("{indent}{key} {}", node.name)
            }
            _ => format!("{indent}{}", node.name),
        };
        rows.push(Row { node, name });
        flatten(&node.fields, depth.saturating_add(1), rows);
    }
}

fn count_unknown(nodes: &[Node]) -> usize {
    nodes
        .iter()
        .map(|node| count_unknown(&node.fields).saturating_add(usize::from(node.unknown)))
        .sum()
}

/// Longer names push their value to the right instead of all the others.
const WIDEST_NAME: usize = 44;
