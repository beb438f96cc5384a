//! Attributes of a certificate's subject. RFC 4514 and RFC 4519 name them.

use std::fmt;

/// One attribute of a subject, under the name that the profile gives it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubjectAttribute {
    /// `cn`, `o`, `emailAddress`, ...; case does not matter.
    pub name: String,
    pub value: String,
}

impl SubjectAttribute {
    /// The object identifier that the name stands for, where it is known.
    pub(crate) fn oid(&self) -> Option<&'static [u64]> {
        oid(&self.name)
    }
}

impl fmt::Display for SubjectAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.value)
    }
}

fn oid(name: &str) -> Option<&'static [u64]> {
    ATTRIBUTES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, oid)| *oid)
}

const ATTRIBUTES: [(&str, &[u64]); 21] = [
    ("cn", &[2, 5, 4, 3]),
    ("sn", &[2, 5, 4, 4]),
    ("serialNumber", &[2, 5, 4, 5]),
    ("c", &[2, 5, 4, 6]),
    ("l", &[2, 5, 4, 7]),
    ("st", &[2, 5, 4, 8]),
    ("street", &[2, 5, 4, 9]),
    ("o", &[2, 5, 4, 10]),
    ("ou", &[2, 5, 4, 11]),
    ("title", &[2, 5, 4, 12]),
    ("businessCategory", &[2, 5, 4, 15]),
    ("postalCode", &[2, 5, 4, 17]),
    ("givenName", &[2, 5, 4, 42]),
    ("initials", &[2, 5, 4, 43]),
    ("organizationIdentifier", &[2, 5, 4, 97]),
    ("uid", &[0, 9, 2342, 19_200_300, 100, 1, 1]),
    ("dc", &[0, 9, 2342, 19_200_300, 100, 1, 25]),
    ("emailAddress", &[1, 2, 840, 113_549, 1, 9, 1]),
    ("e", &[1, 2, 840, 113_549, 1, 9, 1]),
    ("unstructuredName", &[1, 2, 840, 113_549, 1, 9, 2]),
    ("unstructuredAddress", &[1, 2, 840, 113_549, 1, 9, 8]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_any_case() {
        assert_eq!(oid("CN"), oid("cn"));
        assert_eq!(oid("SERIALNUMBER"), Some([2, 5, 4, 5].as_slice()));
        assert_eq!(oid("nonsense"), None);
    }
}
