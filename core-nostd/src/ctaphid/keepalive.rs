//! What a token says while it works. CTAP 2.3 §11.2.9.1.7.

/// Status of a KEEPALIVE, over HID and over NFC alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keepalive {
    /// 1: the token computes.
    Processing,
    /// 2: the token waits for a touch.
    UserPresenceNeeded,
    /// A status of a later edition, or of a vendor.
    Other(u8),
}

impl From<u8> for Keepalive {
    fn from(status: u8) -> Self {
        match status {
            1 => Self::Processing,
            2 => Self::UserPresenceNeeded,
            other => Self::Other(other),
        }
    }
}

impl From<Keepalive> for u8 {
    fn from(status: Keepalive) -> Self {
        match status {
            Keepalive::Processing => 1,
            Keepalive::UserPresenceNeeded => 2,
            Keepalive::Other(other) => other,
        }
    }
}
