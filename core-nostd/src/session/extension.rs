//! The extensions that flows know by name. CTAP 2.3 §12.

use crate::ctap2::extension::identifier;

macro_rules! extensions {
    ($($(#[$doc:meta])* $name:ident = $identifier:ident, $bit:literal;)*) => {
        /// An extension, as getInfo lists it.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Extension {
            $($(#[$doc])* $name,)*
        }

        impl Extension {
            /// Its name on the wire.
            #[must_use]
            pub const fn identifier(self) -> &'static str {
                match self {
                    $(Self::$name => identifier::$identifier,)*
                }
            }

            /// Reads its name; `None` for one that no flow needs.
            #[must_use]
            pub fn from_identifier(identifier: &str) -> Option<Self> {
                match identifier {
                    $(identifier::$identifier => Some(Self::$name),)*
                    _ => None,
                }
            }

            pub(super) const fn bit(self) -> u16 {
                match self {
                    $(Self::$name => 1 << $bit,)*
                }
            }
        }
    };
}

extensions! {
    /// A few bytes stored with the credential.
    CredBlob = CRED_BLOB, 0;
    /// When a credential is shown and used.
    CredProtect = CRED_PROTECT, 1;
    /// Secrets derived from a credential.
    HmacSecret = HMAC_SECRET, 2;
    /// The same while it is made.
    HmacSecretMc = HMAC_SECRET_MC, 3;
    /// A key for the large-blob array.
    LargeBlobKey = LARGE_BLOB_KEY, 4;
    /// The minimum PIN length, for listed relying parties.
    MinPinLength = MIN_PIN_LENGTH, 5;
    /// The PIN complexity policy, for listed relying parties.
    PinComplexityPolicy = PIN_COMPLEXITY_POLICY, 6;
    /// Payments that a third party starts.
    ThirdPartyPayment = THIRD_PARTY_PAYMENT, 7;
    /// A blob that the token keeps with the credential.
    LargeBlob = LARGE_BLOB, 8;
}
