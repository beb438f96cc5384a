//! Rules for PINs. CTAP 2.3 §6.5.1, §6.11.4.

use core::fmt;

/// Which rule a PIN, or a change of the rules, breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PinRule {
    /// minPINLength
    TooShort {
        /// Code points wanted.
        min: u32,
        /// Code points of the PIN.
        code_points: u32,
    },
    /// maxPINLength
    TooLong {
        /// Code points allowed.
        max: u32,
        /// Code points of the PIN.
        code_points: u32,
    },
    /// The token wants another PIN than the last.
    SameAsBefore,
    /// pinComplexityPolicy: which one only the maker's page says.
    Complexity,
    /// minPINLength may only grow.
    MinLengthMayOnlyGrow {
        /// What it is.
        current: u32,
    },
    /// A minPINLength above maxPINLength.
    MinLengthAboveMax {
        /// maxPINLength
        max: u32,
    },
    /// The token does not say.
    Unknown,
}

impl fmt::Display for PinRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { min, code_points } => write!(
                f,
                "the token wants a PIN of at least {min} characters, this one has {code_points}"
            ),
            Self::TooLong { max, code_points } => write!(
                f,
                "the token takes a PIN of at most {max} characters, this one has {code_points}"
            ),
            Self::SameAsBefore => f.write_str("the token wants a PIN other than the last one"),
            Self::Complexity => f.write_str(
                "the PIN is too simple for the token's complexity policy; avoid sequences, \
                 repetitions and common PINs",
            ),
            Self::MinLengthMayOnlyGrow { current } => write!(
                f,
                "the minimum PIN length is {current} and may only grow; a reset sets it back"
            ),
            Self::MinLengthAboveMax { max } => write!(
                f,
                "the token takes PINs of at most {max} characters, so no minimum above that"
            ),
            Self::Unknown => f.write_str(
                "the token refused the PIN by a policy of its own, which it does not name; try a \
                 longer one without sequences",
            ),
        }
    }
}
