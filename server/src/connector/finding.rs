//! What a connection check tells an administrator.

/// One line of a connection check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    pub ok: bool,
    /// What was looked at and what was seen, with what to do where it is wrong.
    pub text: String,
}
