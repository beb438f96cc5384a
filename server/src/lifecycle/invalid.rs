//! What is wrong with something that a person wrote.

/// A field at fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} is {found}, allowed is {allowed}")]
pub struct Invalid {
    /// As in the public interface: `template.pin.length`.
    pub field: &'static str,
    /// What stands there. Never a secret.
    pub found: String,
    /// What may.
    pub allowed: String,
}

impl Invalid {
    /// Of its three facts.
    pub fn new(field: &'static str, found: impl ToString, allowed: impl Into<String>) -> Self {
        Self {
            field,
            found: found.to_string(),
            allowed: allowed.into(),
        }
    }
}

/// A name for people: 1 to 64 characters, none of them a control character, no
/// space at either end.
///
/// # Errors
/// Names `field`.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), Invalid> {
    let length = name.chars().count();
    if !(1..=64).contains(&length) || name.trim() != name || name.chars().any(char::is_control) {
        return Err(Invalid::new(
            field,
            format_args!("{name:?}"),
            "1 to 64 printable characters, no space at either end",
        ));
    }
    Ok(())
}
