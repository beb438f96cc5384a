//! Attestation objects and their statements. WebAuthn Level 3 §6.5.4, §8.

use super::names;
use super::{Member, Shape, under};

/// The object, before the format is known.
pub(crate) const ATTESTATION_OBJECT: &[Member] = &[
    under("fmt", Shape::Text),
    under("attStmt", Shape::Statement),
    under("authData", Shape::AuthenticatorData),
];

/// What a statement consists of: `compound` ones are arrays, all others maps.
pub(crate) const fn statement_shape(is_array: bool) -> &'static Shape {
    if is_array { &COMPOUND } else { &ANY_STATEMENT }
}

/// Statements, each with its format. §8.9.
const COMPOUND: Shape = Shape::List(&Shape::Map(&[
    under("fmt", Shape::Text),
    under("attStmt", Shape::Statement),
]));

/// Members of every format together: no name means two things.
const ANY_STATEMENT: Shape = Shape::Map(&[
    under("alg", Shape::Named(names::algorithm)),
    under("sig", Shape::Bytes),
    under("x5c", Shape::List(&Shape::Certificate)),
    under("ecdaaKeyId", Shape::Bytes),
    under("ver", Shape::Text),
    under("certInfo", Shape::TpmCertInfo),
    under("pubArea", Shape::TpmPublicArea),
    under("response", Shape::Utf8),
]);

/// The formats that have a section in the specification.
pub(crate) fn statement(fmt: &str) -> Option<&'static str> {
    Some(match fmt {
        "packed" => "§8.2",
        "tpm" => "§8.3",
        "android-key" => "§8.4",
        "android-safetynet" => "§8.5, withdrawn",
        "fido-u2f" => "§8.6",
        "none" => "§8.7",
        "apple" => "§8.8",
        "compound" => "§8.9",
        _ => return None,
    })
}
