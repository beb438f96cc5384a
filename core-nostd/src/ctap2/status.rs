//! Status codes. CTAP 2.3 §8.2.

use core::fmt;

use crate::cbor;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:literal $variant:ident $word:literal,)*) => {
        /// The first byte of a response.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Status {
            $(
                #[doc = concat!("`", stringify!($code), "` ", $word, ". ")]
                $(#[$doc])*
                $variant,
            )*
            /// `0xE0` to `0xEF` an extension's, `0xF0` to `0xFF` a vendor's, or a later edition's.
            Other(u8),
        }

        impl From<u8> for Status {
            fn from(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<Status> for u8 {
            fn from(status: Status) -> Self {
                match status {
                    $(Status::$variant => $code,)*
                    Status::Other(code) => code,
                }
            }
        }

        /// The specification's word and the code: `PIN_INVALID (0x31)`.
        impl fmt::Display for Status {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let word = match self {
                    $(Self::$variant => $word,)*
                    Self::Other(0xe0..=0xef) => "extension status",
                    Self::Other(0xf0..=0xff) => "vendor status",
                    Self::Other(_) => "unknown status",
                };
                write!(f, "{word} ({:#04x})", u8::from(*self))
            }
        }
    };
}

codes! {
    /// The map follows, if there is one.
    0x00 Ok "OK",
    0x01 InvalidCommand "INVALID_COMMAND",
    0x02 InvalidParameter "INVALID_PARAMETER",
    0x03 InvalidLength "INVALID_LENGTH",
    0x04 InvalidSeq "INVALID_SEQ",
    0x05 Timeout "TIMEOUT",
    0x06 ChannelBusy "CHANNEL_BUSY",
    0x0a LockRequired "LOCK_REQUIRED",
    0x0b InvalidChannel "INVALID_CHANNEL",
    0x11 CborUnexpectedType "CBOR_UNEXPECTED_TYPE",
    0x12 InvalidCbor "INVALID_CBOR",
    0x14 MissingParameter "MISSING_PARAMETER",
    0x15 LimitExceeded "LIMIT_EXCEEDED",
    /// CTAP 2.0 only.
    0x16 UnsupportedExtension "UNSUPPORTED_EXTENSION",
    0x17 FpDatabaseFull "FP_DATABASE_FULL",
    0x18 LargeBlobStorageFull "LARGE_BLOB_STORAGE_FULL",
    /// The key holds a credential of the exclude list.
    0x19 CredentialExcluded "CREDENTIAL_EXCLUDED",
    0x21 Processing "PROCESSING",
    0x22 InvalidCredential "INVALID_CREDENTIAL",
    0x23 UserActionPending "USER_ACTION_PENDING",
    0x24 OperationPending "OPERATION_PENDING",
    0x25 NoOperations "NO_OPERATIONS",
    0x26 UnsupportedAlgorithm "UNSUPPORTED_ALGORITHM",
    /// Refused by the user; some keys also say so when nobody touched.
    0x27 OperationDenied "OPERATION_DENIED",
    0x28 KeyStoreFull "KEY_STORE_FULL",
    /// CTAP 2.0 only.
    0x29 NotBusy "NOT_BUSY",
    /// CTAP 2.0 only.
    0x2a NoOperationPending "NO_OPERATION_PENDING",
    0x2b UnsupportedOption "UNSUPPORTED_OPTION",
    0x2c InvalidOption "INVALID_OPTION",
    /// Cancelled by the platform.
    0x2d KeepaliveCancel "KEEPALIVE_CANCEL",
    0x2e NoCredentials "NO_CREDENTIALS",
    0x2f UserActionTimeout "USER_ACTION_TIMEOUT",
    0x30 NotAllowed "NOT_ALLOWED",
    /// A wrong PIN, or (with an empty pinUvAuthParam) a PIN that is set.
    0x31 PinInvalid "PIN_INVALID",
    /// No retries are left: only a reset helps.
    0x32 PinBlocked "PIN_BLOCKED",
    0x33 PinAuthInvalid "PIN_AUTH_INVALID",
    /// Three wrong PINs since power-up: plug the key in anew, no reset is needed.
    0x34 PinAuthBlocked "PIN_AUTH_BLOCKED",
    0x35 PinNotSet "PIN_NOT_SET",
    /// `PIN_REQUIRED` in CTAP 2.0.
    0x36 PuatRequired "PUAT_REQUIRED",
    /// Too short, too long, or against the complexity policy.
    0x37 PinPolicyViolation "PIN_POLICY_VIOLATION",
    /// CTAP 2.0, still met; later editions answer `PinAuthInvalid`.
    0x38 PinTokenExpired "PIN_TOKEN_EXPIRED",
    0x39 RequestTooLarge "REQUEST_TOO_LARGE",
    0x3a ActionTimeout "ACTION_TIMEOUT",
    0x3b UpRequired "UP_REQUIRED",
    0x3c UvBlocked "UV_BLOCKED",
    0x3d IntegrityFailure "INTEGRITY_FAILURE",
    0x3e InvalidSubcommand "INVALID_SUBCOMMAND",
    0x3f UvInvalid "UV_INVALID",
    0x40 UnauthorizedPermission "UNAUTHORIZED_PERMISSION",
    /// `CTAP1_ERR_OTHER`: the key does not say.
    0x7f OtherError "OTHER",
}

/// What a token answers to a request that it cannot read.
impl From<cbor::Error> for Status {
    fn from(error: cbor::Error) -> Self {
        match error {
            cbor::Error::Unexpected { .. } => Self::CborUnexpectedType,
            cbor::Error::Missing { .. } => Self::MissingParameter,
            cbor::Error::OutOfRange { .. } => Self::InvalidParameter,
            cbor::Error::Length { .. } => Self::InvalidLength,
            _ => Self::InvalidCbor,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn status_codes_survive_a_round_trip() {
        for code in 0..=u8::MAX {
            assert_eq!(u8::from(Status::from(code)), code);
        }
    }

    #[test]
    fn a_status_prints_in_the_words_of_the_specification() {
        for (code, words) in [
            (0x34, "PIN_AUTH_BLOCKED (0x34)"),
            (0xf2, "vendor status (0xf2)"),
            (0xe1, "extension status (0xe1)"),
            (0x5f, "unknown status (0x5f)"),
        ] {
            assert_eq!(Status::from(code).to_string(), words);
        }
    }

    #[test]
    fn a_request_that_cannot_be_read_gets_the_status_of_its_fault() {
        for (error, status) in [
            (
                cbor::Error::DuplicateKey { position: 3 },
                Status::InvalidCbor,
            ),
            (
                cbor::Error::Unexpected {
                    position: 3,
                    expected: "text",
                },
                Status::CborUnexpectedType,
            ),
            (
                cbor::Error::Missing { member: "rp" },
                Status::MissingParameter,
            ),
        ] {
            assert_eq!(Status::from(error), status);
        }
    }
}
