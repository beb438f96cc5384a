//! What a failed call leaves behind.

/// Whether a failed call may have had its effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is as if the call had not been made.
    Unchanged,
    /// Look before trying again.
    MaybeChanged,
}
