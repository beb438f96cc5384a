//! The private half of a connection's settings, as the key store seals it.

use zeroize::Zeroizing;

/// A private key, with or without its certificates: wiped when dropped, never
/// printed. Each vendor's `settings` says what is in it.
#[expect(missing_debug_implementations, reason = "a secret")]
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// As it was unsealed.
    #[must_use]
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self(bytes.into())
    }

    /// What to seal.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}
