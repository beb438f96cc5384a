//! How a template fills the fields of a certification request: with text, with
//! what is known of the user and the token, or with both.
//!
//! ```
//! use keysteward_server::connector::ca::{Attributes, RequestField, request_field::fill};
//!
//! let fields = [
//!     RequestField { name: "cn".into(), value: "{user.given_name} {user.sn}".into() },
//!     RequestField { name: "o".into(), value: "Acme".into() },
//!     RequestField { name: "san:upn".into(), value: "{user.user_principal_name}".into() },
//! ];
//! let bob = Attributes {
//!     given_name: "Bob",
//!     sn: "Smith",
//!     user_principal_name: "bob@example.com",
//!     ..Attributes::default()
//! };
//! let filled = fill(&fields, &bob)?;
//! assert_eq!(filled.subject[0].value, "Bob Smith");
//! assert_eq!(filled.alternative_names[0].value, "bob@example.com");
//! # Ok::<(), keysteward_server::connector::ca::request_field::WrongFields>(())
//! ```

#[cfg(test)]
mod tests;

use super::{AlternativeName, AlternativeNameKind, SubjectAttribute};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One field of a template. [`check`] says whether it makes sense.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RequestField {
    /// As [`FieldName`] is written: `cn`, `o`, `san:upn`, ...
    pub name: String,
    /// Text, with [`PLACEHOLDERS`] in braces; `{{` and `}}` are braces.
    pub value: String,
}

/// Which part of a request a field is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum FieldName {
    /// An attribute of the subject, as the CA names it.
    Subject(String),
    AlternativeName(AlternativeNameKind),
}

impl FieldName {
    /// `cn`, or `san:` and one of `upn`, `mail`, `dns`, `uri`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(kind) = text.strip_prefix(SAN) {
            return AlternativeNameKind::ALL
                .into_iter()
                .find(|known| known.as_str() == kind)
                .map(Self::AlternativeName);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        (!text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(plain))
            .then(|| Self::Subject(text.to_owned()))
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(name) => f.write_str(name),
            Self::AlternativeName(kind) => write!(f, "{SAN}{}", kind.as_str()),
        }
    }
}

/// What a value may mention; empty where it is not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes<'a> {
    pub user_name: &'a str,
    pub display_name: &'a str,
    pub mail: &'a str,
    pub given_name: &'a str,
    pub sn: &'a str,
    pub sam_account_name: &'a str,
    pub user_principal_name: &'a str,
    /// Of the token.
    pub serial: &'a str,
}

impl<'a> Attributes<'a> {
    fn of(&self, placeholder: &str) -> Option<&'a str> {
        Some(match placeholder {
            "user.user_name" => self.user_name,
            "user.display_name" => self.display_name,
            "user.mail" => self.mail,
            "user.given_name" => self.given_name,
            "user.sn" => self.sn,
            "user.sam_account_name" => self.sam_account_name,
            "user.user_principal_name" => self.user_principal_name,
            "token.serial" => self.serial,
            _ => return None,
        })
    }
}

/// What a value may mention.
pub const PLACEHOLDERS: [&str; 8] = [
    "user.user_name",
    "user.display_name",
    "user.mail",
    "user.given_name",
    "user.sn",
    "user.sam_account_name",
    "user.user_principal_name",
    "token.serial",
];

/// The fields of one request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filled {
    pub subject: Vec<SubjectAttribute>,
    pub alternative_names: Vec<AlternativeName>,
}

/// Everything that is wrong with the fields of a template, or cannot be filled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrongFields(pub Vec<WrongField>);

/// One thing that is wrong with one field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrongField {
    /// The field's name as the template has it.
    pub field: String,
    pub fault: Fault,
}

/// What is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    Name,
    /// A name that stands twice where it can stand once.
    Twice,
    /// No such word in [`PLACEHOLDERS`].
    Placeholder(String),
    /// A brace without its partner, with the text from there on.
    Brace(String),
    /// The value has no text, or more than a field holds.
    Length(usize),
    /// A control character.
    Unprintable,
    /// The user, or the token, has no such attribute.
    Unknown(&'static str),
}

impl fmt::Display for WrongField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.fault {
            Fault::Name => write!(
                f,
                "request field {field:?} is no name; allowed are names of subject attributes such \
                 as cn, and san:upn, san:mail, san:dns, san:uri"
            ),
            Fault::Twice => write!(f, "request field {field} stands twice"),
            Fault::Placeholder(word) => write!(
                f,
                "request field {field} mentions {{{word}}}; allowed are {}",
                PLACEHOLDERS.map(|word| format!("{{{word}}}")).join(" ")
            ),
            Fault::Brace(text) => write!(
                f,
                "request field {field} has a brace without its partner at {text:?}; a brace in \
                 text is written twice"
            ),
            Fault::Length(length) => write!(
                f,
                "request field {field} has {length} characters; allowed are 1 to {LONGEST_VALUE}"
            ),
            Fault::Unprintable => write!(f, "request field {field} has control characters"),
            Fault::Unknown(attribute) => write!(
                f,
                "request field {field} needs {attribute}, which is not known here"
            ),
        }
    }
}

impl fmt::Display for WrongFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, wrong) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{wrong}")?;
        }
        Ok(())
    }
}

impl std::error::Error for WrongFields {}

/// Checks the fields of a template, before there is a user.
///
/// # Errors
/// Names every fault of every field.
pub fn check(fields: &[RequestField]) -> Result<(), WrongFields> {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for field in fields {
        let mut add = |fault| wrong.push(field.wrong(fault));
        match FieldName::parse(&field.name) {
            None => add(Fault::Name),
            Some(name) if seen.contains(&name) && !repeats(&name) => add(Fault::Twice),
            Some(name) => seen.push(name),
        }
        if field.value.is_empty() || field.value.chars().count() > LONGEST_VALUE {
            add(Fault::Length(field.value.chars().count()));
        }
        if field.value.chars().any(char::is_control) {
            add(Fault::Unprintable);
        }
        for piece in Pieces(&field.value) {
            match piece {
                Piece::Placeholder(word) if !PLACEHOLDERS.contains(&word) => {
                    add(Fault::Placeholder(word.to_owned()));
                }
                Piece::Lonely(text) => add(Fault::Brace(text.to_owned())),
                Piece::Placeholder(_) | Piece::Text(_) => {}
            }
        }
    }
    done((), wrong)
}

/// Fills the fields for one user and token.
///
/// # Errors
/// Names every fault of every field, and every attribute that is not known.
pub fn fill(fields: &[RequestField], attributes: &Attributes<'_>) -> Result<Filled, WrongFields> {
    check(fields)?;
    let mut wrong = Vec::new();
    let mut filled = Filled::default();
    for field in fields {
        let mut value = String::new();
        let mut unknown = false;
        for piece in Pieces(&field.value) {
            match piece {
                Piece::Text(text) | Piece::Lonely(text) => value.push_str(text),
                Piece::Placeholder(word) => match attributes.of(word).map(str::trim) {
                    Some(known) if !known.is_empty() => value.push_str(known),
                    _ => {
                        unknown = true;
                        let known = PLACEHOLDERS.into_iter().find(|known| *known == word);
                        wrong.extend(known.map(|word| field.wrong(Fault::Unknown(word))));
                    }
                },
            }
        }
        let value = value.trim().to_owned();
        let length = value.chars().count();
        if unknown {
            continue;
        }
        if length == 0 || length > LONGEST_VALUE {
            wrong.push(field.wrong(Fault::Length(length)));
        } else if value.chars().any(char::is_control) {
            wrong.push(field.wrong(Fault::Unprintable));
        }
        match FieldName::parse(&field.name) {
            Some(FieldName::Subject(name)) => {
                filled.subject.push(SubjectAttribute { name, value });
            }
            Some(FieldName::AlternativeName(kind)) => {
                filled
                    .alternative_names
                    .push(AlternativeName { kind, value });
            }
            None => wrong.push(field.wrong(Fault::Name)),
        }
    }
    done(filled, wrong)
}

impl RequestField {
    fn wrong(&self, fault: Fault) -> WrongField {
        WrongField {
            field: self.name.clone(),
            fault,
        }
    }
}

/// An organizational unit, a domain component or a further name may stand more
/// than once.
fn repeats(name: &FieldName) -> bool {
    match name {
        FieldName::Subject(name) => ["ou", "dc"]
            .iter()
            .any(|repeating| repeating.eq_ignore_ascii_case(name)),
        FieldName::AlternativeName(_) => true,
    }
}

fn done<T>(value: T, wrong: Vec<WrongField>) -> Result<T, WrongFields> {
    if wrong.is_empty() {
        Ok(value)
    } else {
        Err(WrongFields(wrong))
    }
}

/// A value, cut at its braces.
struct Pieces<'a>(&'a str);

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
    /// From a brace without a partner to the end.
    Lonely(&'a str),
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let text = self.0;
        if text.is_empty() {
            return None;
        }
        for double in ["{{", "}}"] {
            if let Some(rest) = text.strip_prefix(double) {
                self.0 = rest;
                return text.get(..1).map(Piece::Text);
            }
        }
        if let Some(inner) = text.strip_prefix('{')
            && let Some((word, rest)) = inner.split_once('}')
        {
            self.0 = rest;
            return Some(Piece::Placeholder(word));
        }
        if text.starts_with(['{', '}']) {
            self.0 = "";
            return Some(Piece::Lonely(text));
        }
        let (piece, rest) = text.split_at(text.find(['{', '}']).unwrap_or(text.len()));
        self.0 = rest;
        Some(Piece::Text(piece))
    }
}

const SAN: &str = "san:";
const LONGEST_NAME: usize = 64;
/// `ub-name` of RFC 5280 is 64 for a common name and 128 for a mail address;
/// a CA says itself what is too much for it.
const LONGEST_VALUE: usize = 256;
