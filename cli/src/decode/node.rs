//! The tree that every kind of bytes becomes.

use serde::Serialize;

/// One field: where it stands, what it is called, what it says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Node {
    /// Byte of the input at which the field begins, its key included.
    pub(crate) offset: usize,
    /// Bytes that the field takes.
    pub(crate) length: usize,
    /// How the message names it: a map key, a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The specification's name.
    pub(crate) name: String,
    pub(crate) value: String,
    /// Well-formed, and without a meaning that is known here; carried through.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) unknown: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<Node>,
}

/// A place where the bytes are wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Fault {
    /// Byte of the input, where one can be named.
    pub(crate) offset: Option<usize>,
    pub(crate) message: String,
}

/// What a walk through bytes notices on its way.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) faults: Vec<Fault>,
    /// Well-formed and read, though no canonical encoder writes it so.
    pub(crate) remarks: Vec<Fault>,
}

impl Findings {
    pub(crate) fn append(&mut self, mut other: Self) {
        self.faults.append(&mut other.faults);
        self.remarks.append(&mut other.remarks);
    }
}

/// Bytes, explained.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Decoded {
    /// What was recognised: "getInfo response".
    pub(crate) what: String,
    /// Bytes given.
    pub(crate) length: usize,
    pub(crate) valid: bool,
    pub(crate) errors: Vec<Fault>,
    /// Places where canonical CBOR is written otherwise, which readers here tolerate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) remarks: Vec<Fault>,
    pub(crate) fields: Vec<Node>,
}

impl Node {
    pub(crate) fn new(
        offset: usize,
        length: usize,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self {
            offset,
            length,
            key: None,
            name: name.into(),
            value: value.into(),
            unknown: false,
            fields: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, fields: Vec<Self>) -> Self {
        self.fields = fields;
        self
    }

    pub(crate) fn unknown(mut self) -> Self {
        self.unknown = true;
        self
    }
}

impl Fault {
    pub(crate) fn at(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset: Some(offset),
            message: message.into(),
        }
    }

    pub(crate) fn somewhere(message: impl Into<String>) -> Self {
        Self {
            offset: None,
            message: message.into(),
        }
    }
}

impl Decoded {
    pub(crate) fn new(what: impl Into<String>, length: usize) -> Self {
        Self {
            what: what.into(),
            length,
            valid: true,
            errors: Vec::new(),
            remarks: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Adds a fault, once: the walk and the core's parser may find the same.
    pub(crate) fn wrong(&mut self, fault: Fault) {
        self.valid = false;
        let known = |old: &Fault| fault.offset.is_some() && old.offset == fault.offset;
        if !self.errors.iter().any(known) {
            self.errors.push(fault);
        }
    }

    pub(crate) fn all_wrong(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.wrong(fault));
    }

    pub(crate) fn found(&mut self, findings: Findings) {
        self.all_wrong(findings.faults);
        self.remarks.extend(findings.remarks);
    }

    /// Takes what a message of another layer says: `place` is where a byte of it stands here.
    pub(crate) fn nested(&mut self, inner: Self, place: &impl Fn(usize) -> usize) -> Vec<Node> {
        let here = |fault: Fault| Fault {
            offset: fault.offset.map(place),
            message: fault.message,
        };
        self.all_wrong(inner.errors.into_iter().map(here));
        self.remarks.extend(inner.remarks.into_iter().map(here));
        moved(inner.fields, place)
    }
}

/// The same trees where `place` says that their bytes stand.
pub(crate) fn moved(nodes: Vec<Node>, place: &impl Fn(usize) -> usize) -> Vec<Node> {
    nodes
        .into_iter()
        .map(|node| Node {
            offset: place(node.offset),
            fields: moved(node.fields, place),
            ..node
        })
        .collect()
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Bytes as people read them: hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        "(empty)".into()
    } else {
        hex::encode(bytes)
    }
}
