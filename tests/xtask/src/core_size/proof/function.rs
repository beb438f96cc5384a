//! A function, known by where it is and what it belongs to: its bare name is shared by many.

use std::fmt::{self, Display};

/// A function as the documentation and the linker both know it, without lifetimes and without what
/// it is generic over.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Function {
    /// What it is a method of.
    pub(super) of: Option<String>,
    /// The trait that it comes from, and of what: `From` of what.
    pub(super) from_trait: Option<(String, Option<String>)>,
    /// Of a function that belongs to nothing, its path.
    pub(super) name: String,
}

impl Function {
    /// Reads a symbol's name in Rust's words; closures are parts of functions and none themselves.
    pub(super) fn parse(symbol: &str) -> Option<Self> {
        let Some(rest) = symbol.strip_prefix('<') else {
            let name = head(symbol);
            return (!name.contains('{')).then_some(Self {
                of: None,
                from_trait: None,
                name,
            });
        };
        let (owner, rest) = rest.split_at(end(rest, "")?);
        let name = rest.strip_prefix(">::")?;
        let (of, from_trait) = match end(owner, " as ") {
            Some(place) => {
                let (of, from) = owner.split_at(place);
                (of, Some(from.trim_start_matches(" as ")))
            }
            None => (owner, None),
        };
        let name = &name[..end(name, "::").unwrap_or(name.len())];
        let rest = rest.strip_prefix(">::")?;
        (!head(rest).contains('{')).then(|| Self {
            of: Some(head(of)),
            from_trait: from_trait.map(|path| (last(&head(path)).to_owned(), argument(path))),
            name: name.to_owned(),
        })
    }

    /// Whether the other is it, or an instance of it: `_` stands for every type.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same_trait = match (&self.from_trait, &other.from_trait) {
            (None, None) => true,
            (Some((ours, of_what)), Some((theirs, of_that))) => {
                ours == theirs && of_what.as_ref().is_none_or(|_| fits(of_what, of_that))
            }
            _ => false,
        };
        same_trait && self.name == other.name && fits(&self.of, &other.of)
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.of, &self.from_trait) {
            (Some(of), Some((name, Some(what)))) => write!(f, "<{of} as {name}<{what}>>::")?,
            (Some(of), Some((name, None))) => write!(f, "<{of} as {name}>::")?,
            (Some(of), None) => write!(f, "<{of}>::")?,
            (None, _) => {}
        }
        f.write_str(&self.name)
    }
}

/// Whether a type is what the pattern says.
fn fits(pattern: &Option<String>, head: &Option<String>) -> bool {
    match (pattern, head) {
        (Some(pattern), Some(head)) => match pattern.strip_suffix(ANY) {
            Some(before) => head.starts_with(before),
            None => pattern == head,
        },
        (pattern, head) => pattern == head,
    }
}

/// A type or path without lifetimes and what it is generic over; others' by their last name alone,
/// since the path under which they are documented is another than where they are.
fn head(text: &str) -> String {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('&') {
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('\'') {
            Some(rest) => rest.split_once(' ').map_or(rest, |(_, rest)| rest),
            None => rest,
        };
        return match rest.strip_prefix("mut ") {
            Some(rest) => format!("&mut {}", head(rest)),
            None => format!("&{}", head(rest)),
        };
    }
    match text.chars().next() {
        Some('[') => return "[]".to_owned(),
        Some('(') => return "()".to_owned(),
        Some('<') => return ANY.to_owned(),
        _ => {}
    }
    let mut path = String::new();
    let (mut depth, mut before) = (0_usize, ' ');
    for c in text.chars() {
        match c {
            '>' if before == '-' => {}
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => path.push(c),
            _ => {}
        }
        before = c;
    }
    // What is left of `name::<T>`.
    let path = path.trim_end_matches(':');
    own(path).map_or_else(|| last(path).to_owned(), str::to_owned)
}

/// A path of the core's or of the proof's; the core's is told from its root.
fn own(path: &str) -> Option<&str> {
    path.strip_prefix("keysteward_core::")
        .or_else(|| path.starts_with("keysteward_proof::").then_some(path))
}

pub(super) fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// The first type that a trait is generic over.
fn argument(path: &str) -> Option<String> {
    let (_, rest) = path.split_once('<')?;
    let arguments = &rest[..end(rest, "")?];
    let first = &arguments[..end(arguments, ", ").unwrap_or(arguments.len())];
    (!first.is_empty() && !first.starts_with('\'')).then(|| head(first))
}

/// Where a mark stands outside of all brackets; where the bracket around the text closes, for an
/// empty one.
fn end(text: &str, mark: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        match c {
            '>' if before == '-' => {}
            '>' | ']' | ')' if depth == 0 => return mark.is_empty().then_some(place),
            '<' | '[' | '(' => depth += 1,
            '>' | ']' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && !mark.is_empty() && text[place..].starts_with(mark) {
            return Some(place);
        }
        before = c;
    }
    None
}

/// Stands for every type, in a pattern.
pub(super) const ANY: &str = "_";

#[cfg(test)]
mod tests {
    use super::Function;

    #[test]
    fn symbols_are_read() {
        for (symbol, function) in [
            (
                "keysteward_core::ctap2::large_blobs::array::checked::<keysteward_proof::unknown::Primitives>",
                Some("ctap2::large_blobs::array::checked"),
            ),
            (
                "<keysteward_core::cbor::reader::Reader>::byte_array::<5>",
                Some("<cbor::reader::Reader>::byte_array"),
            ),
            (
                "<keysteward_core::cbor::list::List<&str> as keysteward_core::cbor::Parse>::read",
                Some("<cbor::list::List as Parse>::read"),
            ),
            (
                "<u8 as core::convert::From<keysteward_core::ctap2::command::Command>>::from",
                Some("<u8 as From<ctap2::command::Command>>::from"),
            ),
            (
                "<&mut T as keysteward_core::session::transport::CtapTransport>::exchange",
                Some("<&mut T as CtapTransport>::exchange"),
            ),
            (
                "<&[u8; 7] as keysteward_core::cbor::Encode>::encode",
                Some("<&[] as Encode>::encode"),
            ),
            (
                "<keysteward_core::cbor::list::List<fn(u8) -> bool>>::len",
                Some("<cbor::list::List>::len"),
            ),
            (
                "<keysteward_core::cbor::reader::Reader>::map::<keysteward_proof::{closure#0}>",
                Some("<cbor::reader::Reader>::map"),
            ),
            ("keysteward_core::cbor::encode::{closure#0}", None),
            ("<keysteward_core::cbor::Name>::new::{closure#0}", None),
        ] {
            let read = Function::parse(symbol).map(|function| function.to_string());
            assert_eq!(read.as_deref(), function, "{symbol}");
        }
    }

    #[test]
    fn a_namesake_is_not_the_function() {
        for (public, called, same) in [
            (
                "<keysteward_core::a::A>::parse",
                "<keysteward_core::a::A<&u8>>::parse",
                true,
            ),
            (
                "<keysteward_core::a::A>::parse",
                "<keysteward_core::a::B>::parse",
                false,
            ),
            (
                "<keysteward_core::a::A>::parse",
                "<keysteward_core::b::A>::parse",
                false,
            ),
            (
                "<keysteward_core::a::A>::parse",
                "keysteward_core::a::parse",
                false,
            ),
            (
                "<keysteward_core::a::A>::fmt",
                "<keysteward_core::a::A as core::fmt::Display>::fmt",
                false,
            ),
            (
                "<keysteward_core::a::A as core::fmt::Display>::fmt",
                "<keysteward_core::a::A as core::fmt::Debug>::fmt",
                false,
            ),
            (
                "<u8 as core::convert::From<keysteward_core::a::A>>::from",
                "<u8 as core::convert::From<keysteward_core::a::B>>::from",
                false,
            ),
            (
                "<&mut _ as keysteward_core::a::Link>::send",
                "<&mut keysteward_proof::Wire as keysteward_core::a::Link>::send",
                true,
            ),
            (
                "<&mut _ as keysteward_core::a::Link>::send",
                "<keysteward_proof::Wire as keysteward_core::a::Link>::send",
                false,
            ),
        ] {
            let [public, called] =
                [public, called].map(|text| Function::parse(text).expect("a function"));
            assert_eq!(public.is(&called), same, "{public} and {called}");
        }
    }
}
