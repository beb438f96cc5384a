//! Links to tokens: they move 64-byte reports and know no CTAP.
//!
//! The lowest layer of the agent. Each link says when a token comes and goes.

/// What a link tells of a token before anybody asks it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Description {
    /// Which link.
    pub kind: Kind,
    /// USB.
    pub vendor_id: u16,
    /// USB.
    pub product_id: u16,
    /// Empty where it tells none.
    pub manufacturer: String,
    /// Empty where it tells none.
    pub product: String,
    /// The vendor's serial number; empty where it tells none.
    pub serial: String,
}

/// A kind of link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A USB key, through hidraw.
    Hid,
    /// A token in software, through the socket of `danger_virtual_token_socket`.
    Socket,
}

impl Kind {
    /// As `token.proto` spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hid => "hid",
            Self::Socket => "socket",
        }
    }
}
