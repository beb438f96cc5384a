//! Walks CBOR by a schema. What the schema does not name is shown, and marked as unknown.

mod head;
mod strings;

use minicbor::data::Type;
use minicbor::decode::Decoder;

use self::head::{longer_than_needed, order};
use super::node::{Fault, Findings, Node, hexadecimal};
use super::schema::{self, Member, Name, Shape};

/// Levels that are followed: deeper than any message of CTAP or WebAuthn.
const MAX_DEPTH: usize = 8;

/// A walk through one item. `base` is where the item begins in the whole input.
pub(crate) struct Walk<'b> {
    bytes: &'b [u8],
    decoder: Decoder<'b>,
    base: usize,
    depth: usize,
    pub(crate) findings: Findings,
}

/// The walk cannot go on: the fault is recorded.
struct Stopped;

impl<'b> Walk<'b> {
    pub(crate) fn new(bytes: &'b [u8], base: usize) -> Self {
        Self {
            bytes,
            decoder: Decoder::new(bytes),
            base,
            depth: 0,
            findings: Findings::default(),
        }
    }

    /// Where the next item begins, in the item's own bytes.
    pub(crate) fn position(&self) -> usize {
        self.decoder.position()
    }

    /// One item of this shape.
    pub(crate) fn item(&mut self, name: &str, shape: &Shape) -> Node {
        let start = self.position();
        let mut node = Node::new(self.base.saturating_add(start), 0, name, "");
        if self.fill(&mut node, shape).is_err() {
            node.value = append(&node.value, "(not readable from here)");
        }
        node.length = self.position().saturating_sub(start);
        node
    }

    /// The fields of a map, without a node for the map itself.
    pub(crate) fn fields(&mut self, shape: &Shape) -> Vec<Node> {
        self.item("", shape).fields
    }

    fn fill(&mut self, node: &mut Node, shape: &Shape) -> Result<(), Stopped> {
        let kind = self.kind()?;
        self.remark_head();
        let shape = match shape {
            Shape::Statement => schema::statement_shape(kind == Type::Array),
            other => other,
        };
        match kind {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                let value = self.take(Decoder::u64)?;
                self.unsigned(node, shape, value);
            }
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                let value = self.take(Decoder::int)?;
                node.value = match (shape, i64::try_from(value)) {
                    (Shape::Named(names), Ok(value)) => named(names, value),
                    _ => value.to_string(),
                };
                self.expect(node, shape, shape.takes_integer());
            }
            Type::Bool => {
                node.value = self.take(Decoder::bool)?.to_string();
                self.expect(node, shape, matches!(shape, Shape::Bool));
            }
            Type::Bytes => self.byte_string(node, shape)?,
            Type::String => self.text(node, shape)?,
            Type::Array => self.array(node, shape)?,
            Type::Map => self.map(node, shape)?,
            Type::Null => {
                self.take(Decoder::null)?;
                node.value = "null".into();
                self.expect(node, shape, false);
            }
            Type::Tag => {
                let tag = self.take(Decoder::tag)?.as_u64();
                self.fault_at(node.offset, "a tag, which CTAP2 messages never carry");
                node.fields = vec![self.deeper(|walk| walk.item("tagged", &Shape::Any))?];
                node.value = format!("tag {tag}");
            }
            Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef => {
                return self.stop("an indefinite length, which CTAP2 forbids");
            }
            other => {
                self.take(Decoder::skip)?;
                node.value = other.to_string();
                self.expect(node, shape, false);
            }
        }
        Ok(())
    }

    fn unsigned(&mut self, node: &mut Node, shape: &Shape, value: u64) {
        node.value = match shape {
            Shape::Named(names) => match i64::try_from(value) {
                Ok(value) => named(names, value),
                Err(_) => value.to_string(),
            },
            Shape::Bits(bits) => {
                let set: Vec<&str> = bits
                    .iter()
                    .filter(|(bit, _)| value & bit != 0)
                    .map(|(_, name)| *name)
                    .collect();
                match set.is_empty() {
                    true => format!("{value:#x}"),
                    false => format!("{value:#x}: {}", set.join(", ")),
                }
            }
            _ => value.to_string(),
        };
        self.expect(node, shape, shape.takes_integer());
    }

    fn array(&mut self, node: &mut Node, shape: &Shape) -> Result<(), Stopped> {
        let Some(count) = self.take(Decoder::array)? else {
            return self.stop("an indefinite length, which CTAP2 forbids");
        };
        let inside = match shape {
            Shape::List(inside) => inside,
            _ => &Shape::Any,
        };
        node.value = counted(count, "item");
        self.expect(node, shape, matches!(shape, Shape::List(_)));
        self.deeper(|walk| {
            for index in 0..count {
                if walk.at_end() {
                    return walk.stop(format!("the bytes end: {index} of {count} items came"));
                }
                let faults = walk.stops();
                node.fields.push(walk.item(&format!("[{index}]"), inside));
                if walk.stops() > faults && walk.at_end() {
                    return Err(Stopped);
                }
            }
            Ok(())
        })?
    }

    fn map(&mut self, node: &mut Node, shape: &Shape) -> Result<(), Stopped> {
        let Some(count) = self.take(Decoder::map)? else {
            return self.stop("an indefinite length, which CTAP2 forbids");
        };
        node.value = counted(count, "member");
        let members = match shape {
            Shape::Map(members) => *members,
            Shape::CoseKey => schema::cose_key(self.key_type(count)),
            _ => &[],
        };
        let fits = matches!(shape, Shape::Map(_) | Shape::CoseKey | Shape::Entries(_));
        self.expect(node, shape, fits);
        let mut seen: Vec<String> = Vec::new();
        let mut before: &[u8] = &[];
        self.deeper(|walk| {
            for index in 0..count {
                if walk.at_end() {
                    return walk.stop(format!("the bytes end: {index} of {count} members came"));
                }
                let start = walk.position();
                let offset = walk.base.saturating_add(start);
                let (key, known) = walk.key(members)?;
                if seen.contains(&key) {
                    walk.fault_at(offset, format!("the key {key} stands in the map already"));
                }
                seen.push(key.clone());
                let bytes = walk.bytes.get(start..walk.position()).unwrap_or_default();
                if order(bytes) < order(before) {
                    walk.remark_at(
                        offset,
                        format!("the key {key} belongs further to the front"),
                    );
                }
                before = bytes;
                let faults = walk.stops();
                let mut field = match (known, shape) {
                    (Some(member), _) => walk.item(member.name, &member.shape),
                    (None, Shape::Entries(inside)) => walk.item(key.trim_matches('"'), inside),
                    (None, _) => walk.item("unknown", &Shape::Any).unknown(),
                };
                field.offset = offset;
                field.length = walk.position().saturating_sub(start);
                field.key = Some(key);
                node.fields.push(field);
                if walk.stops() > faults && walk.at_end() {
                    return Err(Stopped);
                }
            }
            Ok(())
        })?
    }

    /// A map key, as it is shown, and the member it stands for.
    fn key(
        &mut self,
        members: &'static [Member],
    ) -> Result<(String, Option<&'static Member>), Stopped> {
        let kind = self.kind()?;
        self.remark_head();
        match kind {
            Type::String => {
                let text = self.take(Decoder::str)?;
                let known = members
                    .iter()
                    .find(|member| matches!(member.key, Name::Text(name) if name == text));
                Ok((format!("{text:?}"), known))
            }
            Type::Bytes => Ok((hexadecimal(self.take(Decoder::bytes)?), None)),
            Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int => {
                let number = self.take(Decoder::int)?;
                let Ok(number) = i64::try_from(number) else {
                    return Ok((number.to_string(), None));
                };
                let known = members
                    .iter()
                    .find(|member| matches!(member.key, Name::Number(key) if key == number));
                let shown = match number {
                    0.. => format!("0x{number:02X}"),
                    _ => number.to_string(),
                };
                Ok((shown, known))
            }
            _ => self.stop("a map key that is neither integer nor text"),
        }
    }

    /// `kty` of the COSE_Key whose members come next.
    fn key_type(&self, members: u64) -> Option<i64> {
        let mut ahead = self.decoder.clone();
        for _ in 0..members {
            match ahead.int().ok().and_then(|key| i64::try_from(key).ok())? {
                1 => return ahead.int().ok().and_then(|kty| i64::try_from(kty).ok()),
                _ => ahead.skip().ok()?,
            }
        }
        None
    }

    fn kind(&mut self) -> Result<Type, Stopped> {
        match self.decoder.datatype() {
            Ok(kind) => Ok(kind),
            Err(_) if self.at_end() => self.stop("the bytes end where an item is due"),
            Err(_) => self.stop("an initial byte that RFC 8949 reserves"),
        }
    }

    fn take<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, Stopped> {
        let start = self.position();
        read(&mut self.decoder).or_else(|_| {
            self.decoder.set_position(start);
            self.stop("the bytes end inside this item, or its form is reserved")
        })
    }

    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> Result<T, Stopped> {
        if self.depth >= MAX_DEPTH {
            return self.stop("nested too deep");
        }
        self.depth = self.depth.saturating_add(1);
        let result = inside(self);
        self.depth = self.depth.saturating_sub(1);
        Ok(result)
    }

    fn at_end(&self) -> bool {
        self.position() >= self.bytes.len()
    }

    fn stops(&self) -> usize {
        self.findings.faults.len()
    }

    /// Nothing behind this point can be read.
    fn stop<T>(&mut self, message: impl Into<String>) -> Result<T, Stopped> {
        self.fault_at(self.base.saturating_add(self.position()), message);
        self.decoder.set_position(self.bytes.len());
        Err(Stopped)
    }

    fn fault_at(&mut self, offset: usize, message: impl Into<String>) {
        self.findings.faults.push(Fault::at(offset, message));
    }

    fn remark_at(&mut self, offset: usize, message: impl Into<String>) {
        self.findings.remarks.push(Fault::at(offset, message));
    }

    /// Whether the number in the next head stands in as few bytes as it fits in.
    fn remark_head(&mut self) {
        let start = self.position();
        let item = self.bytes.get(start..).unwrap_or_default();
        if let Some((number, length, shortest)) = longer_than_needed(item) {
            let message = format!("{number} stands in {length} bytes, {shortest} would do");
            self.remark_at(self.base.saturating_add(start), message);
        }
    }

    /// A well-formed item of another type than the schema's is shown all the same.
    fn expect(&mut self, node: &Node, shape: &Shape, fits: bool) {
        if !fits && !matches!(shape, Shape::Any) {
            self.fault_at(
                node.offset,
                format!("{} should be {}", node.name, shape.due()),
            );
        }
    }
}

fn named(names: &fn(i64) -> Option<&'static str>, value: i64) -> String {
    match names(value) {
        Some(name) => format!("{value} ({name})"),
        None => format!("{value} (unknown)"),
    }
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

fn append(value: &str, remark: &str) -> String {
    match value {
        "" => remark.into(),
        _ => format!("{value} {remark}"),
    }
}
