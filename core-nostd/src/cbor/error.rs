//! Why bytes are not the message that was expected.

use core::fmt;

/// Why an item could not be read. Positions count bytes from the start of the bytes given to
/// the reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end inside an item, or a length points past the end.
    EndOfInput {
        /// Where the item begins.
        position: usize,
    },
    /// Another type than the one due.
    Unexpected {
        /// Where the item begins.
        position: usize,
        /// The type that was due.
        expected: &'static str,
    },
    /// The right type, with a value that its place does not allow.
    OutOfRange {
        /// Where the item begins.
        position: usize,
        /// What is allowed.
        expected: &'static str,
    },
    /// A byte string of a fixed size has another.
    Length {
        /// Where the item begins.
        position: usize,
        /// Bytes due.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// Text that is not UTF-8.
    NotUtf8 {
        /// Where the item begins.
        position: usize,
    },
    /// An initial byte that RFC 8949 reserves, or an indefinite length.
    Malformed {
        /// Where the item begins.
        position: usize,
    },
    /// Nested deeper than the reader allows.
    TooDeep {
        /// Where the innermost item begins.
        position: usize,
    },
    /// A map out of canonical order with more entries than are searched for duplicates.
    TooManyEntries {
        /// Where the entry too many begins.
        position: usize,
    },
    /// The same key twice in a map.
    DuplicateKey {
        /// Where the second one begins.
        position: usize,
    },
    /// Bytes after the item.
    TrailingBytes {
        /// Where they begin.
        position: usize,
    },
    /// A member that must be there is not.
    Missing {
        /// Its name in the specification.
        member: &'static str,
    },
}

impl Error {
    /// Where the item at fault begins; `None` for one that is missing.
    #[must_use]
    pub const fn position(&self) -> Option<usize> {
        match *self {
            Self::EndOfInput { position }
            | Self::Unexpected { position, .. }
            | Self::OutOfRange { position, .. }
            | Self::Length { position, .. }
            | Self::NotUtf8 { position }
            | Self::Malformed { position }
            | Self::TooDeep { position }
            | Self::TooManyEntries { position }
            | Self::DuplicateKey { position }
            | Self::TrailingBytes { position } => Some(position),
            Self::Missing { .. } => None,
        }
    }

    /// The same error in a message in which the bytes that were read begin at `offset`.
    #[must_use]
    pub const fn at_offset(mut self, offset: usize) -> Self {
        if let Self::EndOfInput { position }
        | Self::Unexpected { position, .. }
        | Self::OutOfRange { position, .. }
        | Self::Length { position, .. }
        | Self::NotUtf8 { position }
        | Self::Malformed { position }
        | Self::TooDeep { position }
        | Self::TooManyEntries { position }
        | Self::DuplicateKey { position }
        | Self::TrailingBytes { position } = &mut self
        {
            *position = position.saturating_add(offset);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::EndOfInput { position } => {
                write!(f, "the bytes end inside the item at byte {position}")
            }
            Self::Unexpected { position, expected } | Self::OutOfRange { position, expected } => {
                write!(f, "expected {expected} at byte {position}")
            }
            Self::Length {
                position,
                expected,
                got,
            } => write!(
                f,
                "expected a byte string of {expected} bytes at byte {position}, found {got}"
            ),
            Self::NotUtf8 { position } => write!(f, "the text at byte {position} is not UTF-8"),
            Self::Malformed { position } => write!(
                f,
                "the item at byte {position} has an indefinite length or a reserved form"
            ),
            Self::TooDeep { position } => {
                write!(f, "the item at byte {position} is nested too deep")
            }
            Self::TooManyEntries { position } => write!(
                f,
                "too many entries at byte {position} in a map out of canonical order"
            ),
            Self::DuplicateKey { position } => {
                write!(f, "the key at byte {position} stands in the map already")
            }
            Self::TrailingBytes { position } => {
                write!(f, "bytes follow the message from byte {position}")
            }
            Self::Missing { member } => write!(f, "the member {member} is missing"),
        }
    }
}

impl core::error::Error for Error {}
