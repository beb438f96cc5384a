//! What a CA offers to issue, and what it wants to know for it.

use super::{Enrolment, FieldName};
use std::{collections::BTreeMap, fmt};

/// A profile of a CA ("template" at other vendors).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Profile {
    pub id: String,
    pub name: String,
    /// Empty where the CA does not say.
    pub fields: Vec<ProfileField>,
    /// Whether it takes a key made elsewhere, as a token's key is; absent where
    /// the CA does not say.
    pub takes_request: Option<bool>,
    /// What else the CA tells of it, in its own words: key usage, lifetime, ...
    pub properties: BTreeMap<String, String>,
}

/// A field of the request that a profile wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProfileField {
    pub name: FieldName,
    pub required: bool,
}

/// Why an enrolment does not fit its profile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unfit {
    /// Every one that is missing.
    Missing(Vec<FieldName>),
    /// The CA makes the keys of this profile itself.
    MakesKeys,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(fields) => {
                f.write_str("the profile wants request fields that are not given:")?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma} {field}")?;
                }
                Ok(())
            }
            Self::MakesKeys => {
                f.write_str("the CA makes the keys of this profile itself; choose another one")
            }
        }
    }
}

impl Profile {
    /// Compares an enrolment with what the profile wants, before it is sent.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn check(&self, enrolment: &Enrolment) -> Result<(), Unfit> {
        self.compare(|name| match name {
            FieldName::Subject(name) => enrolment
                .subject
                .iter()
                .any(|attribute| attribute.name.eq_ignore_ascii_case(name)),
            FieldName::AlternativeName(kind) => enrolment
                .alternative_names
                .iter()
                .any(|name| name.kind == *kind),
        })
    }

    /// Compares the fields that a template fills with what the profile wants, before
    /// there is anybody to issue to.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn check_names(&self, given: &[FieldName]) -> Result<(), Unfit> {
        self.compare(|wanted| {
            given.iter().any(|name| match (wanted, name) {
                (FieldName::Subject(wanted), FieldName::Subject(name)) => {
                    wanted.eq_ignore_ascii_case(name)
                }
                _ => wanted == name,
            })
        })
    }

    fn compare(&self, given: impl Fn(&FieldName) -> bool) -> Result<(), Unfit> {
        if self.takes_request == Some(false) {
            return Err(Unfit::MakesKeys);
        }
        let missing: Vec<_> = self
            .fields
            .iter()
            .filter(|field| field.required && !given(&field.name))
            .map(|field| field.name.clone())
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Unfit::Missing(missing))
        }
    }
}
