//! One request for a certificate, and what a CA makes of it.

use super::{CertificationRequest, Issued, Serial, SubjectAttribute};
use jiff::Timestamp;
use std::fmt;

/// A request for one certificate, with nothing left to look up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Enrolment {
    /// The same at every try, so that a second try is not a second certificate
    /// where the CA can tell, and what was lost can be found.
    pub request_id: String,
    /// The id of a [`Profile`](super::Profile).
    pub profile: String,
    pub request: CertificationRequest,
    /// In the order in which they are to stand.
    pub subject: Vec<SubjectAttribute>,
    pub alternative_names: Vec<AlternativeName>,
    /// What is asked for; absent: as the profile says.
    pub days: Option<u32>,
    /// When it was asked for first: a search begins here.
    pub asked_at: Timestamp,
    /// Certificates that may be for the same key, and are not what is looked for.
    pub known: Vec<Serial>,
}

/// What a CA made of a request. A refusal is an error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Enrolled {
    Issued(Issued),
    /// Somebody at the CA has to agree.
    Pending(Reference),
}

/// The id under which a CA holds an enrolment that is pending.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Reference(pub String);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a search for a lost answer found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    Issued(Issued),
    /// The CA lists what it issued, and this is not among it. It may be pending.
    Nothing,
    /// The CA has no list: a certificate may exist that nobody knows here.
    CannotTell,
}

/// A certificate that is to have a successor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Previous {
    pub serial: Serial,
    /// As [`Issued::subject`] gave it.
    pub subject: String,
}

impl From<&Issued> for Previous {
    fn from(issued: &Issued) -> Self {
        Self {
            serial: issued.serial().clone(),
            subject: issued.subject().to_owned(),
        }
    }
}

/// A name in the subject alternative names. RFC 5280 section 4.2.1.6.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AlternativeName {
    pub kind: AlternativeNameKind,
    pub value: String,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AlternativeNameKind {
    /// The user principal name of smart-card logon: an otherName.
    Upn,
    Mail,
    Dns,
    Uri,
}

impl AlternativeNameKind {
    pub const ALL: [Self; 4] = [Self::Upn, Self::Mail, Self::Dns, Self::Uri];

    /// As the name of a request field spells it, after `san:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upn => "upn",
            Self::Mail => "mail",
            Self::Dns => "dns",
            Self::Uri => "uri",
        }
    }
}

impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind.as_str(), self.value)
    }
}
