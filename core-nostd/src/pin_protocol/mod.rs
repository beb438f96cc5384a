//! PIN/UV auth protocols one and two. CTAP 2.3 §6.5.6, §6.5.7.
//!
//! Both halves. The platform [`encapsulate`](PinProtocol::encapsulate)s to the
//! token's [`KeyAgreementKey`] and gets the [`SharedSecret`] that the token
//! [`decapsulate`](KeyAgreementKey::decapsulate)s. Under it a [`Pin`] goes
//! over, and a [`PinUvAuthToken`] comes back, which authenticates requests. A
//! [`PersistentToken`] goes on doing so after the power was off.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use keysteward_core::crypto::{self, RustCrypto};
//! use keysteward_core::pin_protocol::{KeyAgreementKey, Pin, PinProtocol};
//!
//! # fn main() -> Result<(), crypto::Error> {
//! let mut crypto = RustCrypto(rand_core::OsRng);
//! let token_key = KeyAgreementKey::generate(&mut crypto)?;
//! let token_point = token_key.public(&mut crypto)?;
//!
//! let (platform_point, secret) = PinProtocol::Two.encapsulate(&mut crypto, &token_point)?;
//! let pin = Pin::new("correct horse").map_err(|_| crypto::Error)?;
//! let new_pin_enc = secret.encrypt(&mut crypto, pin.padded())?;
//!
//! let same = token_key.decapsulate(&mut crypto, PinProtocol::Two, &platform_point)?;
//! let padded = same.decrypt(&mut crypto, &new_pin_enc)?;
//! assert_eq!(padded.as_slice(), pin.padded());
//! # Ok(()) }
//! # main().unwrap();
//! # }
//! ```

mod key_agreement;
mod one;
mod persistent;
mod pin;
mod shared_secret;
#[cfg(all(test, feature = "rust-crypto"))]
mod tests;
mod token;
mod two;

pub use key_agreement::KeyAgreementKey;
pub use persistent::{EncryptedMember, PERSISTENT_TOKEN, PersistentToken, SEALED_MEMBER};
pub use pin::{MAX_PIN_BYTES, MIN_PIN_CODE_POINTS, PADDED_PIN, Pin, PinError};
pub use shared_secret::{Ciphertext, MacVerified, PinUvAuthParam, Plaintext, SharedSecret};
pub use token::PinUvAuthToken;

/// A PIN/UV auth protocol that we speak.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum PinProtocol {
    /// Of CTAP 2.0: no random IV, short MACs.
    One,
    /// Of CTAP 2.1.
    Two,
}

impl PinProtocol {
    /// The number in pinUvAuthProtocol.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// Reads pinUvAuthProtocol; `None` for one that we do not speak.
    #[must_use]
    pub const fn from_id(id: u64) -> Option<Self> {
        match id {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }
}
